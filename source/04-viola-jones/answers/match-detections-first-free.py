# ---
# kind: mistake
# title: "takes the first true box that is good enough, not the best"
# scores: {detection-scores: 5}
# ---

# %% detection-scores
def match_detections(overlap, min_iou):
    free = list(range(overlap.shape[1]))
    for row in overlap:
        for j in free:
            if row[j] >= min_iou:
                free.remove(j)
                break
    tp = overlap.shape[1] - len(free)
    return tp, len(overlap) - tp, len(free)


def detection_scores(tp, fp, fn, tn):
    precision, recall = tp / max(tp + fp, 1), tp / (tp + fn)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "balanced_error": (fn / (tp + fn) + fp / (fp + tn)) / 2,
    }

# ---
# kind: mistake
# title: "recall = tp / (tp + fp)"
# scores: {detection-scores: 4}
# ---

# %% detection-scores
def match_detections(overlap, min_iou):
    n_detected, n_true = overlap.shape
    free = list(range(n_true))
    for row in overlap:
        best = max(free, key=lambda j: row[j], default=None)
        if best is not None and row[best] >= min_iou:
            free.remove(best)
    tp = n_true - len(free)
    return tp, n_detected - tp, len(free)


def detection_scores(tp, fp, fn, tn):
    precision, recall = tp / max(tp + fp, 1), tp / max(tp + fp, 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "balanced_error": (fn / (tp + fn) + fp / (fp + tn)) / 2,
    }

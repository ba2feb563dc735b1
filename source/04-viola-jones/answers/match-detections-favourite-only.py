# ---
# kind: mistake
# title: "a detection whose favourite is taken does not try another"
# scores: {detection-scores: 5}
# ---

# %% detection-scores
def match_detections(overlap, min_iou):
    taken = set()
    for row in overlap:
        if len(row) > 0 and row.max() >= min_iou:
            taken.add(int(row.argmax()))
    return len(taken), len(overlap) - len(taken), overlap.shape[1] - len(taken)


def detection_scores(tp, fp, fn, tn):
    precision, recall = tp / max(tp + fp, 1), tp / (tp + fn)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "balanced_error": (fn / (tp + fn) + fp / (fp + tn)) / 2,
    }

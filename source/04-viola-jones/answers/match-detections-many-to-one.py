# ---
# kind: mistake
# title: "a true box may be found many times"
# scores: {detection-scores: 5}
# ---

# %% detection-scores
def match_detections(overlap, min_iou):
    hits = overlap >= min_iou
    tp = int(hits.any(axis=1).sum())
    return tp, len(overlap) - tp, int((~hits.any(axis=0)).sum())


def detection_scores(tp, fp, fn, tn):
    precision, recall = tp / max(tp + fp, 1), tp / (tp + fn)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "balanced_error": (fn / (tp + fn) + fp / (fp + tn)) / 2,
    }

# ---
# kind: mistake
# title: "keeps every box"
# scores: {iou-nms: 4}
# ---

# %% iou-nms
def iou(box, boxes):
    first = np.maximum(box[:2], boxes[:, :2])
    last = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.maximum(last - first, 0).prod(axis=1)
    return shared / (box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared)


def nms(boxes, scores, max_iou):
    return np.argsort(-scores, kind="stable")

# ---
# kind: mistake
# title: "separate boxes get an overlap: two negative sides make a positive area"
# scores: {iou-nms: 6}
# ---

# %% iou-nms
def iou(box, boxes):
    first = np.maximum(box[:2], boxes[:, :2])
    last = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = (last - first).prod(axis=1)
    return shared / (box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared)


def overlap_of(box, boxes):
    first = np.maximum(box[:2], boxes[:, :2])
    last = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.maximum(last - first, 0).prod(axis=1)
    return shared / (box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared)


def nms(boxes, scores, max_iou):
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left) > 0:
        kept.append(int(left[0]))
        left = left[1:][overlap_of(boxes[left[0]], boxes[left[1:]]) <= max_iou]
    return kept

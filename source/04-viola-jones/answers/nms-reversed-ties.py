# ---
# kind: mistake
# title: "reverses the sorted order: at ties the larger number comes first"
# scores: {iou-nms: 4}
# ---

# %% iou-nms
def iou(box, boxes):
    first = np.maximum(box[:2], boxes[:, :2])
    last = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.maximum(last - first, 0).prod(axis=1)
    return shared / (box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared)


def nms(boxes, scores, max_iou):
    left = np.argsort(scores, kind="stable")[::-1]
    kept = []
    while len(left) > 0:
        kept.append(int(left[0]))
        left = left[1:][iou(boxes[left[0]], boxes[left[1:]]) <= max_iou]
    return kept

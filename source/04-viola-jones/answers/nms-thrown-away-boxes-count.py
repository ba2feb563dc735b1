# ---
# kind: mistake
# title: "boxes that were thrown away throw away others"
# scores: {iou-nms: 4}
# ---

# %% iou-nms
def iou(box, boxes):
    first = np.maximum(box[:2], boxes[:, :2])
    last = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.maximum(last - first, 0).prod(axis=1)
    return shared / (box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared)


def nms(boxes, scores, max_iou):
    order = np.argsort(-scores, kind="stable")
    kept = []
    for place, number in enumerate(order):
        if place == 0 or iou(boxes[number], boxes[order[:place]]).max() <= max_iou:
            kept.append(int(number))
    return kept

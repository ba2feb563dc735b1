# ---
# kind: mistake
# title: reduces without anti-aliasing
# scores: {preprocess: 0}
# ---

# %% preprocess
IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406])
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225])


def preprocess(images, size, bgr=False):
    x = torch.as_tensor(images)
    if x.dtype == torch.uint8:
        x = x / 255
    if x.ndim == 3:
        x = torch.stack([x, x, x], dim=3)
    if bgr:
        x = x.flip(3)
    x = F.interpolate(x.permute(0, 3, 1, 2).float(), size=(size, size), mode="bilinear")
    return (x - IMAGENET_MEAN.view(3, 1, 1)) / IMAGENET_STD.view(3, 1, 1)

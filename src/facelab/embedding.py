"""Pictures as vectors: what the pretrained network sees in them, before it names anything.

In: `Pretrained` and grey pictures. Out: one row of 1280 numbers for each picture, as a NumPy array.
Exercises compute features for a whole class with it, without showing how a student is asked to do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from facelab.datasets.pictures import check_size

if TYPE_CHECKING:
    from facelab.pretrained import Pretrained

_BATCH = 10
"""Pictures at a time: the maps of more than these no longer fit into a processor's cache."""


def embed_images(pretrained: Pretrained, images: NDArray[Any], size: int = 96) -> NDArray[np.float32]:
    """Turn grey pictures into the pooled output of the network's last convolution.

    The pictures are treated as the network's weights ask for it: three equal colour channels, bilinear resizing with
    anti-aliasing, ImageNet's mean and standard deviation. The network stays in evaluation mode and is not changed.

    Args:
        pretrained: what `load_pretrained` returned; the work is done on its device.
        images: (n, h, w) grey values in [0, 1].
        size: side in pixels at which the network sees them; 96 costs about a fifth of the usual 224.

    Returns:
        (n, 1280) float32, the mean over all places of each feature.

    Raises:
        ValueError: images is not (n, h, w), or size is not a whole number of at least 4.
    """
    import torch
    from torch.nn.functional import interpolate

    check_size(size)
    if images.ndim != 3:
        raise ValueError(f"images は (n, h, w) です / images must be (n, h, w), not {images.shape}")
    mean, std = (
        torch.tensor(values, device=pretrained.device).view(3, 1, 1)
        for values in (pretrained.preprocess.mean, pretrained.preprocess.std)
    )
    backbone = cast(torch.nn.Module, pretrained.model.features)
    rows = [np.empty((0, 1280), dtype=np.float32)]
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            # torch takes no arrays with negative strides, such as pictures upside down
            batch = torch.from_numpy(np.array(images[start : start + _BATCH], dtype=np.float32)).to(pretrained.device)
            resized = interpolate(batch[:, None], size=(size, size), mode="bilinear", antialias=True)
            # colours next to each other: this network takes half the time on a CPU
            inputs = ((resized - mean) / std).contiguous(memory_format=torch.channels_last)
            rows.append(backbone(inputs).mean(dim=(2, 3)).cpu().numpy())
    return np.concatenate(rows)

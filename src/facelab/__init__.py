"""Helpers of the course: data sets, a pretrained network, pictures.

In: packages that are already installed (or, for some, a network). Out: NumPy arrays in small frozen dataclasses.
Importing facelab is cheap: torch, scikit-learn and matplotlib are imported by the functions that need them.
"""

from facelab.datasets.digits import Digits, load_digits
from facelab.datasets.faces import Faces, load_faces
from facelab.datasets.patches import FacePatches, load_face_patches
from facelab.datasets.photos import Photos, load_photos
from facelab.embedding import embed_images
from facelab.errors import DamagedFileError, DataNotFoundError, FacelabError
from facelab.plots import show_images
from facelab.pretrained import Pretrained, load_pretrained

__all__ = [
    "DamagedFileError",
    "DataNotFoundError",
    "Digits",
    "FacePatches",
    "FacelabError",
    "Faces",
    "Photos",
    "Pretrained",
    "embed_images",
    "load_digits",
    "load_face_patches",
    "load_faces",
    "load_photos",
    "load_pretrained",
    "show_images",
]

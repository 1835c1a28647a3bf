from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.datasets import VOID, DatasetSource, FolderDataset, LabelKind, MaskKind, open_dataset
from slotlight.errors import DatasetError, ImageError


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two photographs, one in a subfolder, and their masks with the values 0, 1, 2 and 255."""
    photographs, masks = tmp_path / "photographs", tmp_path / "masks"
    mask = np.zeros((12, 16), np.uint8)
    mask[2:6, 3:9], mask[8:10, 1:4], mask[11] = 1, 2, VOID
    for name in ("b", "deep/a"):
        for folder, suffix in ((photographs, "jpg"), (masks, "png")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save((folder / name).with_suffix(f".{suffix}"))
    return photographs, masks


@pytest.mark.parametrize(
    ("mask_kind", "foreground"), [("binary", [0, 1]), ("classes", [0, 1, VOID]), ("instances", [0, 1, VOID])]
)
def test_each_kind_gives_what_it_says(
    folders: tuple[Path, Path], mask_kind: MaskKind, foreground: list[int]
) -> None:
    dataset = FolderDataset(*folders, mask_kind)
    labels = dataset[0].read_labels(dataset.label_kinds)
    known = {
        LabelKind.FOREGROUND: labels.foreground,
        LabelKind.CLASSES: labels.classes,
        LabelKind.INSTANCES: labels.instances,
        LabelKind.BOXES: labels.boxes_xyxy,
    }
    assert {kind for kind, value in known.items() if value is not None} == dataset.label_kinds
    assert np.unique(labels.foreground).tolist() == foreground


def test_boxes_of_instances(folders: tuple[Path, Path]) -> None:
    labels = FolderDataset(*folders, "instances")[0].read_labels(frozenset(LabelKind))
    assert labels.boxes_xyxy.tolist() == [[3, 2, 9, 6], [1, 8, 4, 10]]


def test_order_and_names(folders: tuple[Path, Path]) -> None:
    assert [s.id for s in FolderDataset(*folders)] == ["b.jpg", "deep/a.jpg"]


def test_plain_folder_has_no_labels(folders: tuple[Path, Path]) -> None:
    dataset = open_dataset(DatasetSource(str(folders[0])))
    assert dataset.label_kinds == frozenset()
    assert dataset[0].read_image().shape == (12, 16, 3)


def test_missing_and_misfit_masks_are_named(folders: tuple[Path, Path]) -> None:
    dataset = FolderDataset(*folders)
    Image.new("L", (5, 5)).save(folders[1] / "b.png")
    with pytest.raises(DatasetError, match=r"b\.png is 5×5 but its photograph is 16×12"):
        dataset[0].read_labels(dataset.label_kinds)
    (folders[1] / "b.png").unlink()
    with pytest.raises(DatasetError, match=r"b\.png is missing"):
        dataset[0].read_labels(dataset.label_kinds)


def test_wrong_places(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no folder of masks"):
        FolderDataset(folders[0], tmp_path / "x")
    with pytest.raises(DatasetError, match="has no splits"):
        open_dataset(DatasetSource(str(folders[0]), split="val"))
    with pytest.raises(DatasetError, match="There is no dataset"):
        open_dataset(DatasetSource(str(tmp_path / "x")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no photograph"):
        FolderDataset(tmp_path / "empty")


def test_a_set_of_empty_masks_is_refused(folders: tuple[Path, Path]) -> None:
    (folders[1] / "b.png").unlink()
    Image.new("L", (16, 12)).save(folders[1] / "deep" / "a.png")
    with pytest.raises(DatasetError, match=r"All 1 masks of .* are empty"):
        FolderDataset(*folders)


@pytest.mark.parametrize("kind", ["instances", "classes"])
def test_binary_masks_are_not_taken_for_void(folders: tuple[Path, Path], kind: MaskKind) -> None:
    for path in folders[1].rglob("*.png"):
        Image.fromarray((np.asarray(Image.open(path)) > 0) * np.uint8(255)).save(path)
    with pytest.raises(DatasetError, match="255 is void; are these binary masks"):
        FolderDataset(*folders, kind)


def test_a_mask_of_another_name_is_told(folders: tuple[Path, Path]) -> None:
    (folders[1] / "b.png").rename(folders[1] / "b_mask.png")
    dataset = FolderDataset(*folders)
    with pytest.raises(DatasetError, match=r"b\.png is missing; .* but not b_mask\.png"):
        dataset[0].read_labels(dataset.label_kinds)


@pytest.mark.parametrize("suffix", [".PNG", ".bmp", ".tif"])
def test_masks_of_other_formats_without_losses(folders: tuple[Path, Path], suffix: str) -> None:
    path = folders[1] / "b.png"
    Image.open(path).save(folders[1] / f"b{suffix}")
    path.unlink()
    dataset = FolderDataset(*folders)
    assert dataset[0].read_labels(dataset.label_kinds).foreground.any()


def test_masks_lie_upon_photographs_that_are_stored_turned(folders: tuple[Path, Path]) -> None:
    dataset = FolderDataset(*folders, "instances")
    upright = dataset[0].read_labels(dataset.label_kinds)
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (12, 16)).save(folders[0] / "b.jpg", exif=exif)
    for stored in (False, True):
        if stored:
            path = folders[1] / "b.png"
            Image.fromarray(np.rot90(np.asarray(Image.open(path)), -1)).save(path)
        labels = dataset[0].read_labels(dataset.label_kinds)
        np.testing.assert_array_equal(labels.instances, upright.instances)
        np.testing.assert_array_equal(labels.boxes_xyxy, upright.boxes_xyxy)
        assert labels.instances.shape == dataset[0].read_image().shape[:2]


@pytest.mark.parametrize("place", ["masks", "."])
def test_masks_among_the_photographs_are_not_photographs(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(exist_ok=True)
    for name in ("a", "b"):
        Image.new("RGB", (16, 12)).save(tmp_path / f"{name}.jpg")
        Image.new("L", (16, 12), 1).save(tmp_path / place / f"{name}.png")
    assert [s.id for s in FolderDataset(tmp_path, tmp_path / place)] == ["a.jpg", "b.jpg"]


@pytest.mark.usefixtures("folders")
def test_quoted_tildes_and_empty_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(open_dataset(DatasetSource("~/photographs", masks=Path("~/masks")))) == 2
    with pytest.raises(ImageError, match="An empty name"):
        open_dataset(DatasetSource(""))

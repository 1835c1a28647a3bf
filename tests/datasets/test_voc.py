from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.datasets import VOID, DatasetSource, LabelKind, VOCDataset, open_dataset
from slotlight.errors import DatasetError, UnknownNameError

ALL = frozenset(LabelKind)


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    """A devkit of twelve small photographs, with every kind of label."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject", "Annotations"):
        (root / folder).mkdir(parents=True)
    names = [f"2007_{i:06d}" for i in range(12)]
    for part in ("Segmentation", "Main"):
        (root / "ImageSets" / part).mkdir(parents=True)
    (root / "ImageSets" / "Segmentation" / "val.txt").write_text("\n".join(names) + "\n")
    (root / "ImageSets" / "Main" / "trainval.txt").write_text("\n".join(names[:3]) + "\n")
    rng = np.random.default_rng(0)
    classes = np.zeros((30, 40), np.uint8)
    classes[5:20, 10:30] = 12
    classes[5, 10:30] = VOID
    for name in names:
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(
            root / "JPEGImages" / f"{name}.jpg"
        )
        save_palette(classes, root / "SegmentationClass" / f"{name}.png")
        save_palette(np.where(classes == 12, 1, classes), root / "SegmentationObject" / f"{name}.png")
        (root / "Annotations" / f"{name}.xml").write_text(
            "<annotation><object><name>dog</name><bndbox>"
            "<xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object></annotation>"
        )
    return tmp_path / "VOCdevkit"


def save_palette(labels: np.ndarray, path: Path) -> None:
    image = Image.fromarray(labels.astype(np.uint8), "P")
    image.putpalette(np.random.default_rng(1).integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(path)


def test_boxes_are_those_of_the_pixels(devkit: Path) -> None:
    labels = VOCDataset(devkit)[0].read_labels(ALL)
    assert labels.boxes_xyxy.tolist() == [[10, 5, 30, 20]]
    ys, xs = np.nonzero(labels.instances)  # the void row belongs to the object's box
    assert [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] == labels.boxes_xyxy[0].tolist()


def test_palette_indices_are_the_labels(devkit: Path) -> None:
    labels = VOCDataset(devkit)[0].read_labels(ALL)
    assert np.unique(labels.classes).tolist() == [0, 12, VOID]
    assert np.unique(labels.foreground).tolist() == np.unique(labels.instances).tolist() == [0, 1, VOID]


def test_dev_and_test_part_val_in_two(devkit: Path) -> None:
    val, dev, test = ([s.id for s in VOCDataset(devkit, split)] for split in ("val", "dev", "test"))
    assert dev == val[::5]
    assert sorted(dev + test) == val
    assert test == [name for name in val if name not in dev]


def test_main_lists_have_boxes_alone(devkit: Path) -> None:
    dataset = VOCDataset(devkit, "main/trainval")
    assert len(dataset) == 3
    assert dataset.label_kinds == {LabelKind.BOXES}


def test_root_and_year_are_the_same(devkit: Path) -> None:
    assert [s.id for s in VOCDataset(devkit)] == [s.id for s in VOCDataset(devkit / "VOC2012")]
    assert open_dataset(DatasetSource(str(devkit), split="dev")).name == "VOC2012"


def test_nothing_unasked_is_read(devkit: Path) -> None:
    for path in (devkit / "VOC2012" / "SegmentationClass").iterdir():
        path.unlink()
    labels = VOCDataset(devkit)[0].read_labels(frozenset({LabelKind.BOXES}))
    assert labels.classes is None
    assert labels.boxes_xyxy is not None


def test_unknown_split_names_the_valid_ones(devkit: Path) -> None:
    with pytest.raises(
        UnknownNameError, match=r"'tset'; did you mean 'test'\? Valid: dev, main/trainval, test, val"
    ):
        VOCDataset(devkit, "tset")


def test_two_years_must_be_told_apart(devkit: Path) -> None:
    (devkit / "VOC2007").symlink_to(devkit / "VOC2012")
    (devkit / "VOC2012").rename(devkit / "VOC2012x")
    with pytest.raises(DatasetError, match="not a VOC devkit"):
        VOCDataset(devkit / "nowhere")
    (devkit / "VOC2007").unlink()
    (devkit / "VOC2012x").rename(devkit / "VOC2012")
    (devkit / "VOC2007" / "JPEGImages").mkdir(parents=True)
    (devkit / "VOC2007" / "ImageSets" / "Segmentation").mkdir(parents=True)
    (devkit / "VOC2007" / "ImageSets" / "Segmentation" / "test.txt").write_text("000001\n")
    with pytest.raises(DatasetError, match="several years; name one"):
        VOCDataset(devkit)
    assert len(VOCDataset(devkit / "VOC2007", "test")) == 1


def break_missing(path: Path) -> None:
    path.unlink()


def break_size(path: Path) -> None:
    save_palette(np.zeros((30, 41)), path)


def break_class(path: Path) -> None:
    save_palette(np.full((30, 40), 21), path)


def break_mode(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)).save(path)


def break_bytes(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (break_missing, "is missing"),
        (break_size, "is 41×30 but its photograph is 40×30"),
        (break_class, "has label 21; valid: 0 to 20, 255 for void"),
        (break_mode, "[0-9]+ colours, more than there are labels"),
        (break_bytes, "damaged"),
    ],
)
def test_broken_masks_are_named(devkit: Path, break_it, message: str) -> None:
    path = devkit / "VOC2012" / "SegmentationClass" / "2007_000003.png"
    break_it(path)
    with pytest.raises(DatasetError, match=message) as error:
        VOCDataset(devkit)[3].read_labels(frozenset({LabelKind.CLASSES}))
    assert path.name in str(error.value)


def annotate(devkit: Path, text: str) -> VOCDataset:
    (devkit / "VOC2012" / "Annotations" / "2007_000000.xml").write_text(f"<annotation>{text}</annotation>")
    return VOCDataset(devkit)


def box(x0: int, y0: int, x1: int, y1: int) -> str:
    corners = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
    return f"<object><name>raccoon</name><bndbox>{corners}</bndbox></object>"


def size(width: int, height: int) -> str:
    return f"<size><width>{width}</width><height>{height}</height></size>"


BOXES = frozenset({LabelKind.BOXES})


def test_own_class_names_are_read(devkit: Path) -> None:
    assert annotate(devkit, box(1, 1, 4, 5))[0].read_labels(BOXES).boxes_xyxy.tolist() == [[0, 0, 4, 5]]


def test_own_classes_may_be_more_than_vocs(devkit: Path) -> None:
    own = (devkit / "VOC2012").rename(devkit.parent / "exported")
    save_palette(np.full((30, 40), 37), own / "SegmentationClass" / "2007_000000.png")
    labels = VOCDataset(own)[0].read_labels(frozenset({LabelKind.CLASSES}))
    assert np.unique(labels.classes).tolist() == [37]


def test_boxes_of_another_size_are_named(devkit: Path) -> None:
    with pytest.raises(DatasetError, match="is 80×60 but its photograph is 40×30"):
        annotate(devkit, size(80, 60) + box(1, 1, 4, 5))[0].read_labels(BOXES)
    with pytest.raises(DatasetError, match="boxes that reach beyond their photograph"):
        annotate(devkit, size(0, 0) + box(1, 1, 80, 60))[0].read_labels(BOXES)
    with pytest.raises(DatasetError, match="boxes that reach beyond their photograph, to 80, 60"):
        annotate(devkit, size(40, 30) + box(1, 1, 80, 60))[0].read_labels(BOXES)


@pytest.mark.parametrize("stated", [size(30, 40), ""])
def test_boxes_in_the_stored_frame_are_turned(devkit: Path, stated: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 40)).save(devkit / "VOC2012" / "JPEGImages" / "2007_000000.jpg", exif=exif)
    boxes = annotate(devkit, stated + box(1, 3, 5, 40))[0].read_labels(BOXES).boxes_xyxy
    assert boxes.tolist() == [[0, 0, 38, 5]]


def test_masks_in_the_stored_frame_are_turned(devkit: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = VOCDataset(devkit)[0].read_labels(ALL)
    root = devkit / "VOC2012"
    Image.new("RGB", (30, 40)).save(root / "JPEGImages" / "2007_000000.jpg", exif=exif)
    for folder in ("SegmentationClass", "SegmentationObject"):
        path = root / folder / "2007_000000.png"
        save_palette(np.rot90(np.asarray(Image.open(path))), path)
    turned = VOCDataset(devkit)[0].read_labels(ALL - {LabelKind.BOXES})
    np.testing.assert_array_equal(turned.classes, upright.classes)
    np.testing.assert_array_equal(turned.instances, upright.instances)


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".jpeg"])
def test_photographs_of_other_formats(devkit: Path, suffix: str) -> None:
    path = devkit / "VOC2012" / "JPEGImages" / "2007_000001.jpg"
    image = Image.open(path)
    path.unlink()
    image.save(path.with_suffix(suffix))
    assert VOCDataset(devkit)[1].read_image().shape == (30, 40, 3)


@pytest.mark.parametrize("part", ["Main", "Segmentation"])
def test_without_a_split_the_only_list_is_taken(devkit: Path, part: str) -> None:
    lists = devkit / "VOC2012" / "ImageSets"
    text = (lists / "Segmentation" / "val.txt").read_text()
    for path in lists.glob("*/*.txt"):
        path.unlink()
    (lists / part / "default.txt").write_text(text)
    dataset = open_dataset(DatasetSource(str(devkit)))
    assert len(dataset) == 12
    assert dataset.split == ("default" if part == "Segmentation" else "main/default")
    assert len(VOCDataset(devkit, "default")) == 12


def test_real_devkit(data_dir: Path) -> None:
    devkit = data_dir / "VOCdevkit"
    if not devkit.is_dir():
        pytest.skip(f"{devkit} is absent")
    assert [len(VOCDataset(devkit, split)) for split in ("dev", "test", "val")] == [290, 1159, 1449]
    dataset = VOCDataset(devkit, "val")
    kinds = dataset.label_kinds
    assert len(dataset[0].read_labels(kinds).boxes_xyxy) == 3
    for index in range(0, 1449, 100):
        labels = dataset[index].read_labels(kinds)
        assert labels.classes.shape == dataset[index].read_image().shape[:2]

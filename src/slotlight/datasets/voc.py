"""PASCAL VOC 2007 and 2012 as their devkits lay them out.

Boxes come with every list; class and instance masks only with the segmentation lists. VOC's boxes count
pixels from 1 and include the last one; here they count from 0 and exclude it. All annotated boxes are kept,
those called difficult too.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from slotlight.datasets.sample import VOID, LabelKind, Labels, Sample, photograph_reader, read_label_map
from slotlight.errors import DatasetError, UnknownNameError

# fmt: off
CLASSES = [
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
]
# fmt: on
"""The classes behind the labels 1 to 20."""

_FOLDERS = {
    LabelKind.CLASSES: "SegmentationClass",
    LabelKind.INSTANCES: "SegmentationObject",
    LabelKind.BOXES: "Annotations",
}


class VOCDataset:
    """One list of a VOC devkit.

    Splits are the lists of ``ImageSets/Segmentation`` by name, and those of ``ImageSets/Main`` as
    ``main/trainval`` and so on (boxes only). In VOC 2012 two more part the official ``val`` in two: ``dev``,
    every fifth photograph from the first, to choose by; ``test``, the others, to read results from.

    Args:
        root: ``VOCdevkit`` with one year in it, or the year's folder itself, as ``VOCdevkit/VOC2012``.
        split: Which list.

    Raises:
        DatasetError: The folder is no devkit, or holds several years.
        UnknownNameError: There is no such split.
    """

    def __init__(self, root: str | Path, split: str = "val") -> None:
        self.root = find_year(Path(root))
        self.name = self.root.name
        self.split = split
        self.identity = str(self.root)  # an id means one photograph, whatever lists name it
        self._ids = self._read_split(split)
        self.label_kinds = self._label_kinds()

    def __len__(self) -> int:
        """How many photographs the split has."""
        return len(self._ids)

    def __iter__(self) -> Iterator[Sample]:
        """All photographs, in the list's order."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Sample:
        """One photograph; nothing is read yet."""
        name = self._ids[index]
        image = self.root / "JPEGImages" / f"{name}.jpg"
        return Sample(name, photograph_reader(image), lambda kinds: self._read_labels(name, image, kinds))

    def _read_labels(self, name: str, image: Path, kinds: frozenset[LabelKind]) -> Labels:
        classes = instances = boxes = None
        if kinds & {LabelKind.CLASSES, LabelKind.FOREGROUND}:
            path = self.root / _FOLDERS[LabelKind.CLASSES] / f"{name}.png"
            classes = read_label_map(path, image, highest=len(CLASSES))
        if LabelKind.INSTANCES in kinds:
            instances = read_label_map(self.root / _FOLDERS[LabelKind.INSTANCES] / f"{name}.png", image)
        if LabelKind.BOXES in kinds:
            boxes = read_boxes(self.root / _FOLDERS[LabelKind.BOXES] / f"{name}.xml")
        foreground = None
        if classes is not None:
            foreground = np.where(classes == VOID, classes, np.minimum(classes, 1))
        return Labels(foreground, classes, instances, boxes)

    def _read_split(self, split: str) -> list[str]:
        lists = _lists(self.root)
        halves = ["dev", "test"] if self.root.name == "VOC2012" and "val" in lists else []
        if split in halves and split not in lists:
            ids = lists["val"].read_text().split()
            return [name for i, name in enumerate(ids) if (i % 5 == 0) == (split == "dev")]
        if split not in lists:
            raise UnknownNameError(f"split of {self.root}", split, {*lists, *halves})
        return lists[split].read_text().split()

    def _label_kinds(self) -> frozenset[LabelKind]:
        kinds = {kind for kind, folder in _FOLDERS.items() if (self.root / folder).is_dir()}
        if self.split.startswith("main/"):
            kinds &= {LabelKind.BOXES}
        return frozenset(kinds | {LabelKind.FOREGROUND} if LabelKind.CLASSES in kinds else kinds)


def is_voc(path: Path) -> bool:
    """Whether a path is a VOC devkit or a year's folder of one."""
    return bool(_years(path))


def find_year(path: Path) -> Path:
    """The one year's folder that a path means.

    Raises:
        DatasetError: There is none, or more than one.
    """
    years = _years(path)
    if not years:
        raise DatasetError(
            f"{path} is no VOC devkit: it lacks JPEGImages and ImageSets, or VOC2012 with them."
        )
    if len(years) > 1:
        raise DatasetError(f"{path} holds several years; name one: {', '.join(map(str, years))}.")
    return years[0]


def _years(path: Path) -> list[Path]:
    return [
        p.resolve() for p in (path, *sorted(path.glob("VOC20*"))) if (p / "JPEGImages").is_dir() and _lists(p)
    ]


def _lists(root: Path) -> dict[str, Path]:
    lists = {path.stem: path for path in sorted((root / "ImageSets" / "Segmentation").glob("*.txt"))}
    main = root / "ImageSets" / "Main"
    names = [name for name in ("train", "val", "trainval", "test") if (main / f"{name}.txt").is_file()]
    return lists | {f"main/{name}": main / f"{name}.txt" for name in names}


def read_boxes(path: Path) -> Float[np.ndarray, "object 4"]:
    """All boxes of a VOC annotation file, 0-based, right and bottom exclusive.

    Raises:
        DatasetError: It is missing, no XML, or a box in it is broken or of an unknown class.
    """
    if not path.is_file():
        raise DatasetError(f"The label file {path} is missing; every photograph of the list needs one.")
    try:
        objects = ElementTree.parse(path).getroot().findall("object")
        boxes = [
            [float(o.findtext(f"bndbox/{k}", "")) for k in ("xmin", "ymin", "xmax", "ymax")] for o in objects
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise DatasetError(f"The label file {path} cannot be read: {error}.") from None
    unknown = {o.findtext("name", "") for o in objects} - set(CLASSES)
    if unknown:
        raise DatasetError(f"The label file {path} has class {min(unknown)!r}; valid: {', '.join(CLASSES)}.")
    return np.array(boxes, dtype=np.float64).reshape(-1, 4) - [1, 1, 0, 0]

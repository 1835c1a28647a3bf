"""PASCAL VOC 2007 and 2012 as their devkits lay them out, and as other tools export to that layout.

Boxes come with every list; class and instance masks only with the segmentation lists. VOC's boxes count
pixels from 1 and include the last one; here they count from 0 and exclude it. All annotated boxes are kept,
those called difficult too.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from slotlight.datasets.label_files import VOID, foreground_of, frame_of, read_label_map
from slotlight.datasets.sample import LabelKind, Labels, Sample, files_identity
from slotlight.datasets.voc_file import read_annotation, read_list
from slotlight.errors import DatasetError, UnknownNameError
from slotlight.images import EXTENSIONS, read_photograph, read_size
from slotlight.images.orientation import turn_boxes_upright

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
    every fifth photograph from the first, to choose by; ``test``, the others, to read results from. Without a split it
    is ``val``, or the only list that there is, such as CVAT's ``default``.

    Args:
        root: ``VOCdevkit`` with one year in it, or the year's folder itself, as ``VOCdevkit/VOC2012``.
        split: Which list.

    Raises:
        DatasetError: The folder is not a devkit, or holds several years.
        UnknownNameError: There is no such split.
    """

    def __init__(self, root: str | Path, split: str | None = None) -> None:
        self.root = find_year(Path(root))
        self.name = self.root.name
        self._photographs = _photographs(self.root / "JPEGImages")
        self.split, self._ids = self._read_split(split)
        self.label_kinds = self._label_kinds()
        # Only the original devkits are known to have VOC's classes.
        self._highest = len(CLASSES) if self.root.name.startswith("VOC20") else VOID - 1

    def __len__(self) -> int:
        """How many photographs the split has."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample:
        """One photograph; nothing is read yet."""
        name = self._ids[index]
        image = self._photographs.get(name, self.root / "JPEGImages" / f"{name}.jpg")
        return Sample(
            name,
            lambda: read_photograph(image),
            lambda kinds: self._read_labels(name, image, kinds),
            lambda: files_identity(image, [self._label_file(kind, name) for kind in _FOLDERS]),
        )

    def _label_file(self, kind: LabelKind, name: str) -> Path:
        return self.root / _FOLDERS[kind] / f"{name}{'.xml' if kind is LabelKind.BOXES else '.png'}"

    def _read_labels(self, name: str, image: Path, kinds: frozenset[LabelKind]) -> Labels:
        classes = instances = boxes = None
        if kinds & {LabelKind.CLASSES, LabelKind.FOREGROUND}:
            path = self._label_file(LabelKind.CLASSES, name)
            classes = read_label_map(path, image, highest=self._highest)
        if LabelKind.INSTANCES in kinds:
            instances = read_label_map(self._label_file(LabelKind.INSTANCES, name), image)
        if LabelKind.BOXES in kinds:
            boxes = read_boxes(self._label_file(LabelKind.BOXES, name), image)
        foreground = None if classes is None else foreground_of(classes)
        return Labels(foreground, classes, instances, boxes)

    def _read_split(self, split: str | None) -> tuple[str, list[str]]:
        """A split's full name, and the names in its list."""
        lists = _lists(self.root)
        halves = ["dev", "test"] if self.root.name == "VOC2012" and "val" in lists else []
        if split in halves and split not in lists:
            names = read_list(lists["val"], self._photographs)
            return split, [name for i, name in enumerate(names) if (i % 5 == 0) == (split == "dev")]
        wanted = split or "val"
        places = [name for name in (wanted, f"main/{wanted}") if _list_file(self.root, name).is_file()]
        if split is None and not places:
            places = _only_one(lists)
        if not places:
            raise UnknownNameError(f"split of {self.root}", wanted, {*lists, *halves})
        return places[0], read_list(_list_file(self.root, places[0]), self._photographs)

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
            f"{path} is not a VOC devkit: it lacks JPEGImages and ImageSets, or a folder VOC2012 with them."
        )
    if len(years) > 1:
        raise DatasetError(f"{path} holds several years; name one: {', '.join(map(str, years))}.")
    return years[0]


def _years(path: Path) -> list[Path]:
    return [
        p.resolve() for p in (path, *sorted(path.glob("VOC20*"))) if (p / "JPEGImages").is_dir() and _lists(p)
    ]


def _lists(root: Path) -> dict[str, Path]:
    """The lists by name; those of single classes, as ``dog_val``, can be named but are not shown."""
    segmentation, main = (
        sorted((root / "ImageSets" / part).glob("*.txt")) for part in ("Segmentation", "Main")
    )
    of_class = ("_train", "_val", "_trainval", "_test")
    return {path.stem: path for path in segmentation} | {
        f"main/{path.stem}": path for path in main if not path.stem.endswith(of_class)
    }


def _list_file(root: Path, split: str) -> Path:
    folder, name = (
        ("Main", split.removeprefix("main/")) if split.startswith("main/") else ("Segmentation", split)
    )
    return root / "ImageSets" / folder / f"{name}.txt"


def _only_one(lists: dict[str, Path]) -> list[str]:
    """The one list of a devkit, which may stand in both folders."""
    return list(lists)[:1] if len({path.stem for path in lists.values()}) == 1 else []


def _photographs(folder: Path) -> dict[str, Path]:
    """The photographs of a folder by stem, JPEG first where several share one."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS)
    return {path.stem: path for path in sorted(paths, key=lambda path: path.suffix.lower() == ".jpg")}


def read_boxes(path: Path, image: Path | None = None) -> Float[np.ndarray, "object 4"]:
    """All boxes of a VOC annotation file in the upright frame of their photograph, right and bottom exclusive.

    Raises:
        DatasetError: It is missing, not XML, of another size than its photograph, or a box in it is broken.
    """
    annotation = read_annotation(path)
    if image is None or not image.is_file() or not len(annotation.boxes_xyxy):
        return annotation.boxes_xyxy
    photograph, reach = read_size(image), annotation.boxes_xyxy[:, [3, 2]].max(0)
    frames = (photograph.upright, photograph.stored)
    size = annotation.size or next((frame for frame in frames if _holds(frame, reach)), photograph.upright)
    orientation = frame_of(size, f"The label file {path}", image)
    if not _holds(size, reach):
        raise DatasetError(
            f"The label file {path} has boxes that reach beyond their photograph, to {reach[1]:g}, {reach[0]:g}; use "
            "the photographs that were annotated, and corners in pixels."
        )
    return turn_boxes_upright(annotation.boxes_xyxy, size, orientation)


def _holds(size: tuple[int, int], reach: Float[np.ndarray, "2"]) -> bool:
    """Whether boxes that reach so far down and to the right lie in a photograph of (height, width); tools round."""
    return bool((reach <= np.array(size) + 2).all())

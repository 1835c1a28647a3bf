"""A folder of photographs, alone or beside a folder of masks."""

from pathlib import Path

from slotlight.config.data import MaskKind
from slotlight.datasets.label_files import foreground_of, is_empty_mask, read_binary_mask, read_label_map
from slotlight.datasets.sample import (
    VOID,
    LabelKind,
    Labels,
    Sample,
    boxes_of_instances,
    files_identity,
)
from slotlight.errors import DatasetError
from slotlight.images import find_photographs, read_photograph

_KINDS: dict[MaskKind, frozenset[LabelKind]] = {
    "binary": frozenset({LabelKind.FOREGROUND}),
    "classes": frozenset({LabelKind.FOREGROUND, LabelKind.CLASSES}),
    "instances": frozenset({LabelKind.FOREGROUND, LabelKind.INSTANCES, LabelKind.BOXES}),
}

_MASK_SUFFIXES = (".png", ".PNG", ".tif", ".tiff", ".bmp", ".gif")


class FolderDataset:
    """Photographs of a folder (recursive, sorted) and, if given, their masks.

    The mask of ``photographs/a/b.jpg`` is ``masks/a/b.png``: the same place, the same stem, a PNG (or another format
    without losses).

    Args:
        photographs: The folder.
        masks: The folder of masks; without it there are no labels, and nothing can be measured.
        mask_kind: What the masks' values mean; 0 is background, 255 is void in label maps.

    Raises:
        DatasetError: The folder of masks does not exist, or all of its masks are empty.
        ImageError: There is no photograph.
    """

    split = "all"

    def __init__(
        self, photographs: str | Path, masks: str | Path | None = None, mask_kind: MaskKind = "binary"
    ) -> None:
        self.root = Path(photographs)
        self.name = self.root.name
        self.masks = None if masks is None else Path(masks)
        self.mask_kind = mask_kind
        if self.masks is not None and not self.masks.is_dir():
            raise DatasetError(f"There is no folder of masks {self.masks}; check its name.")
        self.label_kinds = frozenset() if masks is None else _KINDS[mask_kind]
        self._paths = self._without_masks(find_photographs([self.root]))
        self._refuse_empty_masks()

    def __len__(self) -> int:
        """How many photographs the folder has."""
        return len(self._paths)

    def __getitem__(self, index: int) -> Sample:
        """One photograph; nothing is read yet."""
        path = self._paths[index]
        name = str(path.relative_to(self.root)) if path != self.root else path.name
        mask = None if self.masks is None else self._mask_of(self.masks / name)
        return Sample(
            name,
            lambda: read_photograph(path),
            lambda kinds: self._read_labels(mask, path, kinds),
            lambda: files_identity(path, [] if mask is None else [mask], self.mask_kind),
        )

    def _read_labels(self, mask: Path | None, image: Path, kinds: frozenset[LabelKind]) -> Labels:
        if mask is None or not kinds:
            return Labels()
        if self.mask_kind == "binary":
            return Labels(foreground=read_binary_mask(mask, image))
        values = read_label_map(mask, image)
        foreground = foreground_of(values)
        if self.mask_kind == "classes":
            return Labels(foreground, classes=values)
        return Labels(foreground, instances=values, boxes_xyxy=boxes_of_instances(values))

    def _mask_of(self, place: Path) -> Path:
        """The mask at a photograph's place; the PNG where there is none."""
        others = (place.with_suffix(suffix) for suffix in _MASK_SUFFIXES)
        return next((path for path in others if path.is_file()), place.with_suffix(".png"))

    def _mask_beside(self, photograph: Path) -> Path | None:
        return self.masks and self._mask_of(self.masks / photograph.relative_to(self.root))

    def _without_masks(self, paths: list[Path]) -> list[Path]:
        """Masks that lie among the photographs are not photographs."""
        masks = {mask for path in paths if (mask := self._mask_beside(path)) and mask != path}
        return [path for path in paths if path not in masks]

    def _refuse_empty_masks(self) -> None:
        """A set without any foreground would give numbers that mean nothing; usually the first mask settles it."""
        if self.masks is None:
            return
        masks = [mask for path in self._paths if (mask := self._mask_beside(path))]
        there = [mask for mask in masks if mask.is_file()]
        void = None if self.mask_kind == "binary" else VOID
        if there and all(is_empty_mask(mask, void) for mask in there):
            hint = "" if void is None else f" ({VOID} is void; are these binary masks?)"
            raise DatasetError(
                f"All {len(there)} masks of {self.masks} are empty: no pixel differs from the background{hint}; "
                "check how they were saved."
            )

"""The objects of one photograph, and what can be made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL.Image import Image, Resampling, fromarray

from slotlight.config import FormatConfig
from slotlight.discovery.segments import EnlargedMasks
from slotlight.drawing import best_on_top, overlay
from slotlight.errors import ConfigError
from slotlight.files import begin_run, writing_to
from slotlight.formats.coco import coco_annotations, with_polygons
from slotlight.formats.cutouts import cut_out
from slotlight.formats.found import OBJECT, Found, FoundPhotograph
from slotlight.formats.label_studio import Tags, label_studio_prediction
from slotlight.formats.registry import OUTPUTS, check_installed, write_formats
from slotlight.formats.sam import sam_masks
from slotlight.formats.voc import voc_annotation
from slotlight.formats.yolo import yolo_lines

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class Discovery:
    """The objects of one photograph, best first, at its own size.

    Attributes:
        image: The photograph, upright RGB.
        segments: The winning slot of every pixel, objects and background alike.
        coarse_masks: One for each object, on a grid of at most a thousand cells along a side; `masks` are they at the
            photograph's own size.
        boxes_xyxy: In pixels; left and top inclusive, right and bottom exclusive.
        scores: In [0, 1], descending.
        path: The photograph's file, where it came from one.
        tag: What the photograph was `slotlight.discovery.discoverer.Tagged` with.
    """

    image: UInt8[np.ndarray, "height width 3"]
    segments: UInt8[np.ndarray, "height width"]
    coarse_masks: Bool[np.ndarray, "object rows columns"]
    boxes_xyxy: Float[np.ndarray, "object 4"]
    scores: Float[np.ndarray, " object"]
    path: Path | None = None
    tag: object = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def masks(self) -> Bool[np.ndarray, "object height width"]:
        """The mask of each object; those of proposals may overlap."""
        return np.array(list(self.each_mask), dtype=bool).reshape(len(self), *self.image.shape[:2])

    @property
    def each_mask(self) -> EnlargedMasks:
        """The same, one at a time: of a large photograph, all at once take gigabytes."""
        height, width, _ = self.image.shape
        return EnlargedMasks(self.coarse_masks, (height, width))

    @property
    def labels(self) -> UInt8[np.ndarray, "height width"]:
        """The objects as one map: 0 is no object, 1 the best-scored object, 2 the next; the best is on top."""
        return best_on_top(self.each_mask, self.image.shape[:2])

    def overlay(self, *, most_side: int | None = None) -> Image:
        """The photograph with coloured masks, boxes and scores.

        Args:
            most_side: Draw on a smaller copy of what is longer: a drawing takes 24 bytes a pixel.
        """
        height, width, _ = self.image.shape
        shrink = min(1.0, (most_side or height + width) / max(height, width))
        size = (max(1, round(shrink * height)), max(1, round(shrink * width)))
        masks = EnlargedMasks(self.coarse_masks, size)
        image = self.image
        if shrink < 1:
            small = fromarray(image).resize(size[::-1], Resampling.BILINEAR, reducing_gap=2.0)
            image = np.asarray(small)
        return overlay(image, masks, self.boxes_xyxy * np.float32(shrink), self.scores)

    def to_coco(
        self, image_id: int = 1, first_annotation_id: int = 1, *, polygons: bool = False
    ) -> list[dict[str, Any]]:
        """COCO annotations: ``segmentation``, ``bbox`` as x, y, width, height, ``area``, ``score``.

        Args:
            image_id: Of the photograph.
            first_annotation_id: The next objects take the numbers after it.
            polygons: Polygons in place of run lengths (``pip install slotlight[polygons]``).
        """
        annotations = coco_annotations(
            self.each_mask,
            self.boxes_xyxy,
            self.scores,
            image_id=image_id,
            first_annotation_id=first_annotation_id,
        )
        if polygons:
            check_installed(["coco-polygons"])
            return [dict(annotation) for annotation in with_polygons(self._photograph(annotations))]
        return annotations

    def to_yolo(self) -> list[str]:
        """The lines of YOLO's label file (``pip install slotlight[polygons]``)."""
        check_installed(["yolo"])
        return list(yolo_lines(self._photograph()))

    def to_voc(self) -> str:
        """PASCAL VOC's annotation, as XML."""
        return ElementTree.tostring(voc_annotation(self._photograph(), self._found()), encoding="unicode")

    def to_label_studio(self, tags: Tags = Tags()) -> dict[str, Any]:  # noqa: B008
        """A prediction for a task of Label Studio: a brush mask and a box for each object.

        Args:
            tags: What the labelling interface calls its tags.
        """
        return label_studio_prediction(self._photograph(), self._found(), tags)

    def to_sam(self) -> list[dict[str, Any]]:
        """What SAM's automatic mask generator gives for a photograph."""
        return sam_masks(self.each_mask, self.boxes_xyxy, self.scores)

    def cutouts(self) -> list[Image]:
        """Each object cut out, transparent around its mask."""
        return list(cut_out(self.image, self.each_mask, self.boxes_xyxy))

    def save(self, folder: str | Path, *formats: str) -> None:
        """Write the objects in some formats, such as ``coco`` or ``yolo``, to a new or empty folder.

        The same photograph and formats may be saved there again.

        Raises:
            ConfigError: The photograph came from no file, so that formats have nothing to call it by; or an extra is
                missing.
            OutputError: The folder holds other files or cannot be written.
            UnknownNameError: There is no such format.
        """
        chosen = FormatConfig(format=formats or ("coco",))
        check_installed(chosen.format)
        if self.path is None:
            raise ConfigError(
                "This photograph was not read from a file, so formats cannot refer to it; pass its path to discover "
                "instead."
            )
        identity = {"saved": str(self.path)} | chosen.identity()
        with begin_run(Path(folder), identity, outputs=OUTPUTS), writing_to(Path(folder)):
            write_formats(self._found(), Path(folder), chosen)

    def _found(self) -> Found:
        return Found({}, lambda: iter([self._photograph()]))

    def _photograph(self, annotations: list[dict[str, Any]] | None = None) -> FoundPhotograph:
        file, name = (str(self.path), self.path.stem) if self.path else ("", "photograph")
        height, width = self.image.shape[:2]
        return FoundPhotograph(file, file, name, 1, width, height, annotations or self.to_coco())

    def to_supervision(self, *, compact: bool = False) -> "supervision.Detections":
        """The objects as `supervision.Detections` (``pip install slotlight[export]``), for its many formats.

        Args:
            compact: Masks cut to their boxes, which take a fraction of the memory (supervision 0.28 or newer).

        Raises:
            ConfigError: The installed supervision has no compact masks.
        """
        import supervision

        masks: Any = self.masks
        if compact:
            if not hasattr(supervision, "CompactMask"):
                raise ConfigError(
                    "Compact masks need supervision 0.28; install it with: pip install -U supervision."
                )
            inclusive = self.boxes_xyxy - [0, 0, 1, 1]
            masks = supervision.CompactMask.from_dense(masks, inclusive, image_shape=self.image.shape[:2])
        return supervision.Detections(
            xyxy=self.boxes_xyxy,
            mask=masks,
            confidence=self.scores,
            class_id=np.zeros(len(self), dtype=int),
            data={"class_name": np.full(len(self), OBJECT)},
        )

"""A photograph and its pieces → the picture that a person judges; a click on it → the piece that lies there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from slotlight.discovery.segments import mask_boxes_xyxy
from slotlight.drawing import Colour, contrasting_colours, outlined, overlay
from slotlight.errors import DatasetError, ImageError
from slotlight.formats.run_lengths import RunLengths
from slotlight.images import read_photograph, read_size
from slotlight.review.folder import ReviewFolder
from slotlight.review.state import Id, Piece, Review

LONGEST_SIDE = 1280
_WHITE, _BLACK, _GREY, _MARK = (255, 255, 255), (0, 0, 0), (150, 150, 150), (255, 214, 0)
_PAPER = 236  # the grey of a photograph that cannot be read


@dataclass(frozen=True, eq=False)
class Sheet:
    """One photograph, small enough for a page, with the masks of what was found in it.

    Attributes:
        image: The photograph.
        masks: By the ids of the found objects.
        scores: Of the found objects.
        colours: Of the found objects.
        fault: Why the photograph or its objects cannot be shown; empty where they can.
    """

    image: UInt8[np.ndarray, "height width 3"]
    masks: Mapping[Id, Bool[np.ndarray, "height width"]] = field(default_factory=dict)
    scores: Mapping[Id, float] = field(default_factory=dict)
    colours: Mapping[Id, Colour] = field(default_factory=dict)
    fault: str = ""

    @classmethod
    def of(cls, folder: ReviewFolder) -> "Sheet":
        """The photograph that is looked at; where it cannot be read, its objects on grey."""
        try:
            codes = folder.codes()
        except DatasetError as fault:
            return cls(np.full((480, 640, 3), _PAPER, np.uint8), fault=str(fault))
        size = next((code.size for code in codes.values()), None)
        try:
            image, said = _photograph(folder.photograph, size), ""
        except ImageError as fault:
            image, said = np.full((*_fitted(size or (480, 640)), 3), _PAPER, np.uint8), str(fault)
        masks = {one: _shrunk(code, image.shape[:2]) for one, code in codes.items()}
        colours = contrasting_colours(
            image, np.array(list(masks.values()), bool).reshape(-1, *image.shape[:2])
        )
        return cls(image, masks, folder.scores(), dict(zip(masks, colours, strict=True)), said)

    def mask(self, piece: Piece) -> Bool[np.ndarray, "height width"]:
        """Where a piece is."""
        union: Bool[np.ndarray, "height width"] = np.any([self.masks[one] for one in piece.members], axis=0)
        return union

    def score(self, piece: Piece) -> float:
        """The best score of a piece's members."""
        return max(self.scores[one] for one in piece.members)

    def colour(self, piece: Piece) -> Colour:
        """What a piece is drawn in, which stays as it is while others change."""
        return self.colours[piece.members[0]]


def draw(sheet: Sheet, review: Review) -> Image.Image:
    """What is kept in colour and numbered, what is dropped as a grey line, the selected piece within a white line."""
    pieces = review.pieces() if sheet.masks else ()
    shown = [(number, piece, sheet.mask(piece)) for number, piece in enumerate(pieces)]
    kept = [(number, piece, mask) for number, piece, mask in shown if piece.is_kept and mask.any()]
    masks = np.array([mask for *_, mask in kept], bool).reshape(-1, *sheet.image.shape[:2])
    picture = overlay(
        sheet.image,
        masks,
        mask_boxes_xyxy(masks),
        np.array([sheet.score(piece) for _, piece, _ in kept], np.float32),
        texts=[str(number + 1) for number, *_ in kept],
        colours=[sheet.colour(piece) for _, piece, _ in kept],
    )
    for number, piece, mask in shown:
        if not piece.is_kept:
            picture = outlined(picture, mask, _GREY)
        if number == review.marked:
            picture = outlined(outlined(picture, mask, _BLACK, strength=2.5), mask, _MARK, strength=1.5)
        if number == review.selected:
            picture = outlined(outlined(picture, mask, _BLACK, strength=2.5), mask, _WHITE, strength=1.5)
    return picture


def piece_at(sheet: Sheet, review: Review, x: int, y: int) -> int | None:
    """The smallest piece at a pixel of the picture; None where there is none.

    Args:
        sheet: What is shown.
        review: Where the person is.
        x: From the left.
        y: From the top.
    """
    height, width = sheet.image.shape[:2]
    if not sheet.masks or not (0 <= x < width and 0 <= y < height):
        return None
    masks = [sheet.mask(piece) for piece in review.pieces()]
    there = [number for number, mask in enumerate(masks) if mask[y, x]]
    return min(there, key=lambda number: int(masks[number].sum()), default=None)


def _photograph(path: Path, size: tuple[int, int] | None) -> UInt8[np.ndarray, "height width 3"]:
    upright = read_size(path).upright
    if size is not None and upright != size:
        raise ImageError(
            f"{path} has {upright[1]}×{upright[0]} pixels and had {size[1]}×{size[0]} when its objects were found; "
            "run `slotlight discover` again."
        )
    small = _fitted(upright)
    image = read_photograph(path, min_side=min(small))
    return np.asarray(Image.fromarray(image).resize(small[::-1], Image.Resampling.BOX))


def _fitted(size: tuple[int, int]) -> tuple[int, int]:
    share = min(1.0, LONGEST_SIDE / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _shrunk(code: RunLengths, size: tuple[int, ...]) -> Bool[np.ndarray, "height width"]:
    mask = Image.fromarray(code.decode()).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(mask, bool)

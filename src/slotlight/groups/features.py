"""The objects of a finished `slotlight discover` → one feature each: the mean of the backbone's over its mask."""

import base64
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.discovery.record import Line
from slotlight.errors import ImageError
from slotlight.features.of_masks import masked_means, patch_weights
from slotlight.files import sealed, unsealed
from slotlight.formats.run_lengths import annotated_mask
from slotlight.images import RGBImage, fit_size, read_photograph, resize, to_batch
from slotlight.parallel import WORKERS, OrderedBatches, map_ahead, worker_pool

OnError = Callable[[Line, ImageError], None]


@dataclass(frozen=True)
class FeatureReader:
    """What reads objects.

    Attributes:
        backbone: Whose features are averaged.
        image_size: Photographs are resized to about its square of pixels.
        precision: Of the backbone's arithmetic.
        batch_size: Photographs that go through it at once.
    """

    backbone: Backbone
    image_size: int
    precision: Precision = "fp32"
    batch_size: int = 8

    def stream(self, lines: Iterable[Line], on_error: OnError) -> Iterator["PhotographFeatures"]:
        """Read the objects of photographs, in order and in constant memory.

        Args:
            lines: Of the record of a discovery.
            on_error: Called with each photograph that can no longer be read, which is then left out.
        """
        with worker_pool() as pool:
            batches: OrderedBatches[_Ready, PhotographFeatures] = OrderedBatches(
                lambda ready: self._compute(ready, pool), batch_size=self.batch_size, room=4 * self.batch_size
            )
            for ready in map_ahead(pool, self._prepare, lines, ahead=self.batch_size + WORKERS):
                if isinstance(ready, _Ready):
                    yield from batches.put(ready, ready.small.shape)
                else:
                    on_error(*ready)
            yield from batches.rest()

    def _prepare(self, line: Line) -> "_Ready | tuple[Line, ImageError]":
        try:
            image = read_photograph(line.file)
            if image.shape[:2] != (line.height, line.width):
                raise ImageError(
                    f"{line.file} has another size than when its objects were found; run `slotlight discover` again."
                )
        except ImageError as error:
            return line, error
        patch = self.backbone.patch_size
        size = fit_size(line.height, line.width, self.image_size, patch)
        grid = size[0] // patch, size[1] // patch
        weights = [patch_weights(annotated_mask(annotation), grid) for annotation in line.annotations]
        return _Ready(line, resize(image, size), torch.from_numpy(np.stack(weights)))

    def _compute(self, ready: list["_Ready"], pool: ThreadPoolExecutor) -> list[Future["PhotographFeatures"]]:
        images = to_batch([photograph.small for photograph in ready], self.backbone.device)
        found = self.backbone.at_precision(images, self.precision).patches.float().cpu()
        return [
            pool.submit(_finish, photograph, patches)
            for photograph, patches in zip(ready, found, strict=True)
        ]


@dataclass(frozen=True)
class PhotographFeatures:
    """The features of one photograph's objects.

    Attributes:
        file: As the record of the discovery has it.
        features: One row an object, in the order of its annotations.
    """

    file: str
    features: Float[np.ndarray, "object dim"]

    def encoded(self) -> str:
        """A line of text, in ASCII."""
        values = base64.b64encode(self.features.astype("<f4").tobytes()).decode()
        return sealed({"file": self.file, "objects": len(self.features), "features": values}) + "\n"

    @classmethod
    def decoded(cls, text: bytes) -> "PhotographFeatures | None":
        """What was encoded; None where it is damaged or a kill cut it off.

        Example:
            >>> line = PhotographFeatures("a.jpg", np.ones((2, 3), np.float32)).encoded().encode()
            >>> PhotographFeatures.decoded(line).features.shape, PhotographFeatures.decoded(line[:-9])
            ((2, 3), None)
        """
        record = unsealed(text)
        if record is None:
            return None
        values = np.frombuffer(base64.b64decode(record["features"]), "<f4")
        return cls(record["file"], values.reshape(record["objects"], -1).astype(np.float32))


@dataclass(frozen=True)
class _Ready:
    """A photograph for the backbone, and how much of each patch belongs to each of its objects."""

    line: Line
    small: RGBImage
    weights: Float[Tensor, "object rows columns"]


def _finish(ready: _Ready, patches: Float[Tensor, "patch dim"]) -> PhotographFeatures:
    return PhotographFeatures(ready.line.file, masked_means(patches, ready.weights).numpy())


def known_features(path: Path) -> dict[str, PhotographFeatures]:
    """The whole lines of a record of features, by file."""
    if not path.is_file():
        return {}
    with path.open("rb") as lines:
        found = filter(None, map(PhotographFeatures.decoded, lines))
        return {one.file: one for one in found}

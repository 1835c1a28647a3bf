"""The walks of CONTRIBUTING.md, "How to add …": each test adds a part of its kind by the line that its row names.

Words of `slotlight.config` are types, which are checked here, so that the new part takes the place of a known one.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import slotlight
from slotlight.config import DecoderConfig, FormatConfig, ModelConfig, SlotConfig
from slotlight.config import formats as format_config
from slotlight.datasets import DATASETS, Dataset, DatasetSource, LabelKind, Labels, Sample, open_dataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.discovery import Discovery
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols import PROTOCOLS, Metric, Protocol
from slotlight.evaluation.protocols.protocol import NATIVE
from slotlight.evaluation.run import evaluate
from slotlight.formats.found import Found
from slotlight.formats.registry import FORMATS, Format
from slotlight.model import slot_model
from slotlight.model.decoder import Decoded, Decoder
from slotlight.model.decoders import DECODERS
from slotlight.model.fusion import MATCHINGS, fuse
from slotlight.model.positions import Grid, Positions
from slotlight.model.slot_method import HeadSlots, SlotMethod
from slotlight.model.slot_model import build_slot_model

DIM, GRID = 6, (4, 4)
CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"


def learns_and_segments(config: ModelConfig) -> None:
    model = build_slot_model(config, DIM, GRID)
    features = torch.randn(4, 16, DIM)
    model.loss(features).backward()
    assert any(weight.grad is not None for weight in model.parameters())
    masks = model.segment_features(features, GRID).masks
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(4, 16))


def test_every_row_names_what_exists() -> None:
    table = CONTRIBUTING.read_text().split("## How to add")[1].split("\n\n")[1]
    rows = [line.split("|")[1:-1] for line in table.splitlines()[2:]]
    assert len(rows) >= 11
    for kind, write, where in rows:
        for name, file in re.findall(r"`(\w+)` in `([\w/]+\.py)`", where):
            assert name in (Path(slotlight.__file__).parent / file).read_text(), kind
        for folder in re.findall(r"`(\w+/)`", write):
            root = CONTRIBUTING.parent if folder == "docs/" else Path(slotlight.__file__).parent
            assert (root / folder).is_dir(), kind


def test_a_format_is_a_function_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_counts(found: Found, folder: Path) -> None:
        counts = [len(photograph.annotations) for photograph in found.photographs()]
        (folder / "counts.txt").write_text(f"{counts}")

    monkeypatch.setitem(FORMATS, "counts", Format("counts.txt", write_counts))
    monkeypatch.setattr(format_config, "FORMAT_NAMES", (*format_config.FORMAT_NAMES, "counts"))
    photograph = slotlight.load("centre-box").discover(np.zeros((40, 40, 3), np.uint8))
    picture = tmp_path / "photograph.png"
    photograph.overlay().save(picture)
    found = slotlight.load("centre-box").discover(picture)
    found.save(tmp_path / "out", *FormatConfig(format=("counts",)).format)
    assert (tmp_path / "out/counts.txt").read_text() == "[1]"


def test_a_fusion_is_a_function_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def reversed_order(similarity: Tensor) -> Tensor:
        return torch.arange(similarity.shape[-1] - 1, -1, -1).expand(similarity.shape[:-1])

    monkeypatch.setitem(MATCHINGS, "greedy", reversed_order)
    slots = torch.randn(1, 2, 5, DIM)
    both = torch.cat([slots, slots.flip(2)])
    torch.testing.assert_close(fuse(both, "greedy").slots, slots[0])


class MeanDecoder(Decoder):
    """Every patch is the mean of the slots, every slot has an equal share of every patch."""

    def __init__(self, dim: int, grid: Grid, *, hidden: int, layers: int) -> None:  # noqa: ARG002
        super().__init__()
        self.positions = Positions(grid, dim)

    def forward(self, slots: Tensor, grid: Grid, patches: Tensor | None = None, **_: object) -> Decoded:
        places = self.positions(grid, patches)
        shares = torch.full((*slots.shape[:2], len(places)), 1 / slots.shape[1])
        return Decoded(shares.mT @ slots + places, shares)

    def _masks(self, slots: Tensor, grid: Grid) -> Tensor:
        return self(slots, grid).masks


def test_a_decoder_is_a_module_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECODERS, "mixer", MeanDecoder)
    learns_and_segments(ModelConfig(decoder=DecoderConfig(kind="mixer")))


class OneLook(SlotMethod):
    """Slots that read the patches once."""

    def __init__(self, dim: int, *, heads: int, slots: int, **_: object) -> None:
        super().__init__()
        self.heads, self.preheat, self.queries = heads, None, nn.Parameter(torch.randn(heads, 1, slots, dim))

    def noise(self, images: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(self.heads, images, *self.queries.shape[2:], generator=generator)

    def forward(self, features: Tensor, noise: Tensor) -> HeadSlots:
        start = (self.queries + noise).expand(-1, features.shape[1], -1, -1)
        attention = (start @ features.mT).softmax(dim=2)
        return HeadSlots(attention @ features / attention.sum(dim=3, keepdim=True), attention, start)


def test_a_slot_method_is_a_module_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_model, "MultiQuerySlotAttention", OneLook)
    learns_and_segments(
        ModelConfig(slots=SlotConfig(heads=2, slots=3), decoder=DecoderConfig(hidden=8, layers=1))
    )


@dataclass(frozen=True)
class Squares:
    """Grey photographs with a white square each."""

    name: str = "squares"
    split: str = "all"
    label_kinds: frozenset[LabelKind] = frozenset({LabelKind.BOXES})

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        image = np.full((64, 64, 3), 99, np.uint8)
        image[8:56, 8:56] = 255
        boxes = np.array([[8.0, 8, 56, 56]], np.float32)
        return Sample(f"{index}", lambda: image, lambda _: Labels(boxes_xyxy=boxes), lambda: f"{index}")


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setitem(DATASETS, "squares", Squares())
    return open_dataset(DatasetSource("squares"))


def test_a_dataset_is_a_class_and_a_line(squares: Dataset, tmp_path: Path) -> None:
    result = evaluate([slotlight.load("centre-box")], squares, ["corloc"], out=tmp_path)
    assert result.tables[0].rows[0].estimates[0].mean == 1


def test_a_protocol_is_a_declaration_and_a_line(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(found: Discovery, labels: Labels) -> Measured:
        assert labels.boxes_xyxy is not None
        return Measured({"extra": float(len(found) - len(labels.boxes_xyxy))})

    counting = Protocol(
        name="counting",
        summary="How many objects too many.",
        needs=frozenset({LabelKind.BOXES}),
        view=NATIVE,
        metrics=(Metric("extra", "Objects found less objects annotated."),),
        measure=count,
    )
    monkeypatch.setitem(PROTOCOLS, counting.name, counting)
    discoverer: Discoverer = slotlight.load("centre-box")
    result = evaluate([discoverer], squares, ["counting"], out=tmp_path)
    assert result.tables[0].rows[0].estimates[0].mean == 0

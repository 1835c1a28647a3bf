import numpy as np
import pytest
import timm
import torch

from slotlight.backbones import Backbone
from slotlight.baselines import build_baseline
from slotlight.config import BackboneConfig, Calibration, DecoderConfig, ModelConfig, SlotConfig
from slotlight.datasets import SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.images import RGBImage
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import build_slot_model
from slotlight.report.diagnostics import Finding, diagnose
from slotlight.segmenter import SlotMasks


class Drawn:
    """A segmenter whose winners are computed from its arguments by a given function."""

    name, image_size, patch_size, is_seeded, backbone = "drawn", 32, 4, True, None
    calibration = Calibration()

    def __init__(self, winners, slots: int = 4) -> None:
        self.winners, self.slots = winners, slots

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def fingerprint(self) -> str:
        return "drawn"

    def controls(self) -> list:
        return []

    def segment(self, images: torch.Tensor, *, seed: int = 0) -> SlotMasks:
        winners = self.winners(images, seed)
        masks = torch.nn.functional.one_hot(winners, self.slots).movedim(-1, 1).float()
        return SlotMasks(masks, torch.ones(len(images), self.slots))


@pytest.fixture(scope="module")
def photographs() -> list[RGBImage]:
    return [sample.read_image() for sample in SyntheticDataset(count=10, height=48, width=64)]


def findings(discoverer: Discoverer, photographs: list[RGBImage]) -> dict[str, Finding]:
    return {f.name: f for f in diagnose(discoverer, photographs, [None] * len(photographs))}


def tiles(images: torch.Tensor, _: int) -> torch.Tensor:
    side = torch.arange(8) >= 4
    return (side[:, None] + 2 * side).long().expand(len(images), 8, 8)


def noise(images: torch.Tensor, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + int(1e4 * images.sum()))
    return torch.randint(0, 2, (len(images), 8, 8), generator=generator)


def test_tiles_are_found_out(photographs: list[RGBImage]) -> None:
    found = findings(Discoverer(Drawn(tiles)), photographs)
    assert found["Segments that ignore the photograph"].value == pytest.approx(1)
    assert found["Segments that ignore the photograph"].level == "bad"
    assert found["Seeds that disagree"].level == "fine"
    assert found["Background in many pieces"].value == pytest.approx(4)


def test_noise_is_found_out(photographs: list[RGBImage]) -> None:
    found = findings(Discoverer(Drawn(noise)), photographs)
    assert abs(found["Segments that ignore the photograph"].value) < 0.1
    assert abs(found["Seeds that disagree"].value) < 0.2
    assert found["Seeds that disagree"].level == "bad"
    assert found["Slots that win nothing"].value == pytest.approx(0.5)
    assert "2 never won one" in found["Slots that win nothing"].meaning


def brightness(images: torch.Tensor, _: int) -> torch.Tensor:
    grey = torch.nn.functional.avg_pool2d(images, 4).mean(1)
    ranks = grey.flatten(1).argsort(1).argsort(1).view_as(grey)
    return ranks * 4 // 64


def test_segments_of_content_are_no_fault(photographs: list[RGBImage]) -> None:
    found = findings(Discoverer(Drawn(brightness)), photographs)
    assert found["Segments that ignore the photograph"].level == "fine"
    assert found["Slots that win nothing"].value == 0


def test_place_is_half_of_what_kmeans_of_colour_and_place_sees(photographs: list[RGBImage]) -> None:
    found = findings(Discoverer(build_baseline("kmeans-colour")), photographs)
    assert 0.1 < found["Segments that ignore the photograph"].value < 0.6


def test_heads_are_asked_where_there_are_some(photographs: list[RGBImage]) -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        backbone=BackboneConfig(image_size=32),
        slots=SlotConfig(heads=3, slots=4, projection_hidden=16, mlp_hidden=16),
        decoder=DecoderConfig(hidden=16),
    )
    vit = timm.create_model("vit_tiny_patch16_224", depth=1, dynamic_img_size=True, num_classes=0)
    backbone = Backbone("random", network=vit, facet="key", layer=-1).eval()
    model = ModelSegmenter("random", backbone, build_slot_model(config, backbone.dim, (2, 2)))
    found = findings(Discoverer(model), photographs)["Heads that disagree"]
    assert -1 <= found.value <= 1
    assert "Heads that disagree" not in findings(Discoverer(Drawn(tiles)), photographs)


def test_a_known_background_is_used(photographs: list[RGBImage]) -> None:
    left = np.zeros((48, 64), bool)
    left[:24, :32] = True  # one tile of the four
    found = diagnose(Discoverer(Drawn(tiles)), photographs, [left] * len(photographs))
    background = next(f for f in found if f.name == "Background in many pieces")
    assert background.value == pytest.approx(1)
    assert "'s background" in background.meaning or "' background" in background.meaning


def test_examples_are_photographs_that_show_it(photographs: list[RGBImage]) -> None:
    for finding in findings(Discoverer(Drawn(noise)), photographs).values():
        assert 1 <= len(finding.examples) <= 3
        assert all(
            0 <= e.photograph < len(photographs) and e.segments.shape == (8, 8) for e in finding.examples
        )


def test_one_photograph_is_enough(photographs: list[RGBImage]) -> None:
    assert findings(Discoverer(Drawn(tiles)), photographs[:1])["Slots that win nothing"].value == 0


def test_merged_background_slots_win_something(photographs: list[RGBImage]) -> None:
    class Merging(Drawn):
        def segment(self, images: torch.Tensor, *, seed: int = 0) -> SlotMasks:
            raw = super().segment(images, seed=seed).masks
            background = raw[:, 1:].sum(1, keepdim=True)  # three of the four slots become one
            merged = torch.cat([raw[:, :1], torch.zeros_like(raw[:, 1:]), background], dim=1)
            return SlotMasks(merged, torch.ones(len(images), 5), raw_masks=raw)

    found = findings(Discoverer(Merging(tiles)), photographs)
    assert found["Slots that win nothing"].value == 0
    assert found["Background in many pieces"].value == pytest.approx(4)


def test_models_that_draw_nothing_are_looked_at_once(photographs: list[RGBImage]) -> None:
    floor = Discoverer(build_baseline("tiles"))
    assert "Seeds that disagree" not in findings(floor, photographs)

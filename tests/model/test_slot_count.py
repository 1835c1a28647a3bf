"""How many slots a photograph keeps."""

import pytest
import torch

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.errors import ConfigError
from slotlight.model.decoders import build_decoder
from slotlight.model.slot_count import SlotCount
from slotlight.model.slot_model import build_slot_model


def test_at_least_one_slot_is_kept() -> None:
    torch.manual_seed(0)
    count = SlotCount(8).requires_grad_(False)
    count.score[-1].bias.fill_(-50.0)
    slots = torch.randn(5, 4, 8)
    assert count(slots).sum(dim=1).tolist() == [1.0] * 5
    assert count.sample(slots)[0].sum(dim=1).tolist() == pytest.approx([1.0] * 5, abs=1e-5)


def test_a_draw_keeps_as_often_as_it_says() -> None:
    torch.manual_seed(0)
    count = SlotCount(8).requires_grad_(False)
    count.score[-1].bias.fill_(0.5)
    drawn, likely = count.sample(torch.randn(2000, 9, 8))  # hardly ever none of nine
    assert float(drawn.mean()) == pytest.approx(float(likely.mean()), abs=0.02)
    assert ((drawn < 1e-5) | (drawn > 1 - 1e-5)).all()


@pytest.mark.parametrize("kind", ["mlp", "mixer"])
def test_a_dropped_slot_explains_nothing(kind: str) -> None:
    torch.manual_seed(0)
    decoder = build_decoder(DecoderConfig(kind=kind, hidden=16, layers=1), 8, (3, 4))
    slots = torch.randn(2, 4, 8)
    keep = torch.tensor([[1.0, 0, 1, 1], [1, 1, 1, 0]])
    masks = decoder.masks(slots, (3, 4), keep=keep)
    assert not masks[keep == 0].any()
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(2, 12))
    torch.testing.assert_close(decoder(slots, (3, 4), keep=keep).masks, masks)
    everything = decoder(slots, (3, 4), keep=torch.ones(2, 4))
    torch.testing.assert_close(everything.reconstruction, decoder(slots, (3, 4)).reconstruction)


@pytest.mark.parametrize("masks_from", ["attention", "decoder"])
def test_what_slots_cost_drops_them(masks_from: str) -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        masks_from=masks_from,
        masking=MaskingConfig(kind="none"),
        slots=SlotConfig(heads=2, slots=5, projection_hidden=16, mlp_hidden=8, adaptive=True, slot_cost=5.0),
        decoder=DecoderConfig(hidden=8, layers=1),
    )
    model = build_slot_model(config, 16, (3, 4))
    features = torch.randn(4, 12, 16)
    assert (model.segment_features(features, (3, 4)).masks.amax(dim=2) > 0).all()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
    for _ in range(25):
        optimizer.zero_grad()
        model.loss(features).backward()
        optimizer.step()
    masks = model.segment_features(features, (3, 4)).masks
    assert (masks.amax(dim=2) > 0).sum() < 12
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(4, 12))


def test_what_cannot_drop_slots_is_refused() -> None:
    for other in (
        {"decoder": DecoderConfig(kind="transformer")},
        {"objective": "partition", "masks_from": "attention"},
    ):
        with pytest.raises(ConfigError, match="adaptive number of slots learns from"):
            ModelConfig(slots=SlotConfig(adaptive=True), **other)

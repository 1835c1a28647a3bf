"""The autoregressive decoder: what a patch may know, and what its masks are."""

import pytest
import torch
from torch import Tensor

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.errors import ConfigError
from slotlight.model.slot_model import build_slot_model
from slotlight.model.transformer_decoder import TransformerDecoder, patch_orders

DIM, GRID, SLOTS, BATCH = 16, (4, 6), 5, 3
PATCHES = GRID[0] * GRID[1]


def make() -> TransformerDecoder:
    torch.manual_seed(0)
    return TransformerDecoder(DIM, GRID, hidden=32, layers=2).double().requires_grad_(False)


def given(patches: int = PATCHES) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    slots = torch.randn(BATCH, SLOTS, DIM, generator=generator, dtype=torch.float64)
    return slots, torch.randn(BATCH, patches, DIM, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("number", range(8))
def test_a_patch_knows_those_before_it_and_no_other(number: int) -> None:
    decoder, (slots, features) = make(), given()
    order = patch_orders(GRID)[number]
    place = 9
    changed = features.clone()
    changed[:, order[place]] += 1
    one, other = (decoder._decode(slots, GRID, some, order).reconstruction for some in (features, changed))
    differs = (one != other).any(dim=2).any(dim=0)[order]
    assert not differs[: place + 1].any()
    assert differs[place + 1 :].all()


@pytest.mark.parametrize("grid", [GRID, (7, 3), (1, 5), (5, 1)])
def test_the_orders_are_permutations_and_each_begins_in_a_corner(grid: tuple[int, int]) -> None:
    orders, patches = patch_orders(grid), grid[0] * grid[1]
    assert torch.equal(orders.sort(dim=1).values, torch.arange(patches).expand(8, -1))
    corners = {0, grid[1] - 1, patches - grid[1], patches - 1}
    assert set(orders[:, 0].tolist()) == corners
    if min(grid) > 1:
        assert len(orders.unique(dim=0)) == 8


@pytest.mark.parametrize("grid", [GRID, (7, 3)])
def test_masks_share_out_each_patch_whatever_the_order_of_slots(grid: tuple[int, int]) -> None:
    decoder, (slots, features) = make(), given(grid[0] * grid[1])
    masks = decoder.masks(slots, grid, target=features)
    torch.testing.assert_close(masks.sum(dim=1), torch.ones_like(masks[:, 0]))
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(decoder.masks(slots[:, order], grid, target=features), masks[:, order])
    torch.testing.assert_close(decoder.masks(slots[1:2], grid, target=features[1:2]), masks[1:2])


def test_training_draws_an_order_and_masks_do_not() -> None:
    decoder, (slots, features) = make(), given()
    drawn = torch.stack([decoder(slots, GRID, target=features).reconstruction for _ in range(12)])
    assert len(drawn.flatten(1).unique(dim=0)) > 3
    once, again = (decoder.masks(slots, GRID, target=features) for _ in range(2))
    assert torch.equal(once, again)


def test_slots_that_know_more_lower_the_error() -> None:
    """Kinds of patches that no neighbour foretells: only the slots can say which there are."""
    torch.manual_seed(0)
    config = ModelConfig(
        masking=MaskingConfig(kind="none"),
        slots=SlotConfig(heads=2, slots=3, projection_hidden=32, mlp_hidden=16),
        decoder=DecoderConfig(kind="transformer", hidden=32, layers=1),
    )
    model = build_slot_model(config, DIM, GRID)
    kinds = torch.randn(8, 3, DIM)
    features = kinds.take_along_dim(torch.randint(3, (8, PATCHES, 1)), dim=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model.loss(features)
        loss.backward()
        optimizer.step()
    assert all(value.grad is not None for value in model.parameters())
    with torch.no_grad():
        slots = model.segment_features(features, GRID).slots
        order = patch_orders(GRID)[0]
        own, others = (
            model.decoder._decode(some, GRID, features, order) for some in (slots, slots.roll(1, 0))
        )
    error, without = ((one.reconstruction - features).square().mean() for one in (own, others))
    assert error < 0.9 * without


def test_it_decodes_all_patches() -> None:
    with pytest.raises(ConfigError, match="set patch_share to 1"):
        DecoderConfig(kind="transformer", patch_share=0.25)
    slots, _ = given()
    with pytest.raises(ValueError, match="needs the features"):
        make()(slots, GRID)

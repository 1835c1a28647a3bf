"""Learned alignment: Hungarian averaging at its start, whatever it is given; trained, another."""

import pytest
import torch

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.errors import ConfigError
from slotlight.model.alignment import LearnedAlignment
from slotlight.model.fusion import fuse
from slotlight.model.slot_model import build_slot_model

GRID, DIM = (4, 5), 16


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("reference", [None, 0, 1])
def test_at_its_start_it_is_hungarian_averaging(seed: int, reference: int | None) -> None:
    generator = torch.Generator().manual_seed(seed)
    heads, batch, slots, dim = (int(torch.randint(2, 10, (), generator=generator)) for _ in range(4))
    given = torch.randn(heads, batch, slots, dim, generator=generator, dtype=torch.float64)
    attention = torch.randn(heads, batch, slots, 7, generator=generator, dtype=torch.float64).softmax(dim=2)
    learned, hungarian = (
        LearnedAlignment(dim).double()(given, reference=reference),
        fuse(given, reference=reference),
    )
    close = {"rtol": 1e-6, "atol": 1e-6}  # weights are single
    torch.testing.assert_close(learned.slots, hungarian.slots, **close)
    torch.testing.assert_close(learned.gather(attention), hungarian.gather(attention), **close)
    assert torch.equal(learned.assignment, hungarian.assignment)
    assert torch.equal(learned.agreement, hungarian.agreement)
    assert torch.equal(learned.reference, hungarian.reference)


def test_with_an_open_gate_masks_still_share_out_each_patch() -> None:
    torch.manual_seed(0)
    alignment = LearnedAlignment(DIM).requires_grad_(False)
    alignment.gate.fill_(-1.0)
    attention = torch.randn(3, 2, 4, 9).softmax(dim=2)
    fused = alignment(torch.randn(3, 2, 4, DIM))
    masks = fused.gather(attention)
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(2, 9))
    assert masks.min() >= 0
    assert not torch.allclose(masks, fuse(torch.randn(3, 2, 4, DIM)).gather(attention))


def test_the_order_of_a_heads_slots_does_not_matter() -> None:
    torch.manual_seed(0)
    alignment = LearnedAlignment(DIM).requires_grad_(False)
    alignment.gate.fill_(0.7)
    given = torch.randn(3, 2, 4, DIM)
    moved = torch.cat([given[:2], given[2:, :, [2, 0, 3, 1]]])
    torch.testing.assert_close(alignment(moved, reference=0).slots, alignment(given, reference=0).slots)


def test_it_alone_learns_and_lowers_the_error() -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        objective="alignment",
        fusion="learned",
        masking=MaskingConfig(kind="none"),
        slots=SlotConfig(heads=3, slots=3, projection_hidden=16, mlp_hidden=8),
        decoder=DecoderConfig(hidden=16, layers=1),
    )
    model = build_slot_model(config, DIM, GRID)
    features = torch.randn(6, 3, DIM).take_along_dim(torch.randint(3, (6, 20, 1)), dim=1)
    before = {name: value.clone() for name, value in model.named_parameters()}
    learning = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.Adam(learning, lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = model.loss(features)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < sum(losses[:5])
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"alignment.to_query.weight", "alignment.to_key.weight", "alignment.gate"}


def test_the_fusion_and_its_objective_belong_together() -> None:
    for half in ({"fusion": "learned"}, {"objective": "alignment"}):
        with pytest.raises(ConfigError, match="belong together"):
            ModelConfig(**half)
    with pytest.raises(ValueError, match="LearnedAlignment"):
        fuse(torch.randn(2, 1, 3, 4), "learned")

"""What most heads agree on, and what each head learns from it."""

import pytest
import torch
from torch.nn import functional as F

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.errors import ConfigError
from slotlight.model.agreement import agreed_labels, agreement_loss
from slotlight.model.slot_model import build_slot_model

SLOTS, PATCHES = 3, 12


def partitions(orders: list[list[int]], wrong: dict[int, int]) -> torch.Tensor:
    """Heads that cut a photograph into thirds, their slots in some order; one head errs about one patch."""
    truth = torch.arange(PATCHES) // 4
    heads = []
    for number, order in enumerate(orders):
        winners = truth.clone()
        if number in wrong:
            winners[wrong[number]] = (winners[wrong[number]] + 1) % SLOTS
        masks = F.one_hot(torch.tensor(order)[winners], SLOTS).float().mT
        heads.append(0.94 * masks + 0.02)
    return torch.stack(heads).unsqueeze(1)


def test_heads_are_matched_by_what_they_cover_and_the_majority_teaches() -> None:
    attention = partitions([[0, 1, 2], [2, 0, 1], [1, 2, 0], [0, 2, 1]], wrong={3: 5})
    labels, certain, slot = agreed_labels(attention)
    assert certain.all()  # three of four is enough
    for head in range(4):
        own = attention[head, 0].take_along_dim(slot[head].T, dim=0).argmax(dim=0)
        assert [int(patch) for patch in (own != labels[0]).nonzero()] == ([5] if head == 3 else [])


def test_where_heads_disagree_no_gradient_flows() -> None:
    attention = partitions([[0, 1, 2], [2, 0, 1]], wrong={1: 5}).requires_grad_()
    _, certain, _ = agreed_labels(attention)
    assert certain[0].tolist() == [patch != 5 for patch in range(PATCHES)]
    agreement_loss(attention).backward()
    assert attention.grad is not None
    assert not attention.grad[..., 5].any()
    assert attention.grad.abs().sum(dim=(0, 1, 2))[:5].min() > 0
    hidden = torch.zeros(1, PATCHES, dtype=torch.bool)
    hidden[0, :6] = True
    attention.grad = None
    agreement_loss(attention, hidden).backward()
    assert not attention.grad[..., :6].any()


def test_nothing_agreed_is_no_loss() -> None:
    assert (
        agreement_loss(torch.full((2, 1, SLOTS, PATCHES), 1 / 3), torch.ones(1, PATCHES, dtype=torch.bool))
        == 0
    )


def test_heads_learn_to_agree() -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        objective="agreement",
        pseudo_label_weight=1.0,
        masking=MaskingConfig(kind="none"),
        slots=SlotConfig(heads=4, slots=3, projection_hidden=16, mlp_hidden=8),
        decoder=DecoderConfig(hidden=8, layers=1),
    )
    model = build_slot_model(config, 16, (4, 3))
    features = torch.randn(3, 16)[torch.arange(PATCHES) // 4] + 0.1 * torch.randn(6, PATCHES, 16)

    def agreement() -> float:
        with torch.no_grad():
            found = model.attention(model.projection(features).unsqueeze(0), model.attention.noise(1))
            return float(agreement_loss(found.attention))

    before = agreement()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(25):
        optimizer.zero_grad()
        model.loss(features).backward()
        optimizer.step()
    assert agreement() < 0.8 * before


def test_one_head_has_nobody_to_agree_with() -> None:
    with pytest.raises(ConfigError, match="set heads to 2"):
        ModelConfig(objective="agreement", slots=SlotConfig(heads=1))

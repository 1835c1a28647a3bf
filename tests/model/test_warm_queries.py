"""Queries that learn where slots end."""

import torch

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.model.slot_attention import MultiQuerySlotAttention
from slotlight.model.slot_model import build_slot_model
from slotlight.model.warm_queries import Preheat


def test_heads_and_photographs_do_not_see_one_another() -> None:
    torch.manual_seed(0)
    preheat = Preheat(16).double()
    queries, patches = torch.randn(2, 6, 16).double(), torch.randn(2, 9, 16).double()
    warm = preheat(queries, patches, slots=3)
    queries[0, 4], patches[1] = 7, 7
    again = preheat(queries, patches, slots=3)
    torch.testing.assert_close(again[0, :3], warm[0, :3])
    assert (again[0, 3:] != warm[0, 3:]).any(dim=1).all()
    assert (again[1] != warm[1]).all()


def test_a_head_alone_finds_what_it_finds_among_others() -> None:
    torch.manual_seed(0)
    attention = MultiQuerySlotAttention(12, heads=3, slots=4, mlp_hidden=8, queries="warm").double()
    features, noise = torch.randn(3, 2, 10, 12).double(), torch.randn(3, 2, 4, 12).double()
    dealt = attention(features, noise)
    for head in range(3):
        seen_by_all = attention(features[head : head + 1], noise)
        torch.testing.assert_close(seen_by_all.slots[head], dealt.slots[head])
        torch.testing.assert_close(seen_by_all.queries[head], dealt.queries[head])


def test_queries_learn_from_slots_and_not_the_reverse() -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        masking=MaskingConfig(kind="none"),
        slots=SlotConfig(heads=2, slots=3, projection_hidden=16, mlp_hidden=8, queries="warm"),
        decoder=DecoderConfig(hidden=8, layers=1),
    )
    model = build_slot_model(config, 16, (3, 4))
    features = torch.randn(4, 12, 16)
    found = model.attention(model.projection(features).unsqueeze(0), model.attention.noise(4))
    found.slots.sum().backward()
    assert all(value.grad is None for value in model.attention.preheat.parameters())
    assert model.attention.mu.grad is None

    def distance() -> float:
        found = model.attention(model.projection(features).unsqueeze(0), model.attention.noise(4))
        return (found.queries - found.slots).square().mean().item()

    before = distance()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(25):
        optimizer.zero_grad()
        model.loss(features).backward()
        optimizer.step()
    assert distance() < 0.8 * before

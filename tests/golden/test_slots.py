"""Multi-query slots, assignment and fusion against an independent implementation's values."""

from pathlib import Path

import numpy as np
import pytest
import torch

from slotlight.model.fusion import assign, fuse
from slotlight.model.slot_attention import MultiQuerySlotAttention

TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(scope="module")
def golden(golden_dir: Path) -> dict[str, torch.Tensor]:
    arrays = np.load(golden_dir / "multi_query_slots.npz")
    return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def attention_of(golden: dict[str, torch.Tensor], gru_state: str) -> MultiQuerySlotAttention:
    heads, _, slots, dim = golden["noise"].shape
    attention = MultiQuerySlotAttention(
        dim, heads=heads, slots=slots, mlp_hidden=golden["mlp.0.bias"].shape[1], gru_state=gru_state
    )
    renamed = {"to_k": "to_key", "to_v": "to_value", "to_q": "to_query"}
    renamed |= {"gru.weight_ih": "gru.input.weight", "gru.bias_ih": "gru.input.bias"}
    renamed |= {"gru.weight_hh": "gru.hidden.weight", "gru.bias_hh": "gru.hidden.bias"}
    state = {}
    for name, value in golden.items():
        if not name.startswith(("expected", "features", "noise")):
            for old, new in renamed.items():
                name = name.replace(old, new)
            state[name] = value
    attention.load_state_dict(state)
    return attention


@pytest.mark.parametrize(("gru_state", "expected"), [("slots", "raw"), ("normalised", "normed")])
def test_slots(golden, gru_state, expected):
    attention = attention_of(golden, gru_state)
    found = attention(golden["features"].unsqueeze(0), golden["noise"])
    torch.testing.assert_close(found.slots, golden[f"expected.slots_{expected}_hidden"], **TOLERANCE)
    if expected == "raw":
        wanted = golden["expected.attention_raw_hidden"].transpose(2, 3)
        torch.testing.assert_close(found.attention, wanted, **TOLERANCE)


@pytest.mark.parametrize("state", ["raw", "normed"])
def test_fusion_for_every_reference_head(golden, state):
    slots = golden[f"expected.slots_{state}_hidden"]
    for reference, expected in enumerate(golden[f"expected.fused_{state}_hidden"]):
        fused = fuse(slots, "hungarian", reference=reference)
        torch.testing.assert_close(fused.slots, expected, **TOLERANCE)


def test_assignment_for_every_reference_head(golden):
    unit = torch.nn.functional.normalize(golden["expected.slots_raw_hidden"], dim=-1)
    similarity = torch.einsum("rbkd,hbjd->rhbkj", unit, unit)
    assert torch.equal(assign(similarity), golden["expected.assignment_raw_hidden"])
    for reference, expected in enumerate(golden["expected.assignment_raw_hidden"]):
        fused = fuse(golden["expected.slots_raw_hidden"], "hungarian", reference=reference)
        assert torch.equal(fused.assignment, expected)

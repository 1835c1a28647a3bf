"""Slots that start as soft k-means."""

import pytest
import torch
from torch import nn

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.errors import TrainingError
from slotlight.model.kmeans_init import start_as_kmeans
from slotlight.model.slot_model import build_slot_model

DIM, GRID = 16, (6, 6)
CONFIG = ModelConfig(
    slots=SlotConfig(heads=4, slots=3, iterations=10, projection_hidden=2 * DIM, start="kmeans"),
    masking=MaskingConfig(kind="none"),
    decoder=DecoderConfig(hidden=32),
    masks_from="attention",
)


def three_clusters() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(3, DIM, generator=generator)
    truth = torch.arange(36).reshape(1, 36) // 12
    noise = 0.05 * torch.randn(1, 36, DIM, generator=generator)
    return centres[truth] + noise, truth


def test_slots_find_clusters_before_any_training():
    features, truth = three_clusters()
    torch.manual_seed(0)
    model = build_slot_model(CONFIG, DIM, GRID).eval()
    found = model.segment_features(features, GRID).masks.argmax(dim=1)
    for cluster in range(3):
        inside = found[truth == cluster]
        assert (inside == inside[0]).all()
    assert found.unique().numel() == 3


def test_one_round_is_soft_k_means():
    torch.manual_seed(0)
    model = build_slot_model(CONFIG, DIM, GRID)
    model.attention.iterations = 1
    features = torch.randn(1, 1, 36, DIM)
    noise = torch.randn(4, 1, 3, DIM)
    points, start = (
        nn.functional.layer_norm(features[0, 0], (DIM,)),
        nn.functional.layer_norm(noise[2, 0], (DIM,)),
    )
    weights = (CONFIG.slots.start_sharpness * start @ points.T * DIM**-0.5).softmax(dim=0)
    found = model.attention(features, noise)
    torch.testing.assert_close(found.attention[2, 0], weights, atol=1e-5, rtol=1e-4)
    means = weights @ points / weights.sum(dim=1, keepdim=True)
    kept = torch.sigmoid(torch.tensor(-4.0))
    torch.testing.assert_close(
        found.slots[2, 0], (1 - kept) * torch.tanh(0.5 * means) + kept * noise[2, 0], atol=1e-4, rtol=1e-3
    )


def test_it_still_learns():
    features, _ = three_clusters()
    torch.manual_seed(0)
    model = build_slot_model(CONFIG, DIM, GRID)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    before = {name: value.clone() for name, value in model.named_parameters()}
    losses = []
    for _ in range(30):
        loss = model.loss(features.expand(4, -1, -1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]
    assert all(not torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_a_narrow_projection_is_one_sentence():
    model = build_slot_model(CONFIG, DIM, GRID)
    with pytest.raises(TrainingError, match="projection_hidden >= 32, not 16"):
        start_as_kmeans(nn.Linear(DIM, DIM), nn.Linear(DIM, DIM), model.attention, sharpness=4.0)

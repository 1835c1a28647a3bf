"""Slots that learn the normalised cut of a photograph's patches."""

import pytest
import torch

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.errors import ConfigError
from slotlight.model.partition import partition_loss, spectral_partition
from slotlight.model.slot_model import build_slot_model

GRID = (8, 10)


def three_things(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of three kinds, and which patch is of which."""
    generator = torch.Generator().manual_seed(0)
    kinds = torch.randn(3, 16, generator=generator)
    truth = torch.zeros(GRID, dtype=torch.int64)
    truth[:, 5:], truth[2:6, 3:7] = 1, 2
    noise = 0.1 * torch.randn(batch, *GRID, 16, generator=generator)
    return (kinds[truth] + noise).flatten(1, 2), truth.flatten().expand(batch, -1)


def is_same_partition(one: torch.Tensor, other: torch.Tensor) -> bool:
    pairs = {(int(a), int(b)) for a, b in zip(one, other, strict=True)}
    return len(pairs) == len(one.unique()) == len(other.unique())


def test_the_cut_finds_what_is_there_whatever_the_batch() -> None:
    features, truth = three_things()
    found = spectral_partition(features, GRID, 3, 0.05)
    assert all(is_same_partition(one, other) for one, other in zip(found, truth, strict=True))
    assert torch.equal(found[1:], spectral_partition(features[1:], GRID, 3, 0.05))


@pytest.mark.parametrize("grid", [(21, 33), (45, 20), (1, 50), (2, 2)])
def test_fine_grids_are_pooled_and_every_patch_has_a_cluster(grid: tuple[int, int]) -> None:
    found = spectral_partition(torch.randn(2, grid[0] * grid[1], 8), grid, 3, 0.05)
    assert found.shape == (2, grid[0] * grid[1])
    assert found.min() >= 0
    assert found.max() < 3


def test_blank_photographs_give_finite_losses() -> None:
    found = spectral_partition(torch.zeros(2, 25, 4), (5, 5), 3, 0.05)
    assert partition_loss(torch.full((2, 3, 25), 1 / 3), found).isfinite()


def test_hidden_patches_do_not_count() -> None:
    attention = torch.rand(2, 3, 12).softmax(dim=1)
    labels = torch.randint(3, (2, 12), generator=torch.Generator().manual_seed(0))
    hidden = torch.zeros(2, 12, dtype=torch.bool)
    torch.testing.assert_close(partition_loss(attention, labels, hidden), partition_loss(attention, labels))
    assert partition_loss(attention, labels, ~hidden) == 0


def test_slots_learn_it() -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        objective="partition",
        masks_from="attention",
        masking=MaskingConfig(kind="none"),
        slots=SlotConfig(heads=1, slots=3, projection_hidden=32, mlp_hidden=16),
        decoder=DecoderConfig(hidden=8),
    )
    model = build_slot_model(config, 16, GRID)
    features, truth = three_things(batch=8)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert not any(parameter.requires_grad for parameter in model.decoder.parameters())
    optimizer = torch.optim.Adam(learning, lr=3e-3)
    before = float(model.loss(features))
    for _ in range(80):
        optimizer.zero_grad()
        loss = model.loss(features)
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.5 * before
    found = model.eval().segment_features(features[:1], GRID).masks.argmax(dim=1)
    assert is_same_partition(found[0], truth[0])


def test_it_needs_the_slots_own_attention() -> None:
    with pytest.raises(ConfigError, match="set masks_from to 'attention'"):
        ModelConfig(objective="partition")

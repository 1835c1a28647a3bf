import torch

from slotlight.config import HeuristicsConfig, ProposalConfig
from slotlight.model.proposals import propose_regions

GRID = (12, 12)


def scene() -> tuple[torch.Tensor, torch.Tensor]:
    """Features of two objects on a ground, with a little noise, and their map."""
    labels = torch.zeros(GRID, dtype=torch.long)
    labels[2:5, 2:5], labels[7:11, 6:10] = 1, 2
    noise = 0.05 * torch.randn(144, 6, generator=torch.Generator().manual_seed(0))
    return torch.eye(6)[labels.flatten()] + noise, labels


def test_each_object_is_a_region_that_most_partitions_vote_for() -> None:
    features, labels = scene()
    config = ProposalConfig(clusters=(3, 4), temperatures=(0.05, 0.1))
    together = propose_regions(torch.stack([features, features]), GRID, HeuristicsConfig(), config)
    for found in together:
        assert (found.scores.diff() <= 0).all()
        assert ((found.scores > 0) & (found.scores <= 1)).all()
        for number in (1, 2):
            wanted = labels == number
            best = max(((mask > 0.5) & wanted).sum() / ((mask > 0.5) | wanted).sum() for mask in found.masks)
            assert best > 0.8
    assert torch.equal(together[0].masks, together[1].masks)


def test_a_plain_photograph_has_no_region_that_is_no_number() -> None:
    (found,) = propose_regions(torch.ones(1, 144, 6), GRID, HeuristicsConfig(), ProposalConfig(clusters=(2,)))
    assert found.masks.isfinite().all()
    assert found.scores.isfinite().all()
    assert len(found.scores) <= ProposalConfig().most

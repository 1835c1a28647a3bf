import pytest
import torch

from slotlight.config import HeuristicsConfig, ProposalConfig
from slotlight.model.proposals import propose_regions
from slotlight.segmenter import Regions

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


def test_what_a_detector_finds_votes_too() -> None:
    features, labels = scene()
    config = ProposalConfig(
        clusters=(3, 4), temperatures=(0.05, 0.1), detector_weight=0.25, detector_least=0.1
    )
    small, seen = torch.zeros(24, 24), (labels == 1).float().repeat_interleave(2, 0).repeat_interleave(2, 1)
    small[20:24, 0:4] = 1
    detected = Regions(torch.stack([seen, small, small]), torch.tensor([1.0, 0.4, 0.05]))
    alone, = propose_regions(features[None], GRID, HeuristicsConfig(), config)  # fmt: skip
    with_it, = propose_regions(features[None], GRID, HeuristicsConfig(), config, [detected])  # fmt: skip
    votes = {name: score_of(found, labels == 1) for name, found in (("alone", alone), ("with it", with_it))}
    assert votes["with it"] == pytest.approx(min(1, votes["alone"] + 0.25), abs=1e-5)
    corner = torch.zeros(GRID, dtype=torch.bool)
    corner[10:12, 0:2] = True
    assert score_of(with_it, corner) == pytest.approx(0.25 * 0.4, abs=1e-5)
    assert score_of(alone, corner) == 0


def test_a_detector_without_regions_changes_nothing() -> None:
    features, _ = scene()
    nothing = Regions(torch.zeros(0, 24, 24), torch.zeros(0))
    alone, = propose_regions(features[None], GRID, HeuristicsConfig(), ProposalConfig())  # fmt: skip
    with_it, = propose_regions(features[None], GRID, HeuristicsConfig(), ProposalConfig(), [nothing])  # fmt: skip
    assert torch.equal(alone.masks, with_it.masks)
    assert torch.equal(alone.scores, with_it.scores)


def score_of(found: Regions, wanted: torch.Tensor) -> float:
    """The score of the region that nearly is what is wanted, or 0."""
    overlaps = [((mask > 0.5) & wanted).sum() / ((mask > 0.5) | wanted).sum() for mask in found.masks]
    return max((float(s) for s, o in zip(found.scores, overlaps, strict=True) if o > 0.8), default=0.0)

"""Signs of slots that learnt places, or nothing."""

import pytest
import torch
from torch.nn import functional as F

from slotlight.config import MaskingConfig
from slotlight.model.slot_model import FusedMasks
from slotlight.training.signs import (
    Signs,
    likeness,
    likeness_of_clusters,
    masking_report,
    signs_of,
    warning_of,
)

PHOTOGRAPHS, SLOTS, PATCHES = 12, 4, 64


def found(winners: torch.Tensor) -> FusedMasks:
    masks = F.one_hot(winners, SLOTS).mT.float()
    empty = torch.zeros(PHOTOGRAPHS, SLOTS, 2)
    agreement = torch.full((PHOTOGRAPHS, SLOTS), 0.5)
    return FusedMasks(
        empty, masks, agreement, torch.ones(PHOTOGRAPHS, 8, 8), torch.zeros(PHOTOGRAPHS, PATCHES, 2)
    )


def test_slots_that_learnt_places_are_told_from_those_that_found_things() -> None:
    generator = torch.Generator().manual_seed(0)
    bands = (torch.arange(PATCHES) // 16).expand(PHOTOGRAPHS, -1)
    things = torch.stack([bands[0][torch.randperm(PATCHES, generator=generator)] for _ in range(PHOTOGRAPHS)])
    renumbered = (
        bands + torch.arange(PHOTOGRAPHS).unsqueeze(1)
    ) % SLOTS  # the same bands, whichever slot has them
    assert signs_of(found(renumbered)).alike == 1
    assert abs(signs_of(found(things)).alike) < 0.1
    assert "learn positions, not objects" in str(warning_of(signs_of(found(renumbered)), 0.2))
    assert warning_of(signs_of(found(things)), 0.2) is None


def test_one_slot_everywhere_is_told() -> None:
    signs = signs_of(found(torch.zeros(PHOTOGRAPHS, PATCHES, dtype=torch.int64)))
    assert signs == Signs(alike=1.0, largest=1.0, agreement=0.5)
    assert "One slot takes 100% of each photograph" in str(warning_of(signs, 0.2))


def test_clusters_of_the_same_features_say_what_is_usual() -> None:
    generator = torch.Generator().manual_seed(0)
    kinds = 5 * torch.randn(SLOTS, 16, generator=generator)
    bands = kinds[torch.arange(PATCHES) // 16].expand(PHOTOGRAPHS, -1, -1)
    noise = torch.randn(PHOTOGRAPHS, PATCHES, 16, generator=generator)
    assert likeness_of_clusters(bands + 0.1 * noise, SLOTS) > 0.9
    assert abs(likeness_of_clusters(noise, SLOTS)) < 0.1


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            MaskingConfig(kind="background", ratio=0.5, ranking="foreground"),
            "hides 0% of the foreground and 100% of",
        ),
        (MaskingConfig(kind="background", ratio=0.5, ranking="mean"), "does not hide background; try"),
        (
            MaskingConfig(kind="background", ratio=0.0, ranking="foreground"),
            "hides 0% of the foreground and 0% of",
        ),
    ],
)
def test_what_is_masked_is_told(config: MaskingConfig, says: str) -> None:
    foreground = torch.full((2, 8, 8), 0.5)
    foreground[:, 2:6] = 1.5
    misleading = (
        foreground.flatten(1).unsqueeze(2).expand(-1, -1, 3)
    )  # the mean is highest where the objects are
    assert says in str(masking_report(misleading, foreground, config))
    assert masking_report(misleading, foreground, MaskingConfig(kind="none")) is None


def test_photographs_of_one_part_are_alike() -> None:
    assert likeness(torch.zeros(3, 5, dtype=torch.int64), 2) == 1

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slotlight.config import MaskingConfig
from slotlight.model.masking import apply_mask, background_mask, masked_count, random_mask


@given(st.integers(1, 2000), st.decimals(0, "0.999", places=3))
def test_the_count_is_exact(patches: int, ratio: object) -> None:
    exact = Fraction(str(ratio))
    assert masked_count(patches, float(exact)) == patches - math.floor(patches * (1 - exact))


@pytest.mark.parametrize(
    ("patches", "ratio", "masked"),
    [(400, 0.7, 280), (100, 0.9, 90), (10, 0.3, 3), (7, 0.0, 0), (7, 0.5, 4), (400, 0.999, 400), (1, 0.5, 1)],
)
def test_known_counts(patches: int, ratio: float, masked: int) -> None:
    assert masked_count(patches, ratio) == masked


def test_background_is_where_the_mean_is_highest() -> None:
    features = torch.randn(4, 50, 6)
    mask = background_mask(features, 0.6)
    assert mask.sum(dim=1).tolist() == [30] * 4
    means = features.mean(dim=2)
    for image in range(4):
        assert means[image, mask[image]].min() > means[image, ~mask[image]].max()


def test_equal_means_mask_the_exact_count_and_the_first_patches() -> None:
    mask = background_mask(torch.zeros(2, 10, 3), 0.4)
    assert mask.tolist() == [[True] * 4 + [False] * 6] * 2


def test_random_masks_as_many_elsewhere_in_every_image() -> None:
    torch.manual_seed(0)
    features = torch.randn(200, 40, 3)
    masks = random_mask(features, 0.7)
    assert (masks.sum(dim=1) == masked_count(40, 0.7)).all()
    share = masks.float().mean(dim=0)
    assert share.min() > 0.5
    assert share.max() < 0.9


@pytest.mark.parametrize("kind", ["background", "random"])
def test_masked_patches_are_zero_and_the_rest_is_as_it_was(kind: str) -> None:
    features = torch.randn(3, 20, 5)
    seen = apply_mask(features, MaskingConfig(kind=kind, ratio=0.7))
    hidden = (seen == 0).all(dim=2)
    assert hidden.sum(dim=1).tolist() == [14] * 3
    assert torch.equal(seen[~hidden], features[~hidden])


def test_no_mask_and_no_ratio_change_nothing() -> None:
    features = torch.randn(2, 9, 4)
    for config in (
        MaskingConfig(kind="none"),
        MaskingConfig(ratio=0.0),
        MaskingConfig(kind="random", ratio=0.0),
    ):
        assert torch.equal(apply_mask(features, config), features)

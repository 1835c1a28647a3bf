import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slotlight.config import MaskingConfig
from slotlight.model.masking import background_mask, masked_count, masked_patches, random_mask


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


@pytest.mark.parametrize("ranking", ["mean", "foreground"])
@pytest.mark.parametrize("kind", ["background", "random"])
def test_as_many_patches_as_asked_are_hidden(kind: str, ranking: str) -> None:
    features, foreground = torch.randn(3, 20, 5), torch.rand(3, 4, 5)
    hidden = masked_patches(features, foreground, MaskingConfig(kind=kind, ratio=0.7, ranking=ranking))
    assert hidden is not None
    assert hidden.sum(dim=1).tolist() == [14] * 3


def test_features_whose_mean_says_nothing_are_ranked_by_the_foreground() -> None:
    features, foreground = torch.randn(2, 12, 4), torch.rand(2, 3, 4)
    hidden = masked_patches(features, foreground, MaskingConfig(ratio=0.5, ranking="foreground"))
    assert hidden is not None
    for image in range(2):
        values = foreground[image].flatten()
        assert values[hidden[image]].max() < values[~hidden[image]].min()


def test_no_mask_and_no_ratio_hide_nothing() -> None:
    features, foreground = torch.randn(2, 9, 4), torch.rand(2, 3, 3)
    assert masked_patches(features, foreground, MaskingConfig(kind="none")) is None
    for config in (MaskingConfig(ratio=0.0, ranking="mean"), MaskingConfig(kind="random", ratio=0.0)):
        hidden = masked_patches(features, foreground, config)
        assert hidden is not None
        assert not hidden.any()

import torch
from torch import Tensor
from torch.nn import functional as F

from known_masks import hard, two_squares
from slotlight.config import HeuristicsConfig
from slotlight.model.heuristics import find_objects
from slotlight.segmenter import SlotMasks


def found_with(agreement: Tensor | None = None, **options: object) -> SlotMasks:
    """Two squares on a ground, in features that tell them apart."""
    segments = torch.from_numpy(two_squares())
    masks = hard(segments.numpy())[None]
    features = F.one_hot(segments.flatten(), 4).float()[None]
    foreground = (segments > 0).float()[None]
    image = torch.full((1, 3, 40, 60), 0.5)
    return find_objects(masks, features, foreground, agreement, image, HeuristicsConfig(**options))


def test_what_lies_on_the_foreground_scores_and_the_ground_does_not() -> None:
    found = found_with()
    assert (found.scores[0] > 0).tolist() == [False, True, True, False]
    assert found.masks.shape == (1, 4, 20, 30)


def test_what_the_heads_disagree_about_scores_less() -> None:
    half = found_with(torch.tensor([[1.0, 1.0, 0.5, 1.0]])).scores[0]
    assert 0 < half[2] < found_with().scores[0, 2]
    assert half[1] == found_with().scores[0, 1]


def test_all_background_becomes_one_slot_more_and_raw_masks_stay() -> None:
    merged = found_with(merge_background=True)
    assert merged.masks.shape[1] == 5
    assert (merged.masks[0, -1].bool() == torch.from_numpy(two_squares() == 0)).all()
    assert merged.raw.shape[1] == 4
    assert merged.group_of[0].tolist()[-1] == 4

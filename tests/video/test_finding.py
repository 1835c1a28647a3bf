import numpy as np
import pytest
import torch

from clips import colour_discoverer, squares
from slotlight.config import ObjectRule
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import ConfigError
from slotlight.video.finding import find_in_frames, object_features
from slotlight.video.reading import Frame


def frames(count: int) -> list[Frame]:
    return [Frame(number, number / 25, image) for number, image in enumerate(squares(count))]


def test_each_frame_has_its_objects_at_its_own_size() -> None:
    found = list(find_in_frames(colour_discoverer(), frames(3)))
    assert [one.frame.number for one in found] == [0, 1, 2]
    for one in found:
        assert one.objects.masks.shape == (2, 48, 64)
        assert one.features.shape == (2, 0)  # colours are told without features
        assert [annotation["image_id"] for annotation in one.annotations()] == [one.frame.number] * 2


@pytest.mark.parametrize(("rule", "says"), [({"proposals": True}, "--proposals"), ({"tiles": 2}, "--tiles")])
def test_what_a_video_cannot_show_is_refused(rule: dict, says: str) -> None:
    discoverer = Discoverer(colour_discoverer().segmenter, rule=ObjectRule(**rule))
    with pytest.raises(ConfigError, match=f"leave {says} out"):
        next(find_in_frames(discoverer, frames(1)))


def test_an_object_is_known_by_how_it_differs_from_its_frame() -> None:
    masks = np.zeros((2, 4, 8), bool)
    masks[0, :, :4] = masks[1, :, 4:] = True
    one, other = object_features(masks, torch.tensor([[[1.0, 3.0]], [[5.0, 5.0]]]))
    assert one.tolist() == [-1, 0]
    assert other.tolist() == [1, 0]
    assert object_features(masks[:0], None).shape == (0, 0)

import torch

from object_methods import MethodOnAGraph, scene
from slotlight.baselines.maskcut import maskcut


class TestMaskcut(MethodOnAGraph):
    method = staticmethod(maskcut)


def test_maskcut_finds_several_objects() -> None:
    features, labels = scene((1, 1, 6, 6), (7, 8, 11, 14), (1, 9, 5, 13))
    found = maskcut(features)
    masks = {
        tuple(mask.flatten().tolist())
        for mask, score in zip(found.masks[0], found.scores[0], strict=True)
        if score
    }
    assert masks == {tuple((labels == k).flatten().float().tolist()) for k in (1, 2, 3)}


def test_maskcut_takes_the_side_without_the_corners() -> None:
    features, labels = scene((0, 0, 12, 15), (2, 2, 10, 13))
    found = maskcut(features)
    assert torch.equal(found.masks[0, 0].bool(), labels == 2)

import timm
import torch

from slotlight.backbones import Backbone
from slotlight.config import HeuristicsConfig
from slotlight.model.voting import VotingSegmenter


def voting(**options: object) -> VotingSegmenter:
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", depth=1, num_classes=0, dynamic_img_size=True)
    heuristics = HeuristicsConfig(**options)
    return VotingSegmenter("voting", Backbone("random", vit), image_size=128, heuristics=heuristics)


def test_all_candidates_come_with_the_slots_that_share_the_photograph() -> None:
    images = torch.rand(2, 3, 96, 128, generator=torch.Generator().manual_seed(1))
    found = voting().segment(images)
    torch.testing.assert_close(found.masks.sum(dim=1), torch.ones(2, 6, 8))
    assert found.regions is not None
    assert [len(one.masks) == len(one.scores) > 0 for one in found.regions] == [True, True]
    assert voting(refine=True).segment(images).masks.shape[2:] > found.masks.shape[2:]  # finer than patches


def test_what_decides_the_result_is_in_the_fingerprint() -> None:
    assert voting().fingerprint() == voting().fingerprint() != voting(refine=True).fingerprint()

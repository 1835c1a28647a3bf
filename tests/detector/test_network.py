import torch

from slotlight.backbones import load_backbone
from slotlight.config import DistilConfig
from slotlight.detector.examples import Example, read_example
from slotlight.detector.loop import detection_loss
from slotlight.detector.network import build_detector
from slotlight.detector.pseudo_masks import PseudoMasks
from tiny_distilling import DETECTOR


def test_what_overlaps_no_region_does_not_count() -> None:
    heads = build_detector(load_backbone("embedded").extract.network, DETECTOR).roi_heads
    known = [torch.tensor([[10.0, 10, 50, 50]])]
    proposals = [torch.tensor([[10.0, 10, 48, 50], [30.0, 30, 90, 90], [60.0, 60, 90, 90]])]
    _, labels = heads.assign_targets_to_proposals(proposals, known, [torch.tensor([1])])
    assert labels[0].tolist() == [1, 0, -1]
    _, labels = heads.assign_targets_to_proposals(
        proposals, [torch.zeros(0, 4)], [torch.zeros(0, dtype=torch.int64)]
    )
    assert labels[0].tolist() == [-1, -1, -1]


def test_it_begins_with_the_backbone_and_all_of_it_learns(discs: list[PseudoMasks]) -> None:
    stages = load_backbone("embedded").extract.network
    start = {name: value.clone() for name, value in stages.state_dict().items()}
    network = build_detector(stages, DETECTOR).train()
    found = network.backbone.network.state_dict()
    assert all(torch.equal(found[name], value) for name, value in start.items())
    examples: list[Example] = [read_example(one, 96, False) for one in discs[:2]]
    detection_loss(network, examples, torch.device("cpu"), DistilConfig()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())

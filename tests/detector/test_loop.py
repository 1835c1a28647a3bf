from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torchvision.models.detection import MaskRCNN

from slotlight.backbones import load_backbone
from slotlight.config import DistilConfig
from slotlight.detector.loop import fit_detector
from slotlight.detector.network import build_detector
from slotlight.detector.pseudo_masks import PseudoMasks
from slotlight.errors import TrainingError
from slotlight.training.state import STATE
from tiny_distilling import DETECTOR, TRAINING


def fit(network: MaskRCNN, discs: list[PseudoMasks], out: Path, config: DistilConfig) -> None:
    fit_detector(
        *(network, discs, out, config),
        device=torch.device("cpu"),
        run="a run",
        number=0,
        state=None,
        state_path=out / STATE,
    )


def test_divergence_names_the_step_and_leaves_the_last_finite_state(
    discs: list[PseudoMasks], tmp_path: Path
) -> None:
    network = build_detector(load_backbone("embedded").extract.network, DETECTOR)
    config = replace(TRAINING, learning_rate=1e9, warmup_share=0.0, checkpoint_every=1)
    with pytest.raises(TrainingError, match=r"diverged at step \d+,.*--start-over and a lower"):
        fit(network, discs, tmp_path, config)
    assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / STATE).values())


@pytest.mark.parametrize("train_backbone", [True, False])
def test_the_backbone_learns_only_when_asked(
    discs: list[PseudoMasks], tmp_path: Path, train_backbone: bool
) -> None:
    torch.manual_seed(0)
    network = build_detector(load_backbone("embedded").extract.network, DETECTOR)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fit(network, discs, tmp_path, replace(TRAINING, steps=1, train_backbone=train_backbone))
    changed = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
    assert any(key.startswith("roi_heads") for key in changed)
    assert any(key.startswith("backbone.network") for key in changed) == train_backbone

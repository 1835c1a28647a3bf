"""The controls differ from a model in the part that it praises, and in nothing else."""

import numpy as np
import torch

import slotlight
from slotlight.model.controls import ClusterControl
from slotlight.model.segmenter import ModelSegmenter


def test_they_share_everything_but_the_slots() -> None:
    model = slotlight.load(device="cpu").segmenter
    assert isinstance(model, ModelSegmenter)
    controls = {control.name: control for control in model.controls()}
    assert list(controls) == ["embedded-kmeans", "embedded-spectral", "embedded-untrained"]
    for control in controls.values():
        assert control.backbone is model.backbone
        assert (control.image_size, control.patch_size) == (model.image_size, model.patch_size)
        assert not control.controls()
    clusters = [control for control in controls.values() if isinstance(control, ClusterControl)]
    assert all(control.config == model.model.config for control in clusters)
    assert len({control.fingerprint() for control in [model, *controls.values()]}) == 4


def test_a_control_finds_objects_and_does_not_disturb_random_numbers() -> None:
    model = slotlight.load(device="cpu").segmenter
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.random((1, 3, 64, 64), np.float32))
    image[..., 16:48, 16:48] = 0.9
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    found = [control.segment(image, seed=0) for control in model.controls()]
    assert torch.equal(torch.rand(3), expected)
    assert all(one.masks.shape[1] == 8 for one in found)  # seven and the background
    assert found[0].agreement is None

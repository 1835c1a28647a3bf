"""Every baseline as a segmenter, and the registry that names them."""

import pytest
import timm
import torch
from torch import Tensor

from slotlight.backbones import Backbone, load_backbone
from slotlight.baselines import BASELINES, FLOORS, build_baseline
from slotlight.baselines.single_query import SINGLE_QUERY
from slotlight.errors import UnknownNameError, WeightsError
from slotlight.segmenter import Segmenter


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", dynamic_img_size=True, num_classes=0)
    return Backbone("random-vit", vit, facet="key", layer=1)


def build(name: str, backbone: Backbone) -> Segmenter:
    """A baseline on the backbone, but for what was trained on another."""
    return build_baseline(name, load_backbone("embedded") if name == SINGLE_QUERY else backbone)


def photographs(height: int = 80, width: int = 160) -> Tensor:
    """Two images: a red square and a green bar on blue; noise."""
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    images[0] = torch.tensor([0.1, 0.2, 0.9])[:, None, None]
    images[0, :, 20:60, 20:60] = torch.tensor([0.9, 0.1, 0.1])[:, None, None]
    images[0, :, 10:70, 100:130] = torch.tensor([0.1, 0.9, 0.1])[:, None, None]
    return images


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_keeps_the_segmenters_promises(name: str, backbone: Backbone) -> None:
    segmenter = build(name, backbone)
    images = photographs()
    assert images.shape[2] % segmenter.patch_size == 0
    found = segmenter.segment(images, seed=3)
    torch.testing.assert_close(found.masks.sum(1), torch.ones_like(found.masks[:, 0]))
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    again = segmenter.segment(images, seed=3)
    assert torch.equal(found.masks, again.masks)
    assert torch.equal(found.scores, again.scores)
    alone = segmenter.segment(images[1:], seed=3)
    torch.testing.assert_close(found.masks[1:], alone.masks)
    torch.testing.assert_close(found.scores[1:], alone.scores)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("patches", [1, 2])
def test_images_of_a_single_patch_and_of_one_colour_are_no_error(
    name: str, patches: int, backbone: Backbone
) -> None:
    segmenter = build(name, backbone)
    side = patches * segmenter.patch_size
    found = segmenter.segment(torch.full((2, 3, side, side), 0.5))
    torch.testing.assert_close(found.masks.sum(1), torch.ones_like(found.masks[:, 0]))
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


def test_names_say_the_backbone() -> None:
    names = {name for name, method in BASELINES.items() if not method.needs_backbone}
    assert names == {"whole-image", "centre-box", "tiles", "kmeans-colour"}
    assert set(FLOORS) - names == {"kmeans-features", "spectral-features", SINGLE_QUERY}


def test_a_feature_baseline_is_called_after_its_backbone(backbone: Backbone) -> None:
    assert build_baseline("lost", backbone).name == "lost@random-vit"
    assert build_baseline("tiles", backbone).name == "tiles"


def test_faults_are_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'tokencut'"):
        build_baseline("tokencat")
    with pytest.raises(WeightsError, match="maskcut@dino-vits16"):
        build_baseline("maskcut")

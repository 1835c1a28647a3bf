"""A backbone as a segmenter uses it: its grid, its normalisation, its fingerprint."""

import copy

import pytest
import timm
import torch

from random_vits import small_vit
from slotlight.backbones import Backbone
from slotlight.errors import WeightsError


def test_an_image_does_not_depend_on_its_batch() -> None:
    backbone = Backbone("x", small_vit())
    images = torch.rand(3, 3, 48, 64)
    torch.testing.assert_close(backbone(images).patches[1:2], backbone(images[1:2]).patches)


def test_normalisation_is_the_networks_own() -> None:
    network = small_vit("vit_base_patch32_siglip_256")
    assert network.pretrained_cfg["mean"] == (0.5, 0.5, 0.5)
    backbone = Backbone("x", network)
    assert backbone.mean.flatten().tolist() == backbone.std.flatten().tolist() == [0.5, 0.5, 0.5]


def test_frozen_in_evaluation_mode_and_without_gradients() -> None:
    backbone = Backbone("x", small_vit()).train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert backbone(torch.rand(1, 3, 32, 32)).patches.is_inference()


class TestFingerprint:
    def test_equal_for_equal_features_alone(self) -> None:
        network = small_vit()
        changed = copy.deepcopy(network)
        with torch.no_grad():
            changed.blocks[0].mlp.fc1.bias[0] += 1e-3
        prints = [
            Backbone("x", copy.deepcopy(net), facet=facet, layer=layer).fingerprint()
            for net, facet, layer in [
                (network, "key", -1),
                (changed, "key", -1),
                (network, "value", -1),
                (network, "key", 1),
                (network, "token", -1),
            ]
        ]
        assert len(set(prints)) == len(prints)
        assert Backbone("another name", copy.deepcopy(network)).fingerprint() == prints[0]

    def test_normalisation_counts(self) -> None:
        first, second = small_vit(), small_vit()
        second.pretrained_cfg["mean"] = (0.5, 0.5, 0.5)
        assert Backbone("x", first).fingerprint() != Backbone("x", second).fingerprint()


class TestWrongUse:
    @pytest.mark.parametrize("layer", [3, -4])
    def test_no_such_layer(self, layer: int) -> None:
        with pytest.raises(WeightsError, match=rf"has 3 blocks; layer {layer} "):
            Backbone("x", small_vit(), layer=layer)

    def test_a_convnet_has_no_keys(self) -> None:
        with pytest.raises(WeightsError, match="ConvNet and has no keys"):
            Backbone("x", timm.create_model("resnet18", features_only=True))

    def test_images_that_do_not_divide_into_patches(self) -> None:
        with pytest.raises(WeightsError, match="40x48 pixels do not divide into patches of 16"):
            Backbone("x", small_vit())(torch.rand(1, 3, 40, 48))

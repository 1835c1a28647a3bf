import pytest
import timm
import torch

from slotlight.backbones import Backbone
from slotlight.model.segmenter import ModelSegmenter
from tiny_slot_model import CPU, DIM, SLOTS, make


class TestSegmenter:
    @pytest.mark.parametrize("precision", ["fp32", "bf16"])
    def test_photographs_of_any_shape_to_masks_and_scores(self, precision: str) -> None:
        vit = timm.create_model(
            "vit_tiny_patch16_224", depth=1, embed_dim=DIM, num_heads=3, dynamic_img_size=True
        )
        segmenter = ModelSegmenter("mine", Backbone("x", vit), make(), precision=precision)
        assert (segmenter.name, segmenter.patch_size, segmenter.image_size) == ("mine", 16, 320)
        assert segmenter.device == CPU
        found = segmenter.segment(torch.rand(2, 3, 48, 112), seed=2)
        assert found.masks.shape == (2, SLOTS, 3, 7)  # as published: the K slots
        assert found.masks.dtype == found.scores.dtype == torch.float32
        torch.testing.assert_close(found.masks.sum(dim=1), torch.ones(2, 3, 7), atol=0.02, rtol=0)
        assert found.scores.min() >= 0
        assert found.scores.max() <= 1
        assert not any(parameter.requires_grad for parameter in segmenter.model.parameters())

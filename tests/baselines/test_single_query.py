"""The trained floor in the package."""

from pathlib import Path

import pytest
import timm

from slotlight.backbones import Backbone, load_backbone
from slotlight.baselines import build_baseline
from slotlight.baselines.single_query import is_trained_on
from slotlight.config import preset, with_ranking
from slotlight.errors import WeightsError
from slotlight.images import read_photograph, resize, to_batch
from slotlight.loading import load
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import build_slot_model


def test_it_belongs_to_the_package_s_backbone() -> None:
    # Another embedded backbone needs it trained anew: the command is in its module's docstring.
    assert is_trained_on(load_backbone("embedded"))


def test_it_is_one_set_of_slots_that_saw_every_patch() -> None:
    segmenter = load("single-query", device="cpu").segmenter
    assert isinstance(segmenter, ModelSegmenter)
    assert segmenter.name == "single-query@embedded"
    assert segmenter.model.config == with_ranking(preset("single-query")[0])
    assert (segmenter.model.attention.heads, segmenter.model.config.masking.kind) == (1, "none")


def test_it_was_trained(photo_paths: list[Path]) -> None:
    segmenter = load("single-query", device="cpu").segmenter
    photographs = to_batch([resize(read_photograph(path), (224, 224)) for path in photo_paths])
    features = segmenter.backbone(photographs).patches
    untrained = build_slot_model(segmenter.model.config, features.shape[-1], segmenter.model.grid)
    losses = [model.loss(features).item() for model in (segmenter.model, untrained)]
    assert losses[0] < 0.95 * losses[1]


def test_other_backbones_are_refused_with_what_to_do() -> None:
    vit = timm.create_model("vit_tiny_patch16_224", dynamic_img_size=True, num_classes=0)
    other = Backbone("random-vit", vit, layer=0)
    assert not is_trained_on(other)
    with pytest.raises(WeightsError, match="--preset single-query --backbone random-vit"):
        build_baseline("single-query", other)

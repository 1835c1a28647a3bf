import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from slotlight import config
from slotlight.config import (
    BACKBONES,
    EMBEDDED,
    PRESETS,
    BackboneConfig,
    DecoderConfig,
    HeuristicsConfig,
    MaskingConfig,
    ModelConfig,
    SlotConfig,
    TrainConfig,
    preset,
)
from slotlight.errors import ConfigError, UnknownNameError


def test_no_torch_is_imported() -> None:
    code = (
        "import sys, slotlight, slotlight.config; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_papers_numbers() -> None:
    model, train = preset("paper")
    assert (model.backbone.name, model.backbone.facet, model.backbone.layer) == ("dino-vits16", "key", -1)
    assert model.backbone.image_size == 320
    assert (model.masking.kind, model.masking.ratio) == ("background", 0.7)
    assert (model.slots.heads, model.slots.slots, model.slots.iterations) == (8, 7, 3)
    assert (model.slots.projection_hidden, model.slots.mlp_hidden, model.slots.gru_state) == (
        512,
        512,
        "slots",
    )
    assert (model.decoder.kind, model.decoder.hidden, model.decoder.layers) == ("mlp", 1024, 3)
    assert (model.decoder.patch_share, model.fusion, model.masks_from) == (1.0, "hungarian", "decoder")
    assert (train.learning_rate, train.batch_size, train.decay, train.halving_share) == (
        4e-4,
        16,
        "release",
        0.02,
    )
    assert train.steps == pytest.approx(500 * 15_676 / 16, rel=0.001)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_names_a_backbone_that_there_is(name: str) -> None:
    model, train = preset(name)
    assert isinstance(model, ModelConfig)
    assert isinstance(train, TrainConfig)
    assert model.backbone.name in {EMBEDDED, *BACKBONES}


def test_unknown_preset_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no preset 'papr'; did you mean 'paper'\?"):
        preset("papr")


@pytest.mark.parametrize(
    ("kind", "numbers", "says"),
    [
        (BackboneConfig, {"image_size": 0}, "image_size is 0; it must be at least 1"),
        (BackboneConfig, {"image_size": 10**6}, "image_size is 1000000; it must be at most 4,096"),
        (SlotConfig, {"slots": 300, "heads": 1}, "slots is 300; it must be at most 254"),
        (
            TrainConfig,
            {"learning_rate": float("inf")},
            "learning_rate is inf; it must be at most 1,000,000,000",
        ),
        (MaskingConfig, {"ratio": 1.0}, r"ratio is 1.0; it must be in \[0, 1\)"),
        (SlotConfig, {"heads": 0}, "heads is 0"),
        (SlotConfig, {"slots": -1}, "slots is -1"),
        (SlotConfig, {"iterations": 0}, "iterations is 0"),
        (DecoderConfig, {"layers": 0}, "layers is 0"),
        (DecoderConfig, {"patch_share": 0.0}, r"patch_share is 0.0; it must be in \(0, 1\]"),
        (DecoderConfig, {"patch_share": 3.0}, "patch_share is 3.0"),
        (HeuristicsConfig, {"foreground_weight": -1.0}, "foreground_weight is -1.0"),
        (HeuristicsConfig, {"group_within": float("nan")}, "group_within is nan"),
        (TrainConfig, {"steps": 0}, "steps is 0"),
        (TrainConfig, {"batch_size": 0}, "batch_size is 0"),
        (TrainConfig, {"batch_size": 5, "devices": 2}, "choose a multiple of 2"),
        (TrainConfig, {"learning_rate": float("nan")}, "learning_rate is nan"),
        (TrainConfig, {"halving_share": 0.0}, "halving_share is 0.0"),
        (TrainConfig, {"warmup_share": 1.5}, r"warmup_share is 1.5; it must be in \[0, 1\]"),
    ],
)
def test_numbers_that_cannot_work(kind: Callable[..., object], numbers: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        kind(**numbers)


def test_configs_are_frozen_named_and_documented() -> None:
    kinds = [kind for kind in vars(config).values() if isinstance(kind, type) and is_dataclass(kind)]
    assert len(kinds) >= 6
    for kind in kinds:
        with pytest.raises(FrozenInstanceError):
            kind.__setattr__(object.__new__(kind), fields(kind)[0].name, None)
        described = (kind.__doc__ or "").split("Attributes:")[-1]
        own = [f.name for f in fields(kind) if not is_dataclass(f.default_factory)]
        assert all(
            f"{name}:" in described for name in own if name not in {"backbone", "masking", "slots", "decoder"}
        )

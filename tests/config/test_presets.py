import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from slotlight import config
from slotlight.config import (
    BACKBONES,
    EMBEDDED,
    PRESETS,
    ModelConfig,
    TrainConfig,
    preset,
)
from slotlight.errors import UnknownNameError


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

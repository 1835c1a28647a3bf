import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from slotlight.backbones import Backbone, load_backbone
from slotlight.config import (
    BackboneConfig,
    DecoderConfig,
    HeuristicsConfig,
    MaskingConfig,
    ModelConfig,
    SlotConfig,
)
from slotlight.errors import CheckpointError, WeightsError
from slotlight.files import digest
from slotlight.model.checkpoint import from_dict, load_model, save_model
from slotlight.model.slot_model import SlotModel, build_slot_model

NAME = "vit_tiny_patch16_224"
CONFIG = ModelConfig(
    slots=SlotConfig(heads=2, slots=3, projection_hidden=8, mlp_hidden=8),
    decoder=DecoderConfig(hidden=8),
    fusion="greedy",
    masks_from="attention",
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model(NAME, num_classes=0).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def backbone(weights: Path) -> Backbone:
    return load_backbone(NAME, weights=weights, layer=0)


def make(weights: Path, backbone: Backbone, config: ModelConfig = CONFIG, seed: int = 0) -> SlotModel:
    torch.manual_seed(seed)
    chosen = BackboneConfig(name=NAME, weights=weights, layer=0, image_size=64)
    return build_slot_model(replace(config, backbone=chosen), backbone.dim, (4, 4))


@pytest.fixture(scope="module")
def saved(weights: Path, backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "saved"
    save_model(folder, make(weights, backbone), backbone, {"seed": 7})
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def assert_refused(folder: Path, says: str) -> None:
    with pytest.raises(CheckpointError, match=says) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def edit(folder: Path, **changes: object) -> None:
    """Change settings as a program would that knows their digest."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    del config["digest"]
    path.write_text(json.dumps(config | {"digest": digest(config)}))


def edit_model(folder: Path, part: str, value: object) -> None:
    model = json.loads((folder / "config.json").read_text())["model"]
    edit(folder, model=model | {part: value})


class TestRoundTrip:
    def test_the_same_masks_and_scores(self, saved: Path, weights: Path, backbone: Backbone) -> None:
        loaded = load_model(saved)
        images = torch.rand(2, 3, 64, 96)
        model = make(weights, backbone)
        assert loaded.model.config == model.config
        features = backbone(images)
        with torch.no_grad():
            expected = model.segment_features(features.patches, features.grid, seed=1).masks
            found = loaded.model.segment_features(features.patches, features.grid, seed=1).masks
        assert torch.equal(found, expected)
        assert torch.equal(loaded.backbone(images).patches, features.patches)
        assert loaded.name == "saved"
        assert load_model(saved, name="mine").name == "mine"
        assert json.loads((saved / "config.json").read_text())["info"] == {"seed": 7}

    def test_two_files_and_nothing_of_the_backbone(self, saved: Path) -> None:
        assert sorted(path.name for path in saved.iterdir()) == ["config.json", "slots.safetensors"]
        assert not any("blocks" in key for key in load_file(saved / "slots.safetensors"))

    def test_saving_over_a_model_replaces_it(self, folder: Path, weights: Path, backbone: Backbone) -> None:
        other = make(weights, backbone, seed=1)
        save_model(folder, other, backbone)
        assert torch.equal(load_model(folder).model.attention.mu, other.attention.mu)
        assert json.loads((folder / "config.json").read_text())["info"] == {}

    def test_weights_that_have_moved(self, folder: Path, weights: Path, tmp_path: Path) -> None:
        edit_model(
            folder, "backbone", asdict(BackboneConfig(name=NAME, layer=0)) | {"weights": "/nowhere.pth"}
        )
        with pytest.raises(WeightsError, match=r"no weights file /nowhere\.pth"):
            load_model(folder)
        moved = shutil.copy(weights, tmp_path / "moved.safetensors")
        assert load_model(folder, weights=Path(moved)).backbone.layer == 0


class TestFormat1:
    def test_a_folder_of_the_former_version_loads(self, folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        del config["digest"], config["model"]["heuristics"], config["model"]["slots"]["start_sharpness"]
        del config["model"]["masking"]["ranking"]
        config["model"] |= {"figure_weight": 0.0, "group_within": 0.02, "refine": True}
        path.write_text(json.dumps(config | {"format": 1}))
        heuristics = load_model(folder).model.config.heuristics
        assert heuristics == HeuristicsConfig(group_within=0.02, refine=True, merge_background=True)

    def test_a_damaged_one_is_refused(self, folder: Path) -> None:
        (folder / "config.json").write_text(
            json.dumps({"format": 1, "model": {"slots": {"start": "random"}}})
        )
        assert_refused(folder, "is damaged: 'figure_weight' is missing")


class TestKills:
    def test_between_the_files_of_a_new_folder(self, folder: Path) -> None:
        (folder / "config.json").unlink()
        assert_refused(folder, r"not a model folder: config\.json is missing")

    def test_between_the_files_over_an_older_model(
        self, folder: Path, weights: Path, backbone: Backbone
    ) -> None:
        before = (folder / "config.json").read_bytes()
        save_model(folder, make(weights, backbone, seed=1), backbone)
        (folder / "config.json").write_bytes(before)
        assert_refused(folder, "belong to different models")

    def test_while_writing_leaves_the_older_model(self, folder: Path) -> None:
        for name in ("config.json", "slots.safetensors"):
            (folder / f".{name}.partial").write_bytes(b"half")
        load_model(folder)


class TestDamage:
    def test_no_folder(self, tmp_path: Path) -> None:
        assert_refused(tmp_path / "none", "not a model folder")
        assert_refused(tmp_path, "not a model folder")

    def test_no_weights(self, folder: Path) -> None:
        (folder / "slots.safetensors").unlink()
        assert_refused(folder, r"lacks slots\.safetensors")

    @pytest.mark.parametrize("name", ["slots.safetensors", "config.json"])
    @pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
    def test_truncated(self, folder: Path, name: str, share: float) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        assert_refused(folder, f"{name} is (truncated or )?damaged")

    @pytest.mark.parametrize("name", ["slots.safetensors", "config.json"])
    def test_binary_rubbish(self, folder: Path, name: str) -> None:
        (folder / name).write_bytes(bytes(range(256)) * 4)
        assert_refused(folder, f"{name} is (truncated or )?damaged")

    def test_one_flipped_bit(self, folder: Path) -> None:
        path = folder / "slots.safetensors"
        content = bytearray(path.read_bytes())
        content[-100] ^= 1
        path.write_bytes(content)
        assert_refused(folder, "belong to different models")

    @pytest.mark.parametrize("part", ["iterations", "heads", "mlp_hidden"])
    def test_a_number_that_was_edited(self, folder: Path, part: str) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config["model"]["slots"][part] += 1
        path.write_text(json.dumps(config))
        assert_refused(folder, "was changed after training")

    @pytest.mark.parametrize("content", [[], 3, {}, {"format": 99}, {"model_type": "vit", "hidden_size": 8}])
    def test_foreign_json(self, folder: Path, content: object) -> None:
        (folder / "config.json").write_text(json.dumps(content))
        assert_refused(folder, "not written by this version")

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"model": []}, "where ModelConfig was expected"),
            ({"model": {"slots": 3}}, "where SlotConfig was expected"),
            ({"model": {"slotz": {}}}, "unknown slotz"),
            ({"model": {"fusion": "median"}}, "fusion is 'median'; valid: hungarian, greedy, mean, single"),
            ({"model": {"slots": {"heads": "many"}}}, "many"),
            ({"model": {"slots": {"heads": -1}}}, "not written by this version"),
            ({"feature_dim": None}, "not written by this version"),
            ({"feature_dim": 0}, "not written by this version"),
            ({"grid": [4]}, "not written by this version"),
            ({"grid": "4x4"}, "not written by this version"),
        ],
    )
    def test_settings_that_make_no_model(self, folder: Path, change: dict[str, object], says: str) -> None:
        edit(folder, **change)
        assert_refused(folder, says)

    def test_another_shape(self, folder: Path) -> None:
        edit_model(folder, "slots", asdict(replace(CONFIG.slots, heads=3)))
        assert_refused(folder, r"does not fit its config\.json: size mismatch")

    def test_weights_left_over(self, folder: Path) -> None:
        edit_model(folder, "decoder", asdict(DecoderConfig(kind="mixer", hidden=8)))
        assert_refused(folder, r"does not fit its config\.json")

    def test_another_backbones_weights(self, folder: Path, tmp_path: Path) -> None:
        torch.manual_seed(1)
        other = tmp_path / "other.safetensors"
        save_file(timm.create_model(NAME, num_classes=0).state_dict(), other)
        with pytest.raises(CheckpointError, match="trained on other features"):
            load_model(folder, weights=other)

    @pytest.mark.parametrize("change", [{"facet": "value"}, {"layer": 1}])
    def test_other_features_of_the_same_weights(
        self, folder: Path, weights: Path, change: dict[str, object]
    ) -> None:
        chosen = {"name": NAME, "weights": str(weights), "layer": 0, "image_size": 64}
        edit_model(folder, "backbone", chosen | change)
        assert_refused(folder, "trained on other features")


def test_a_config_comes_back_from_json() -> None:
    config = ModelConfig(
        backbone=BackboneConfig(weights=Path("a/b.pth"), facet="value", layer=3),
        masking=MaskingConfig(kind="random", ratio=0.25),
        decoder=DecoderConfig(patch_share=0.5),
    )
    for given in (config, ModelConfig()):
        assert from_dict(ModelConfig, json.loads(json.dumps(asdict(given), default=str))) == given

"""Weights files of known releases, and all that a file can be instead."""

import argparse
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from random_vits import SMALL, normalised, scrambled, small_vit
from slotlight.backbones import Backbone, load_backbone
from slotlight.backbones.weights import fill, read_weights
from slotlight.errors import WeightsError

STATE_WRAPPINGS: dict[str, Callable[[dict[str, Tensor]], object]] = {
    "dino": lambda state: state,
    "dino, full": lambda state: {
        "student": {f"module.backbone.{key}": torch.zeros_like(value) for key, value in state.items()},
        "teacher": {f"backbone.{key}": value for key, value in state.items()}
        | {"head.mlp.0.weight": torch.zeros(2, 2), "head.last_layer.weight_g": torch.zeros(2, 1)},
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
        "epoch": 100,
        "args": argparse.Namespace(arch="vit_small", lr=0.1),
    },
    "mae": lambda state: {"model": state},
    "mae, full": lambda state: {
        "model": state | {"mask_token": torch.zeros(1, 1, 4), "decoder_embed.weight": torch.zeros(4, 4)},
        "args": argparse.Namespace(),
    },
    "timm training": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    "a classifier": lambda state: state | {"head.weight": torch.zeros(9, 9), "head.bias": torch.zeros(9)},
}


class TestLocalWeights:
    @pytest.mark.parametrize("wrapping", STATE_WRAPPINGS)
    def test_wrappings_of_known_releases(self, tmp_path: Path, wrapping: str) -> None:
        source = small_vit()
        path = tmp_path / "weights.pth"
        torch.save(STATE_WRAPPINGS[wrapping](source.state_dict()), path)
        assert_loads(path, source, timm.create_model("vit_small_patch16_224.dino", **SMALL))

    def test_safetensors_of_timm(self, tmp_path: Path) -> None:
        source = small_vit()
        save_file(source.state_dict(), tmp_path / "weights.safetensors")
        assert_loads(
            tmp_path / "weights.safetensors", source, timm.create_model("vit_small_patch16_224.dino", **SMALL)
        )

    def test_original_names_of_dinov2(self, tmp_path: Path) -> None:
        name = "vit_small_patch14_reg4_dinov2.lvd142m"
        source = small_vit(name)
        original = {key.replace("reg_token", "register_tokens"): v for key, v in source.state_dict().items()}
        # The release embeds the position of the class token too; timm folds it into the token.
        class_position = torch.full((1, 1, SMALL["embed_dim"]), 0.5)
        original["pos_embed"] = torch.cat([class_position, original["pos_embed"]], dim=1)
        source.cls_token.data = source.cls_token.data + class_position
        original["mask_token"] = torch.zeros(1, SMALL["embed_dim"])
        torch.save(original, tmp_path / "dinov2.pth")
        assert_loads(tmp_path / "dinov2.pth", source, timm.create_model(name, **SMALL))

    def test_another_size_of_the_position_embedding_is_resampled(self, tmp_path: Path) -> None:
        torch.save(small_vit(img_size=128).state_dict(), tmp_path / "w.pth")
        network = timm.create_model("vit_small_patch16_224.dino", **SMALL)
        fill(network, read_weights(tmp_path / "w.pth"), tmp_path / "w.pth")
        assert network.pos_embed.shape == (1, 197, SMALL["embed_dim"])

    def test_by_name_through_load_backbone(self, tmp_path: Path) -> None:
        source = scrambled(timm.create_model("vit_tiny_patch16_224", num_classes=0, dynamic_img_size=True))
        save_file(source.state_dict(), tmp_path / "w.safetensors")
        loaded = load_backbone(
            "vit_tiny_patch16_224", weights=tmp_path / "w.safetensors", facet="value", layer=2
        )
        assert loaded.fingerprint() == Backbone("x", source, facet="value", layer=2).fingerprint()

    def test_a_convnet_with_its_head(self, tmp_path: Path) -> None:
        source = scrambled(timm.create_model("resnet18"))
        torch.save(source.state_dict(), tmp_path / "w.pth")
        loaded = load_backbone("resnet18", weights=tmp_path / "w.pth", facet="token", layer=2)
        images = torch.rand(1, 3, 64, 64)
        with torch.no_grad():
            expected = source.layer1(
                source.maxpool(source.act1(source.bn1(source.conv1(normalised(images)))))
            )
            expected = source.layer2(expected).flatten(2).transpose(1, 2)
        torch.testing.assert_close(loaded(images).patches, expected, atol=2e-5, rtol=1e-4)


def assert_loads(path: Path, source: nn.Module, target: nn.Module) -> None:
    fill(target, read_weights(path), path)
    assert Backbone("x", target).fingerprint() == Backbone("x", source).fingerprint()


class Burglar:
    """Pickles to a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


class TestBadWeights:
    @pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
    @pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 and then nothing"])
    def test_no_weights_file(self, tmp_path: Path, suffix: str, content: bytes) -> None:
        path = tmp_path / f"file{suffix}"
        path.write_bytes(content)
        assert_refused(path, "truncated or no|weights alone")

    def test_missing(self, tmp_path: Path) -> None:
        assert_refused(tmp_path / "none.pth", "There is no weights file")
        assert_refused(tmp_path, "is a folder, not a weights file")

    @pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
    @pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
    def test_truncated(self, tmp_path: Path, name: str, share: float) -> None:
        path = tmp_path / name
        state = small_vit().state_dict()
        save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        assert_refused(path, "truncated")

    @pytest.mark.parametrize("content", [7, [torch.zeros(1)], {}, {"epoch": 3}, {"model": {"a": {"b": 1}}}])
    def test_no_table_of_weights(self, tmp_path: Path, content: object) -> None:
        torch.save(content, tmp_path / "w.pth")
        assert_refused(tmp_path / "w.pth", "does not contain a state_dict")

    @pytest.mark.parametrize("plain", [True, False])
    def test_code_in_a_file_is_not_run(self, tmp_path: Path, plain: bool) -> None:
        loot, path = tmp_path / "loot", tmp_path / "w.pth"
        content = {"state_dict": small_vit().state_dict(), "extra": Burglar(loot)}
        path.write_bytes(pickle.dumps(content, protocol=2)) if plain else torch.save(content, path)
        assert_refused(path, "could run code")
        assert not loot.exists()
        torch.load(path, weights_only=False) if not plain else pickle.loads(path.read_bytes())
        assert loot.exists()  # it would have run

    @pytest.mark.parametrize(
        ("other", "says"),
        [
            ({"embed_dim": 96}, "features have 96 dimensions, not 48"),
            ({"depth": 2}, "holds only blocks 0 to 1, but layer -1 is read"),
            ({"depth": 4}, "does not use 12"),
            ({"patch_size": 8}, "another network's weights: its patches are 8×8 pixels, not 16×16"),
            ({"patch_size": 8, "embed_dim": 24, "num_heads": 2}, "another network's weights"),
            ({"qkv_bias": False}, "lacks 3"),
            ({"reg_tokens": 4}, "another network's weights"),
        ],
    )
    def test_another_networks(self, tmp_path: Path, other: dict[str, object], says: str) -> None:
        path = tmp_path / "w.pth"
        torch.save(small_vit(**other).state_dict(), path)
        with pytest.raises(WeightsError, match=says) as caught:
            fill(small_vit(), read_weights(path), path)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
            (b"<!DOCTYPE html><html>Not found</html>", "web page"),
            (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
            (b"GGUF" + bytes(99), "GGUF"),
        ],
    )
    def test_other_kinds_of_files_are_called_what_they_are(
        self, tmp_path: Path, content: bytes, says: str
    ) -> None:
        (tmp_path / "w.safetensors").write_bytes(content)
        assert_refused(tmp_path / "w.safetensors", says)

    def test_a_torchscript_program_is_called_one(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
            archive.writestr("w/constants.pkl", b"")
        assert_refused(tmp_path / "w.pth", "TorchScript")

    def test_one_changed_bit_is_noticed(self, tmp_path: Path) -> None:
        torch.save({"patch_embed.proj.weight": torch.rand(99, 99)}, tmp_path / "w.pth")
        content = bytearray((tmp_path / "w.pth").read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / "w.pth").write_bytes(content)
        assert_refused(tmp_path / "w.pth", "checksum of .* is wrong")

    @pytest.mark.parametrize("content", [pickle.dumps({"a": 1}), b"{}", b"\xff\xd8\xff"])
    def test_no_one_is_told_to_load_what_may_run_code(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "w.pth").write_bytes(content)
        with warnings.catch_warnings(action="error"), pytest.raises(WeightsError) as caught:
            read_weights(tmp_path / "w.pth")
        assert "weights_only" not in str(caught.value)
        assert "Re-running" not in str(caught.value)

    def test_the_content_decides_not_the_suffix(self, tmp_path: Path) -> None:
        state = small_vit().state_dict()
        save_file(state, tmp_path / "w.pth")
        torch.save(state, tmp_path / "w.bin")
        assert (
            read_weights(tmp_path / "w.pth").keys() == read_weights(tmp_path / "w.bin").keys() == state.keys()
        )

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_values_that_are_not_finite(self, tmp_path: Path, value: float) -> None:
        state = small_vit().state_dict()
        state["blocks.1.mlp.fc1.weight"][3, 4] = value
        with pytest.raises(WeightsError, match=r"damaged: 'blocks\.1\.mlp\.fc1\.weight'"):
            fill(small_vit(), state, tmp_path / "w.pth")

    def test_quantised(self, tmp_path: Path) -> None:
        state = {key: value.to(torch.int8) for key, value in small_vit().state_dict().items()}
        with pytest.raises(WeightsError, match="holds int8"):
            fill(small_vit(), state, tmp_path / "w.pth")

    def test_dinov3_with_biases_under_the_name_without(self, tmp_path: Path) -> None:
        target = small_vit("vit_small_patch16_dinov3.lvd1689m")
        state = dict(target.state_dict())
        for i in range(3):
            state[f"blocks.{i}.attn.qkv.bias"] = torch.zeros(3 * SMALL["embed_dim"])
        fill(target, state, tmp_path / "w.pth")
        state["blocks.1.attn.qkv.bias"] = torch.ones(3 * SMALL["embed_dim"])
        with pytest.raises(WeightsError, match="which this network lacks"):
            fill(target, state, tmp_path / "w.pth")

    def test_what_a_file_holds_instead_is_named(self, tmp_path: Path) -> None:
        torch.save({"optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}}, tmp_path / "w.pth")
        with pytest.raises(WeightsError, match=r"they look like 'optimizer\.state\.0\.exp_avg'"):
            fill(small_vit(), read_weights(tmp_path / "w.pth"), tmp_path / "w.pth")

    def test_a_convnets(self, tmp_path: Path) -> None:
        path = tmp_path / "w.pth"
        torch.save(timm.create_model("resnet18").state_dict(), path)
        with pytest.raises(WeightsError, match="another network's weights"):
            load_backbone("vit_tiny_patch16_224", weights=path)


def assert_refused(path: Path, says: str) -> None:
    with pytest.raises(WeightsError, match=says) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)

"""Layouts of releases and trainers, made from timm's by renaming; each must load as the network it came from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from random_vits import SMALL, scrambled, small_vit
from slotlight.backbones import load_backbone
from slotlight.backbones.layouts import flatten, one_network
from slotlight.backbones.weights import fill, read_weights
from slotlight.errors import WeightsError

DINO = "vit_small_patch16_224.dino"
DINOV2 = "vit_small_patch14_dinov2.lvd142m"
REGISTERS = "vit_small_patch14_reg4_dinov2.lvd142m"
DINOV3 = "vit_small_patch16_dinov3_qkvb.lvd1689m"
State = dict[str, Tensor]


def renamed(state: State, names: dict[str, str]) -> State:
    found = {}
    for key, value in state.items():
        for old, new in names.items():
            key = key.replace(old, new)
        found[key] = value
    return found


def split(state: State, names: tuple[str, str, str]) -> State:
    """One projection into queries, keys and values."""
    found = {}
    for key, value in state.items():
        if ".attn.qkv." in key:
            for name, part in zip(names, value.chunk(3), strict=True):
                found[key.replace("attn.qkv", name)] = part.contiguous()
        else:
            found[key] = value
    return found


EMBEDDINGS = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
}


def transformers_dino(state: State) -> State:
    names = tuple(f"attention.attention.{name}" for name in ("query", "key", "value"))
    blocks = {
        "attn.proj": "attention.output.dense",
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }
    found = renamed(split(state, names), EMBEDDINGS | blocks | {"blocks.": "encoder.layer."})
    found = {("layernorm" + key[4:] if key.startswith("norm.") else key): v for key, v in found.items()}
    return found | {"pooler.dense.weight": torch.zeros(4, 4)}


def transformers_dinov2(state: State) -> State:
    names = tuple(f"attention.attention.{name}" for name in ("query", "key", "value"))
    blocks = {
        "attn.proj": "attention.output.dense",
        "ls1.gamma": "layer_scale1.lambda1",
        "ls2.gamma": "layer_scale2.lambda1",
    }
    found = renamed(split(state, names), EMBEDDINGS | blocks | {"blocks.": "encoder.layer."})
    found = {("layernorm" + key[4:] if key.startswith("norm.") else key): v for key, v in found.items()}
    return found | {"embeddings.mask_token": torch.zeros(1, SMALL["embed_dim"])}


def transformers_registers(state: State) -> State:
    """The position of the class token stands by itself there; timm adds it to the token."""
    state = dict(state)
    position = torch.full((1, 1, SMALL["embed_dim"]), 0.5)
    registers = state.pop("reg_token")
    state["pos_embed"] = torch.cat([position, state["pos_embed"]], dim=1)
    state["cls_token"] = state["cls_token"] - position
    return transformers_dinov2(state) | {"embeddings.register_tokens": registers}


def transformers_dinov3(state: State) -> State:
    found: State = {}
    for key, value in state.items():
        if key.endswith(("attn.q_bias", "attn.v_bias")):
            found[
                key.replace("attn.q_bias", "attention.q_proj.bias").replace(
                    "attn.v_bias", "attention.v_proj.bias"
                )
            ] = value
        elif not key.endswith("k_bias"):
            found[key] = value
    blocks = {
        "reg_token": "embeddings.register_tokens",
        "cls_token": "embeddings.cls_token",
        "patch_embed.proj": "embeddings.patch_embeddings",
        "attn.proj": "attention.o_proj",
        "gamma_1": "layer_scale1.lambda1",
        "gamma_2": "layer_scale2.lambda1",
        "mlp.fc1": "mlp.up_proj",
        "mlp.fc2": "mlp.down_proj",
        "blocks.": "layer.",
    }
    names = ("attention.q_proj", "attention.k_proj", "attention.v_proj")
    return renamed(split(found, names), blocks) | {
        "embeddings.mask_token": torch.zeros(1, 1, SMALL["embed_dim"])
    }


def chunked(state: State) -> State:
    """DINOv2's trainer keeps blocks in chunks of two."""
    found = {}
    for key, value in state.items():
        parts = key.split(".")
        found[".".join(["blocks", str(int(parts[1]) // 2), *parts[1:]]) if parts[0] == "blocks" else key] = (
            value
        )
    return found


def under(prefix: str, state: State) -> State:
    return {f"{prefix}{key}": value for key, value in state.items()}


def zeros(state: State) -> State:
    return {key: torch.zeros_like(value) for key, value in state.items()}


HEADS = {"dino_head.mlp.0.weight": torch.ones(2, 2), "ibot_head.last_layer.weight_g": torch.ones(2, 1)}

LAYOUTS: dict[str, tuple[str, Callable[[State], object]]] = {
    "transformers' DINO": (DINO, transformers_dino),
    "transformers' DINO under a classifier": (
        DINO,
        lambda s: under("vit.", transformers_dino(s)) | {"classifier.weight": torch.ones(2, 2)},
    ),
    "transformers' DINOv2": (DINOV2, transformers_dinov2),
    "transformers' DINOv2 under a depth model": (
        DINOV2,
        lambda s: under("backbone.", transformers_dinov2(s)) | {"neck.weight": torch.ones(2)},
    ),
    "transformers' DINOv2 with registers": (REGISTERS, transformers_registers),
    "transformers' DINOv3": (DINOV3, transformers_dinov3),
    "transformers' DINOv3 of version 5": (
        DINOV3,
        lambda s: renamed(transformers_dinov3(s), {"layer.": "model.layer."}),
    ),
    "DINOv2's trainer": (
        DINOV2,
        lambda s: {
            "model": under("teacher.backbone.", chunked(s))
            | under("student.backbone.", zeros(chunked(s)))
            | under("teacher.", HEADS),
            "iteration": 3,
            "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}},
        },
    ),
    "DINOv2's teacher": (DINOV2, lambda s: {"teacher": under("backbone.", chunked(s)) | HEADS}),
    "DINO's student alone": (
        DINO,
        lambda s: {"student": under("module.backbone.", s) | under("module.", HEADS)},
    ),
    "MoCo v3": (
        DINO,
        lambda s: {
            "state_dict": under("module.base_encoder.", s)
            | under("module.momentum_encoder.", zeros(s))
            | {
                "module.predictor.0.weight": torch.ones(2, 2),
                "module.base_encoder.head.0.weight": torch.ones(2, 2),
            }
        },
    ),
    "MoCo v2": (
        DINO,
        lambda s: {
            "state_dict": under("module.encoder_q.", s) | under("module.encoder_k.", zeros(s)),
        },
    ),
    "Lightning, compiled": (DINO, lambda s: {"state_dict": under("model._orig_mod.", s), "epoch": 1}),
    "compiled, distributed": (DINO, lambda s: under("_orig_mod.module.", s)),
    "I-JEPA": (
        DINO,
        lambda s: {
            "encoder": under("module.", zeros(s)),
            "target_encoder": under("module.", s),
            "predictor": {},
        },
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_loads_as_the_network_it_came_from(tmp_path: Path, layout: str) -> None:
    name, wrap = LAYOUTS[layout]
    source, target = small_vit(name), small_vit(name)
    for parameter in target.parameters():
        parameter.data.zero_()
    torch.save(wrap(source.state_dict()), tmp_path / "w.bin")
    fill(target, read_weights(tmp_path / "w.bin"), tmp_path / "w.bin")
    torch.testing.assert_close(target.state_dict(), source.state_dict())


@pytest.mark.parametrize(
    "wrapper", ["module.", "model.", "_orig_mod.", "state_dict.", "model._orig_mod.module.backbone."]
)
def test_wrapped_convnets(wrapper: str) -> None:
    state = {"conv1.weight": torch.ones(1), "layer1.0.conv1.weight": torch.ones(1)}
    assert one_network(under(wrapper, state)) == state


def test_several_networks_of_names_that_say_nothing() -> None:
    one = {"patch_embed.proj.weight": torch.ones(1)}
    assert one_network(under("left.", one) | under("right.", one)) == one
    with pytest.raises(
        WeightsError, match=r"w\.pth holds several networks \('left', 'right'\); save the one"
    ):
        one_network(under("left.", one) | under("right.", zeros(one)), "w.pth")


def test_flatten_leaves_out_what_is_not_a_tensor() -> None:
    loop: dict = {"a": torch.ones(1)}
    loop["self"] = loop
    assert dict(flatten({"w": {1: torch.ones(1)}, "x": [torch.ones(1)], "y": None})).keys() == {"w.1"}
    assert "a" in dict(flatten(loop))


class TestPartOfANetwork:
    """A file need not hold what comes after the features that are read."""

    @pytest.fixture
    def part(self, tmp_path: Path) -> Path:
        state = scrambled(timm.create_model("vit_tiny_patch16_224", num_classes=0)).state_dict()
        kept = {
            k: v
            for k, v in state.items()
            if not k.startswith(("norm.", "blocks.9.", "blocks.10.", "blocks.11."))
        }
        save_file(kept, tmp_path / "part.safetensors")
        return tmp_path / "part.safetensors"

    @pytest.mark.parametrize(("facet", "layer"), [("token", 8), ("key", 8), ("token", 2), ("value", -4)])
    def test_what_is_read_is_there(self, part: Path, facet: str, layer: int) -> None:
        backbone = load_backbone("vit_tiny_patch16_224", weights=part, facet=facet, layer=layer)  # type: ignore[arg-type]
        assert backbone(torch.rand(1, 3, 32, 32)).patches.isfinite().all()

    @pytest.mark.parametrize(("facet", "layer"), [("key", -1), ("key", 9), ("token", 11)])
    def test_what_is_read_is_not_there(self, part: Path, facet: str, layer: int) -> None:
        with pytest.raises(
            WeightsError, match=r"holds only blocks 0 to 8, but layer -?[0-9]+ is read; choose"
        ):
            load_backbone("vit_tiny_patch16_224", weights=part, facet=facet, layer=layer)  # type: ignore[arg-type]

    def test_keys_need_one_projection_of_their_block(self, tmp_path: Path) -> None:
        source = small_vit()
        state = {
            key: value
            for key, value in source.state_dict().items()
            if not key.startswith(("norm.", "blocks.2.mlp", "blocks.2.norm2", "blocks.2.attn.proj"))
        }
        target = small_vit()
        fill(target, state, tmp_path / "w", facet="key", layer=-1)
        with pytest.raises(WeightsError, match="lacks"):
            fill(target, state, tmp_path / "w", facet="token", layer=-1)

    def test_the_last_norm_is_read_with_the_last_tokens(self, tmp_path: Path) -> None:
        state = {key: value for key, value in small_vit().state_dict().items() if not key.startswith("norm.")}
        with pytest.raises(WeightsError, match=r"lacks 2, such as 'norm\.weight'"):
            fill(small_vit(), state, tmp_path / "w", facet="token", layer=-1)


def test_a_file_of_nine_blocks_of_dinov2(data_dir: Path) -> None:
    path = data_dir.parent / "weights" / "vits14-blocks0-8.safetensors"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    backbone = load_backbone("dinov2-vits14", weights=path, facet="token", layer=8)
    assert backbone(torch.rand(1, 3, 28, 42)).patches.shape == (1, 6, 384)
    with pytest.raises(WeightsError, match="holds only blocks 0 to 8"):
        load_backbone("dinov2-vits14", weights=path)

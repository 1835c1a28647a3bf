"""What is read of a network, against a plain ViT written here from its paper (2010.11929) and against timm."""

import copy

import pytest
import timm
import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn
from torch.nn import functional as F

from random_vits import SMALL, normalised, scrambled, small_vit
from slotlight.backbones import FACETS, Backbone
from slotlight.config import BACKBONES

TOLERANCE = {"atol": 2e-5, "rtol": 1e-4}


class PlainViT:
    """A ViT as its paper writes it, one image at a time, one attention head at a time."""

    def __init__(self, state: dict[str, Tensor], heads: int, eps: float = 1e-6) -> None:
        self.state, self.heads, self.eps = state, heads, eps
        self.depth = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("blocks."))
        self.registers = state.get("reg_token", torch.zeros(1, 0, 1))

    def layer(self, name: str, x: Tensor) -> Tensor:
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def norm(self, name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(dim=-1, keepdim=True)
        scaled = centred / (centred.square().mean(dim=-1, keepdim=True) + self.eps).sqrt()
        return scaled * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def embed(self, image: Tensor) -> Tensor:
        weight, bias = self.state["patch_embed.proj.weight"], self.state["patch_embed.proj.bias"]
        side = weight.shape[-1]
        rows, columns = image.shape[1] // side, image.shape[2] // side
        patches = [
            image[:, r * side : (r + 1) * side, c * side : (c + 1) * side].reshape(-1)
            for r in range(rows)
            for c in range(columns)
        ]
        tokens = torch.stack(patches) @ weight.flatten(1).T + bias
        position = self.state["pos_embed"]
        if self.registers.shape[1]:  # DINOv2 with registers in timm: no position for class and registers
            position = resample_abs_pos_embed(position, [rows, columns], num_prefix_tokens=0)[0]
            return torch.cat([self.state["cls_token"][0], self.registers[0], tokens + position])
        position = resample_abs_pos_embed(position, [rows, columns], num_prefix_tokens=1)[0]
        return torch.cat([self.state["cls_token"][0], tokens]) + position

    def facets(self, image: Tensor) -> list[dict[str, Tensor]]:
        """For every block: query, key, value and token of every patch."""
        tokens, found = self.embed(image), []
        prefix = 1 + self.registers.shape[1]
        for b in range(self.depth):
            name = f"blocks.{b}"
            query, key, value = self.layer(f"{name}.attn.qkv", self.norm(f"{name}.norm1", tokens)).chunk(
                3, -1
            )
            read = [
                torch.softmax(q @ k.T * q.shape[-1] ** -0.5, dim=-1) @ v
                for q, k, v in zip(*(x.chunk(self.heads, -1) for x in (query, key, value)), strict=True)
            ]
            tokens = tokens + self.scale(f"{name}.ls1", self.layer(f"{name}.attn.proj", torch.cat(read, -1)))
            hidden = F.gelu(self.layer(f"{name}.mlp.fc1", self.norm(f"{name}.norm2", tokens)))
            tokens = tokens + self.scale(f"{name}.ls2", self.layer(f"{name}.mlp.fc2", hidden))
            last = self.norm("norm", tokens) if b == self.depth - 1 else tokens
            facets = {"query": query, "key": key, "value": value, "token": last}
            found.append({facet: x[prefix:] for facet, x in facets.items()})
        return found

    def scale(self, name: str, x: Tensor) -> Tensor:
        return x * self.state.get(f"{name}.gamma", torch.ones(()))


def assert_equal_to_plain(network: nn.Module, heads: int, size: tuple[int, int], layer: int) -> None:
    state = {key: value.clone() for key, value in network.state_dict().items()}
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    expected = [PlainViT(state, heads).facets(image)[layer] for image in normalised(images)]
    for facet in FACETS:
        features = Backbone("x", copy.deepcopy(network), facet=facet, layer=layer)(images)
        wanted = torch.stack([e[facet] for e in expected])
        torch.testing.assert_close(features.patches, wanted, **TOLERANCE)


@pytest.mark.parametrize("size", [(224, 224), (48, 80)])
@pytest.mark.parametrize("layer", [-1, 1, 0])
def test_facets_of_dino_equal_a_plain_vit(size: tuple[int, int], layer: int) -> None:
    assert_equal_to_plain(small_vit(), 3, size, layer)


@pytest.mark.parametrize("layer", [-1, 0])
def test_facets_of_dinov2_with_registers_equal_a_plain_vit(layer: int) -> None:
    network = small_vit("vit_small_patch14_reg4_dinov2.lvd142m")
    assert_equal_to_plain(network, 3, (56, 98), layer)


def test_keys_of_the_true_dino_network_equal_a_plain_vit() -> None:
    network = scrambled(
        timm.create_model(BACKBONES["dino-vits16"].timm_name, num_classes=0, dynamic_img_size=True)
    )
    state = {key: value.clone() for key, value in network.state_dict().items()}
    images = torch.rand(1, 3, 96, 144)
    features = Backbone("x", network)(images)
    assert features.grid == (6, 9)
    expected = PlainViT(state, heads=6).facets(normalised(images)[0])[-1]["key"]
    torch.testing.assert_close(features.patches[0], expected, **TOLERANCE)


OTHER_VITS = [
    "vit_small_patch16_dinov3.lvd1689m",  # rotary embedding, four registers, no bias
    "vit_small_patch16_dinov3_qkvb.lvd1689m",  # biases kept apart
    "vit_small_patch16_rope_mixed_224",  # a rotary embedding of each block's own
    "eva02_tiny_patch14_224",  # separate projections
    "deit_tiny_distilled_patch16_224",  # two prefix tokens
    "vit_base_patch32_clip_224.openai",  # a norm before the blocks
    "vit_base_patch32_siglip_256",  # no class token, attention pooling
]


@pytest.mark.parametrize("name", OTHER_VITS)
def test_facets_of_other_vits_equal_what_the_whole_network_computes(name: str) -> None:
    whole = scrambled(timm.create_model(name, depth=3, num_classes=0, dynamic_img_size=True))
    cut = {facet: Backbone("x", copy.deepcopy(whole), facet=facet, layer=1) for facet in FACETS}
    some = cut["key"]
    images = torch.rand(2, 3, 3 * some.patch_size, 5 * some.patch_size)
    seen: dict[str, Tensor] = {}
    block = whole.blocks[1]
    # What attention normalises is its heads' queries and keys, whatever the layers they come from.
    block.attn.q_norm.register_forward_pre_hook(lambda _, given: seen.update(query=given[0]))
    block.attn.k_norm.register_forward_pre_hook(lambda _, given: seen.update(key=given[0]))
    block.register_forward_hook(lambda _m, _i, made: seen.update(token=made))
    with torch.no_grad():
        whole.forward_features((images - some.mean) / some.std)
    for facet in ("query", "key"):
        seen[facet] = seen[facet].transpose(1, 2).flatten(2)  # heads side by side
    for facet in ("query", "key", "token"):
        expected = seen[facet][:, whole.num_prefix_tokens :]
        torch.testing.assert_close(cut[facet](images).patches, expected, **TOLERANCE)


def test_the_last_token_is_the_whole_networks_output() -> None:
    whole = small_vit("vit_small_patch16_dinov3.lvd1689m")
    images = torch.rand(1, 3, 48, 64)
    with torch.no_grad():
        expected = whole.forward_features(normalised(images))[:, whole.num_prefix_tokens :]
    found = Backbone("x", copy.deepcopy(whole), facet="token")(images).patches
    torch.testing.assert_close(found, expected, **TOLERANCE)


def test_nothing_past_what_is_needed_is_kept_or_run() -> None:
    def size(facet: str, layer: int) -> int:
        return sum(p.numel() for p in Backbone("x", small_vit(), facet=facet, layer=layer).parameters())

    dim = SMALL["embed_dim"]
    block = 12 * dim * dim + 13 * dim
    stem = 3 * 16 * 16 * dim + dim + dim + 197 * dim
    projection = dim * dim + dim + 2 * dim
    assert size("key", -1) == size("value", -1) == stem + 2 * block + projection
    assert size("query", 0) == stem + projection
    assert size("token", 1) == stem + 2 * block
    assert size("token", -1) == stem + 3 * block + 2 * dim
    pooled = Backbone("x", timm.create_model("vit_base_patch32_siglip_256", depth=1, num_classes=0))
    assert not any("pool" in key for key in pooled.state_dict())


@pytest.mark.parametrize("layer", [1, 2, -1])
def test_a_convnet_gives_its_stage_row_by_row(layer: int) -> None:
    whole = scrambled(timm.create_model("resnet18", features_only=True))
    network = timm.create_model("resnet18", features_only=True, out_indices=(layer,))
    network.load_state_dict(whole.state_dict(), strict=False)
    backbone = Backbone("x", network, facet="token")
    images = torch.rand(2, 3, 64, 96)
    features = backbone(images)
    with torch.no_grad():
        expected = whole(normalised(images))[layer]
    assert backbone.dim == expected.shape[1]
    assert features.grid == expected.shape[2:]
    torch.testing.assert_close(features.patches, expected.flatten(2).transpose(1, 2), **TOLERANCE)


def test_stages_of_a_convnet_stand_side_by_side_on_the_finest_grid() -> None:
    network = timm.create_model("resnet18", features_only=True, out_indices=(2, 3))
    backbone = Backbone("x", network, facet="token")
    assert (backbone.patch_size, backbone.dim) == (8, 128 + 256)
    features = backbone(torch.rand(1, 3, 64, 96))
    assert features.patches.shape == (1, 8 * 12, 384)
    with torch.no_grad():
        fine, _ = network(torch.zeros(1, 3, 64, 96))
    assert fine.shape[2:] == features.grid


@pytest.mark.parametrize("side", [64, 528])  # plain products, and with more than FEW_TOKENS the fused kernel
def test_bf16_gives_the_same_features_to_its_rounding(side):
    vit = timm.create_model("vit_tiny_patch16_224", depth=2, num_classes=0, dynamic_img_size=True)
    backbone = Backbone("random", vit, facet="key")
    images = torch.rand(1, 3, side, side)
    exact = backbone(images).patches
    with torch.autocast("cpu", torch.bfloat16):
        rounded = backbone(images).patches.float()
    assert (rounded - exact).norm() < 0.02 * exact.norm()
    torch.testing.assert_close(backbone(images).patches, exact)

"""Tables of weights as releases and trainers nest and name them → one network's, under timm's or its release's names.

What timm's own filters translate (DINOv2's registers, DINOv3's layer scales, ...) keeps its release's names here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from slotlight.errors import WeightsError

State = dict[str, Tensor]

_DEEPEST = 6
_SIGNATURES = (
    "patch_embed.proj.weight",  # timm, DINO, DINOv2, DINOv3, MAE, MoCo v3
    "embeddings.patch_embeddings.projection.weight",  # transformers' ViT and DINOv2
    "embeddings.patch_embeddings.weight",  # transformers' DINOv3
)
"""Keys by which a ViT is found among the other networks of a training checkpoint."""

_ROLES = (
    "teacher",
    "target_encoder",
    "base_encoder",
    "encoder_q",
    "",
    "student",
    "momentum_encoder",
    "encoder_k",
    "model_ema",
    "state_dict_ema",
)
"""Which of several networks is read, the best first; those under other names stand where the empty one does."""

_WRAPPERS = (
    "state_dict.",
    "teacher.",
    "model.",
    "module.",
    "_orig_mod.",
    "base_encoder.",
    "backbone.",
    "student.",
)
"""What stands before the names of a network without a signature, such as a ConvNet."""

_TRANSFORMERS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^embeddings\.patch_embeddings\.(?:projection\.)?", "patch_embed.proj."),
        (r"^embeddings\.position_embeddings$", "pos_embed"),
        (r"^embeddings\.", ""),
        (r"^(?:encoder\.|model\.)?layers?\.(\d+)\.", r"blocks.\1."),
        (r"^layernorm\.", "norm."),
        (r"\.attention\.(?:attention\.)?(?:(q)uery|(k)ey|(v)alue)\.", r".attn.\1\2\3."),
        (r"\.attention\.([qkv])_proj\.", r".attn.\1."),
        (r"\.attention\.(?:output\.dense|o_proj)\.", ".attn.proj."),
        (r"\.layernorm_before\.", ".norm1."),
        (r"\.layernorm_after\.", ".norm2."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"^(blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
        (r"\.layer_scale(\d)\.lambda1$", r".ls\1.gamma"),
        (r"\.mlp\.weights_in\.", ".mlp.w12."),
        (r"\.mlp\.weights_out\.", ".mlp.w3."),
    )
]
_GATED = {"gate_proj": "w1", "up_proj": "w2", "down_proj": "w3"}
_PLAIN = {"up_proj": "fc1", "down_proj": "fc2"}


def flatten(table: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """All tensors of nested tables, by their keys joined with dots; anything else is left out.

    Example:
        >>> [key for key, _ in flatten({"model": {"a": torch.ones(1)}, "epoch": 3})]
        ['model.a']
    """
    if isinstance(table, Mapping) and depth < _DEEPEST:
        for key, value in table.items():
            if isinstance(value, Tensor):
                yield f"{prefix}{key}", value
            else:
                yield from flatten(value, f"{prefix}{key}.", depth + 1)


def one_network(state: State, source: str = "The checkpoint") -> State:
    """The weights of one network out of a checkpoint of several, without what stands before its names.

    Raises:
        WeightsError: It holds several, and none has the name of the one that is meant to be used.

    Example:
        >>> names = ("teacher.backbone.patch_embed.proj.weight", "student.backbone.patch_embed.proj.weight")
        >>> list(one_network({name: torch.ones(1) for name in names}))
        ['patch_embed.proj.weight']
    """
    prefixes = {key.removesuffix(end) for key in state for end in _SIGNATURES if _ends_with(key, end)}
    if prefixes:
        found = [_below(state, prefix) for prefix in _best(prefixes)]
        if any(not _are_equal(found[0], other) for other in found[1:]):
            names = ", ".join(repr(prefix.rstrip(".")) for prefix in _best(prefixes))
            raise WeightsError(
                f"{source} holds several networks ({names}); save the one that you mean by itself."
            )
        return _named(found[0])
    while wrapper := next((w for w in _WRAPPERS if any(key.startswith(w) for key in state)), None):
        state = _below(state, wrapper)
    return state


def _ends_with(key: str, end: str) -> bool:
    return key == end or key.endswith(f".{end}")


def _best(prefixes: set[str]) -> list[str]:
    """What stands before the network that is read; several where their names do not say which it is."""

    def order(prefix: str) -> tuple[int, int]:
        return _rank(prefix), prefix.count(".")

    return sorted(prefix for prefix in prefixes if order(prefix) == min(map(order, prefixes)))


def _are_equal(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())


def _rank(prefix: str) -> int:
    parts = prefix.split(".")
    return next((rank for rank, role in enumerate(_ROLES) if role and role in parts), _ROLES.index(""))


def _below(state: State, prefix: str) -> State:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _named(state: State) -> State:
    if any(key.startswith("embeddings.") for key in state):
        state = _from_transformers(state)
    # DINOv2's trainer keeps blocks in chunks, as blocks.0.3. for the fourth.
    return {re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", key): value for key, value in state.items()}


def _from_transformers(state: State) -> State:
    mlp = _GATED if any("gate_proj" in key for key in state) else _PLAIN
    named: State = {}
    for key, value in state.items():
        for pattern, replacement in _TRANSFORMERS:
            key = pattern.sub(replacement, key)
        key = re.sub(r"\.mlp\.(\w+_proj)\.", lambda found: f".mlp.{mlp.get(found[1], found[1])}.", key)
        named[key] = value
    named = {
        key: value for key, value in named.items() if not key.startswith(("pooler.", "classifier.", "rope_"))
    }
    if "register_tokens" in named:
        if "pos_embed" in named:
            named.setdefault("mask_token", torch.zeros(1))  # by which timm knows DINOv2
        else:
            named["storage_tokens"] = named.pop("register_tokens")  # DINOv3's own name
    return _joined(named)


def _joined(state: State) -> State:
    """Queries, keys and values as one projection; where only some have a bias, that of the others is zero."""
    joined = {key: value for key, value in state.items() if not re.search(r"\.attn\.[qkv]\.", key)}
    for block in {match[1] for key in state if (match := re.match(r"(blocks\.\d+\.attn)\.[qkv]\.", key))}:
        for kind in ("weight", "bias"):
            parts = [state.get(f"{block}.{name}.{kind}") for name in "qkv"]
            like = next((part for part in parts if part is not None), None)
            if like is not None:
                whole = [torch.zeros_like(like) if part is None else part for part in parts]
                joined[f"{block}.qkv.{kind}"] = torch.cat(whole)
    return joined

"""Every number of the method in one place: frozen dataclasses, named presets, the registry of backbones.

Imports no torch, so that ``slotlight --help`` comes at once.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slotlight.errors import ConfigError, UnknownNameError

Facet = Literal["key", "query", "value", "token"]
MaskKind = Literal["background", "random", "none"]
GruState = Literal["slots", "normalised"]
Start = Literal["random", "clustering"]
DecoderKind = Literal["mlp", "mixer"]
FusionKind = Literal["hungarian", "greedy", "mean", "single"]
MaskSource = Literal["decoder", "attention"]
Precision = Literal["fp32", "bf16"]
Decay = Literal["halving", "cosine", "release"]


def _at_least(config: object, least: int, *names: str) -> None:
    for name in names:
        if not getattr(config, name) >= least:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be at least {least}.")


@dataclass(frozen=True)
class BackboneEntry:
    """A backbone known by name.

    Attributes:
        timm_name: The network and its pretrained weights, as timm calls them.
        million_params: Its size.
        licence: Of its weights.
    """

    timm_name: str
    million_params: float
    licence: str


EMBEDDED = "embedded"
EMBEDDED_MILLION_PARAMS = 9.3

BACKBONES: dict[str, BackboneEntry] = {
    "dino-vits16": BackboneEntry("vit_small_patch16_224.dino", 21.7, "Apache-2.0"),
    "dino-vits8": BackboneEntry("vit_small_patch8_224.dino", 21.7, "Apache-2.0"),
    "dino-vitb16": BackboneEntry("vit_base_patch16_224.dino", 85.8, "Apache-2.0"),
    "dino-vitb8": BackboneEntry("vit_base_patch8_224.dino", 85.8, "Apache-2.0"),
    "dinov2-vits14": BackboneEntry("vit_small_patch14_dinov2.lvd142m", 22.1, "Apache-2.0"),
    "dinov2-vits14-reg": BackboneEntry("vit_small_patch14_reg4_dinov2.lvd142m", 22.1, "Apache-2.0"),
    "dinov2-vitb14": BackboneEntry("vit_base_patch14_dinov2.lvd142m", 86.6, "Apache-2.0"),
    "dinov2-vitb14-reg": BackboneEntry("vit_base_patch14_reg4_dinov2.lvd142m", 86.6, "Apache-2.0"),
    "dinov3-vits16": BackboneEntry("vit_small_patch16_dinov3.lvd1689m", 21.6, "DINOv3 License"),
    "mae-vitb16": BackboneEntry("vit_base_patch16_224.mae", 85.8, "CC-BY-NC-4.0"),
}


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """Which features the slots read.

    Attributes:
        name: ``embedded``, a name of `BACKBONES`, or any timm ViT's or ConvNet's own name.
        weights: A local file (safetensors or ``.pth``); without it, the package or the hub.
        facet: What of a ViT's block is read; a ConvNet has only ``token``.
        layer: Which block (of a ViT) or stage (of a ConvNet); negative counts from the last.
        image_size: Photographs are resized to about ``image_size²`` pixels.
    """

    name: str = "dino-vits16"
    weights: Path | None = None
    facet: Facet = "key"
    layer: int = -1
    image_size: int = 320

    def __post_init__(self) -> None:
        _at_least(self, 1, "image_size")


@dataclass(frozen=True, kw_only=True)
class MaskingConfig:
    """Which patches the slots may not see in training.

    Attributes:
        kind: The patches of highest mean feature (``background``), as many at random, or none.
        ratio: The share of patches that is masked, in [0, 1).
    """

    kind: MaskKind = "background"
    ratio: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise ConfigError(f"ratio is {self.ratio}; it must be in [0, 1).")


@dataclass(frozen=True, kw_only=True)
class SlotConfig:
    """Multi-query slot attention.

    Attributes:
        heads: Independent sets of slots (H).
        slots: Slots of a head (K).
        iterations: Rounds of attention (T).
        projection_hidden: Width of the MLP before the slots.
        mlp_hidden: Width of each head's residual MLP.
        gru_state: ``slots`` as published; ``normalised`` as the authors' release computes.
        start: Weights before training: ``random`` as published, or ``clustering``: soft k-means of the features.
    """

    heads: int = 8
    slots: int = 7
    iterations: int = 3
    projection_hidden: int = 512
    mlp_hidden: int = 512
    gru_state: GruState = "slots"
    start: Start = "random"

    def __post_init__(self) -> None:
        _at_least(self, 1, "heads", "slots", "iterations", "projection_hidden", "mlp_hidden")


@dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """How slots become features again.

    Attributes:
        kind: ``mlp`` broadcasts each slot to every patch; ``mixer`` mixes slots for each patch first.
        hidden: Width of the hidden layers.
        layers: Number of hidden layers.
        patch_share: Share of the patches that a training step reconstructs, drawn at random.
    """

    kind: DecoderKind = "mlp"
    hidden: int = 1024
    layers: int = 3
    patch_share: float = 1.0

    def __post_init__(self) -> None:
        _at_least(self, 1, "hidden", "layers")
        if not 0 < self.patch_share <= 1:
            raise ConfigError(f"patch_share is {self.patch_share}; it must be in (0, 1].")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A whole model, from photographs to slot masks.

    Attributes:
        fusion: How the heads' slots become one set.
        masks_from: Whose masks become objects: the decoder's, or the slots' own attention.
        figure_weight: The figure map (`slotlight.model.foreground`) is one more feature of every patch, this many
            times as wide as the others; 0, as published, leaves it out.
        group_within: Slots are parts of one object while joining them costs less than this share of the patches'
            variance (`slotlight.model.grouping`); 0, as published, joins none.
        refine: Whether the masks' boundaries follow the photograph's colours (`slotlight.model.refinement`).
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    slots: SlotConfig = field(default_factory=SlotConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    fusion: FusionKind = "hungarian"
    masks_from: MaskSource = "decoder"
    figure_weight: float = 0.0
    group_within: float = 0.0
    refine: bool = False

    def __post_init__(self) -> None:
        _at_least(self, 0, "figure_weight", "group_within")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained on cached features.

    Attributes:
        steps: Optimiser steps.
        batch_size: Photographs a step.
        learning_rate: Adam's, after the warm-up.
        warmup_share: Share of the steps over which it rises linearly from nothing.
        decay: What the rate does after the warm-up: ``halving`` every ``halving_share`` of the steps, ``cosine`` to
            zero, or ``release`` as the authors' code computes it (`slotlight.training.schedule`).
        halving_share: See ``decay``.
        gradient_clip: Largest norm of the gradient.
        precision: Arithmetic of the forward pass; weights stay fp32.
        compile: Whether the step is compiled first (`torch.compile`): slow to start, faster from then on.
        devices: Number of devices.
        checkpoint_every: Steps between checkpoints; at most two minutes pass between them.
        seed: Of the weights, the data's order, the slots' noise.
    """

    steps: int = 20_000
    batch_size: int = 32
    learning_rate: float = 4e-4
    warmup_share: float = 0.02
    decay: Decay = "cosine"
    halving_share: float = 0.02
    gradient_clip: float = 1.0
    precision: Precision = "fp32"
    compile: bool = False
    devices: int = 1
    checkpoint_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least(self, 1, "steps", "batch_size", "devices", "checkpoint_every")
        for name in ("learning_rate", "gradient_clip", "halving_share"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be above 0.")
        if not 0 <= self.warmup_share <= 1:
            raise ConfigError(f"warmup_share is {self.warmup_share}; it must be in [0, 1].")
        if self.batch_size % self.devices:
            raise ConfigError(
                f"A batch of {self.batch_size} cannot be shared evenly between {self.devices} devices; "
                f"choose a multiple of {self.devices}."
            )


PRESETS: dict[str, tuple[ModelConfig, TrainConfig]] = {
    # DINO ViT-S/16 keys at 320; the paper's sizes. 500 epochs over VOC 2012's 15,676 photographs
    # outside val are 490,000 steps of 16; its headline is mIoU 39.4, mBO 39.7, CorLoc 69.0 on val.
    "paper": (ModelConfig(), TrainConfig(steps=490_000, batch_size=16, decay="release")),
    # The model inside the package; `pretrained/README.md` says what it costs and what it reaches.
    EMBEDDED: (
        ModelConfig(
            backbone=BackboneConfig(name=EMBEDDED, facet="token", image_size=256),
            masking=MaskingConfig(kind="none"),
            slots=SlotConfig(
                slots=7, iterations=5, projection_hidden=256, mlp_hidden=128, start="clustering"
            ),
            decoder=DecoderConfig(hidden=256, layers=2, patch_share=0.25),
            masks_from="attention",
            figure_weight=2.5,
            group_within=0.07,
            refine=True,
        ),
        # Longer and faster training agrees more and finds fewer objects: see the model's card.
        TrainConfig(steps=400, batch_size=32, learning_rate=1e-5),
    ),
    # The floor `single-query`: plain slot attention, one set of slots that see every patch, as the paper set out from.
    "single-query": (
        ModelConfig(
            backbone=BackboneConfig(name=EMBEDDED, facet="token", image_size=256),
            masking=MaskingConfig(kind="none"),
            slots=SlotConfig(heads=1, projection_hidden=256, mlp_hidden=128),
            decoder=DecoderConfig(hidden=256, layers=2, patch_share=0.25),
            fusion="single",
            masks_from="attention",  # the stronger of the two here (docs/measured.md)
        ),
        TrainConfig(steps=3000, batch_size=16),
    ),
}


def preset(name: str) -> tuple[ModelConfig, TrainConfig]:
    """The model and training of a named preset.

    Raises:
        UnknownNameError: There is no such preset.

    Example:
        >>> model, train = preset("paper")
        >>> model.slots.slots, train.batch_size
        (7, 16)
    """
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name]

"""Every number of the method in one place: frozen dataclasses, named presets, the registry of backbones.

Imports no torch, so that ``slotlight --help`` comes at once.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from slotlight.errors import ConfigError, UnknownNameError

Facet = Literal["key", "query", "value", "token"]
MaskKind = Literal["background", "random", "none"]
GruState = Literal["slots", "normalised"]
Start = Literal["random", "kmeans"]
Ranking = Literal["backbone", "mean", "foreground"]
DecoderKind = Literal["mlp", "mixer"]
FusionKind = Literal["hungarian", "greedy", "mean", "single"]
MaskSource = Literal["decoder", "attention"]
Precision = Literal["fp32", "bf16"]
Decay = Literal["halving", "cosine", "release"]


def _at_least(config: object, least: int, *names: str) -> None:
    for name in names:
        if not getattr(config, name) >= least:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be at least {least}.")


def _above(config: object, bound: int, *names: str) -> None:
    for name in names:
        if not getattr(config, name) > bound:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be above {bound}.")


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**63:
        raise ConfigError(f"seed is {seed}; it must be from 0 to 2^63 - 1.")


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
        kind: The patches that are most likely background, as many at random, or none.
        ratio: The share of patches that is masked, in [0, 1).
        ranking: What says background: a patch's ``mean`` over dimensions, as published for the keys of a DINO ViT;
            the ``foreground`` map; or what suits the ``backbone``: the mean for a ViT's keys, else the map.
    """

    kind: MaskKind = "background"
    ratio: float = 0.7
    ranking: Ranking = "backbone"

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
        start: Weights before training: ``random`` as published, or those of soft k-means (``kmeans``).
        start_sharpness: Of soft k-means: its logits are this times cos · √dim.
    """

    heads: int = 8
    slots: int = 7
    iterations: int = 3
    projection_hidden: int = 512
    mlp_hidden: int = 512
    gru_state: GruState = "slots"
    start: Start = "random"
    start_sharpness: float = 4.0

    def __post_init__(self) -> None:
        _above(self, 0, "start_sharpness")
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
class HeuristicsConfig:
    """What turns slot masks into objects and is not the paper's; by default all of it is off but the scores.

    Attributes:
        foreground_weight: The foreground map (`slotlight.model.foreground`) is one more feature of every patch, this
            many times as wide as the others; 0 leaves it out.
        border_neighbours: A patch is foreground as far as it is from this many nearest patches of the border.
        centre_width: Standard deviation of the map's Gaussian; the photograph reaches from -1 to 1.
        background_below: A slot with less than this share of the mean foreground is background: it scores 0.
        min_contrast: A photograph whose colours (in [0, 1]) differ less than this from a plain gradient shows no
            object.
        min_structure: Nor does one whose cells of 8 pixels differ less than this, times the pixels within them: noise.
        merge_background: Whether background slots count as one.
        group_within: Slots are parts of one object while joining them costs less than this share of the patches'
            variance (`slotlight.model.grouping`); 0 joins none.
        refine: Whether the masks' boundaries follow the photograph's colours (`slotlight.model.refinement`).
        refine_scale: Fine cells along a side of a patch.
        refine_spacings: Fine cells between those that are averaged, pass after pass.
        refine_reach: So many are averaged each way.
        refine_distance: Standard deviation of their distance, in steps.
        refine_colour: Standard deviation of their colour's difference, RGB in [0, 1].
    """

    foreground_weight: float = 0.0
    border_neighbours: int = 3
    centre_width: float = 0.6
    background_below: float = 0.7
    min_contrast: float = 0.0
    min_structure: float = 0.0
    merge_background: bool = False
    group_within: float = 0.0
    refine: bool = False
    refine_scale: int = 4
    refine_spacings: tuple[int, ...] = (8, 4, 2, 1)
    refine_reach: int = 2
    refine_distance: float = 2.0
    refine_colour: float = 0.06

    def __post_init__(self) -> None:
        _at_least(
            self, 0, "foreground_weight", "background_below", "min_contrast", "min_structure", "group_within"
        )
        _at_least(self, 1, "border_neighbours", "refine_scale", "refine_reach")
        _above(self, 0, "centre_width", "refine_distance", "refine_colour")
        if not self.refine_spacings or min(self.refine_spacings) < 1:
            raise ConfigError(f"refine_spacings are {self.refine_spacings}; they must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A whole model, from photographs to slot masks.

    Attributes:
        fusion: How the heads' slots become one set.
        masks_from: Whose masks become objects: the decoder's, or the slots' own attention.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    slots: SlotConfig = field(default_factory=SlotConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    fusion: FusionKind = "hungarian"
    masks_from: MaskSource = "decoder"
    heuristics: HeuristicsConfig = field(default_factory=HeuristicsConfig)


def with_ranking(config: ModelConfig) -> ModelConfig:
    """The config with the ranking of background patches that its backbone's features call for.

    The mean over dimensions is high on background in the keys of DINO's ViTs; in other features it means nothing.

    Example:
        >>> with_ranking(ModelConfig()).masking.ranking
        'mean'
        >>> with_ranking(ModelConfig(backbone=BackboneConfig(name="embedded", facet="token"))).masking.ranking
        'foreground'
    """
    if config.masking.ranking != "backbone":
        return config
    is_dino_key = config.backbone.facet == "key" and "dino" in config.backbone.name
    ranking: Ranking = "mean" if is_dino_key else "foreground"
    return replace(config, masking=replace(config.masking, ranking=ranking))


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How a model is run over photographs.

    Attributes:
        device: auto, cpu, cuda, mps, ...
        precision: Arithmetic of the model.
        batch_size: Photographs that go through the model at once.
        seed: Of the slots' initial noise.
    """

    device: str = "auto"
    precision: Precision = "fp32"
    batch_size: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least(self, 1, "batch_size")
        _check_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class ObjectRule:
    """Which scored slots become objects.

    Attributes:
        min_score: Slots that score less are left out, in [0, 1]; a photograph may keep none.
        max_objects: The best-scored so many are kept.
        min_area: Smaller objects are left out; a share of the photograph.
        min_part: A slot's connected parts are objects of their own; those smaller than this share of its largest
            are dropped as specks.
    """

    min_score: float = 0.15
    max_objects: int = 20
    min_area: float = 0.002
    min_part: float = 0.2

    def __post_init__(self) -> None:
        _at_least(self, 1, "max_objects")
        for name in ("min_score", "min_area", "min_part"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be in [0, 1].")


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
        _above(self, 0, "learning_rate", "gradient_clip", "halving_share")
        _check_seed(self.seed)
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
            slots=SlotConfig(slots=7, iterations=5, projection_hidden=256, mlp_hidden=128, start="kmeans"),
            decoder=DecoderConfig(hidden=256, layers=2, patch_share=0.25),
            masks_from="attention",
            heuristics=HeuristicsConfig(
                foreground_weight=2.5,
                min_contrast=0.08,  # the least of the development fifth is 0.15
                min_structure=0.4,  # and 0.86
                merge_background=True,
                group_within=0.07,
                refine=True,
            ),
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
            heuristics=HeuristicsConfig(merge_background=True),
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

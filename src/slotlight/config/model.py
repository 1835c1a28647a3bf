"""A model: every number from photographs to slot masks and scores."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from slotlight.config.bounds import above, at_least, at_most
from slotlight.config.choices import (
    DecoderKind,
    Facet,
    FusionKind,
    GruState,
    MaskKind,
    MaskSource,
    Objective,
    Queries,
    Ranking,
    Reference,
    Start,
)
from slotlight.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """Which features the slots read.

    Attributes:
        name: ``embedded``, a name of `BACKBONES`, or any timm ViT's or ConvNet's own name.
        weights: A local file (safetensors or ``.pth``); without it, the package or the hub.
        facet: Which output of a ViT's block is read; a ConvNet has only ``token``.
        layer: Which block of a ViT or stage of a ConvNet; negative numbers count from the last.
        image_size: Photographs are resized to about ``image_size²`` pixels.
    """

    name: str = "dino-vits16"
    weights: Path | None = None
    facet: Facet = "key"
    layer: int = -1
    image_size: int = 320

    def __post_init__(self) -> None:
        at_least(self, 1, "image_size")
        at_most(self, 4096, "image_size")


@dataclass(frozen=True, kw_only=True)
class MaskingConfig:
    """Which patches are hidden from the slots in training.

    Attributes:
        kind: Mask the patches that are most likely background, as many at random, or none.
        ratio: The share of patches that is masked, in [0, 1).
        ranking: How patches are ranked as background: by their ``mean`` over dimensions, as published for the keys of
            a DINO ViT; by the ``foreground`` map; or as suits the ``backbone``: by the mean for DINO's keys, else by
            the map.
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
        heads: Number of independent sets of slots (H).
        slots: Slots per head (K).
        iterations: Iterations of attention (T).
        projection_hidden: Width of the MLP before the slots; None is twice the features' width.
        mlp_hidden: Width of each head's residual MLP.
        gru_state: ``slots`` as published; ``normalised`` as in the authors' release.
        queries: Where a photograph's slots begin: in ``noise`` as published; in some of its own ``patches``, drawn
            for each head as the seeds of k-means++; or ``warm``, in what a small module that learns where slots end
            makes of noise and patches (`slotlight.model.warm_queries`).
        start: Initial weights: ``random`` as published, or those of soft k-means (``kmeans``).
        start_sharpness: Sharpness of the soft k-means: its logits are this times cos · √dim.
        adaptive: Whether the number of slots adapts to the photograph, up to ``slots``
            (`slotlight.model.slot_count`).
        slot_cost: Weight of the penalty on the share of slots that are kept, where their number is adaptive.
    """

    heads: int = 8
    slots: int = 7
    iterations: int = 3
    projection_hidden: int | None = 512
    mlp_hidden: int = 512
    gru_state: GruState = "slots"
    queries: Queries = "noise"
    start: Start = "random"
    start_sharpness: float = 4.0
    adaptive: bool = False
    slot_cost: float = 0.1

    def __post_init__(self) -> None:
        above(self, 0, "start_sharpness")
        at_least(self, 0, "slot_cost")
        at_least(self, 1, "heads", "slots", "iterations", "mlp_hidden")
        at_most(self, 254, "heads", "slots")  # a map of slots has 8 bits, and the background is one more
        if self.projection_hidden is not None:
            at_least(self, 1, "projection_hidden")


@dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """How features are reconstructed from slots.

    Attributes:
        kind: ``mlp`` broadcasts each slot to every patch; ``mixer`` mixes slots for each patch first; ``transformer``
            predicts each patch from the slots and from the patches before it.
        hidden: Width of the hidden layers.
        layers: Number of hidden layers; of the transformer, of blocks.
        patch_share: Share of the patches, drawn at random, that a training step reconstructs; the transformer
            reconstructs all.
    """

    kind: DecoderKind = "mlp"
    hidden: int = 1024
    layers: int = 3
    patch_share: float = 1.0

    def __post_init__(self) -> None:
        at_least(self, 1, "hidden", "layers")
        if not 0 < self.patch_share <= 1:
            raise ConfigError(f"patch_share is {self.patch_share}; it must be in (0, 1].")
        if self.kind == "transformer" and self.patch_share < 1:
            raise ConfigError("The transformer decoder reads all patches in turn; set patch_share to 1.")


@dataclass(frozen=True, kw_only=True)
class HeuristicsConfig:
    """Heuristics beyond the paper that turn slot masks into objects; by default all but the scores are off.

    Attributes:
        foreground_weight: Weight of the foreground map (`slotlight.model.foreground`) as one more feature of every
            patch, relative to the others; 0 leaves it out.
        border_neighbours: A patch's foreground is its distance from this many nearest patches of the border.
        centre_width: Standard deviation of the map's Gaussian; the photograph extends from -1 to 1.
        background_below: A slot with less than this share of the mean foreground is background and scores 0.
        min_contrast: A photograph whose colours (in [0, 1]) deviate less than this from a plain gradient has no
            object; up to twice this, scores are lower (`slotlight.model.evidence`).
        min_structure: The same of photographs whose cells of 8 pixels differ less than this times the pixels within
            them: noise, or a page of text.
        merge_background: Whether background slots are merged into one.
        group_within: Slots are joined into one object as long as that costs less than this share of the patches'
            variance (`slotlight.model.grouping`); 0 joins none.
        refine: Whether the masks' boundaries follow the photograph's colours (`slotlight.model.refinement`).
        refine_scale: Fine cells along the side of a patch.
        refine_spacings: Spacing of the averaged cells in each pass, in fine cells.
        refine_reach: Number of cells averaged in each direction.
        refine_distance: Standard deviation of the weight by distance, in steps.
        refine_colour: Standard deviation of the weight by colour difference, RGB in [0, 1].
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
        at_least(
            self, 0, "foreground_weight", "background_below", "min_contrast", "min_structure", "group_within"
        )
        at_least(self, 1, "border_neighbours", "refine_scale", "refine_reach")
        at_most(self, 32, "refine_scale", "refine_reach")  # memory grows with their squares
        above(self, 0, "centre_width", "refine_distance", "refine_colour")
        if not self.refine_spacings or min(self.refine_spacings) < 1:
            raise ConfigError(f"refine_spacings are {self.refine_spacings}; they must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A whole model, from photographs to slot masks.

    Attributes:
        standardise: Whether features are standardised by the training photographs' mean and one standard deviation.
        objective: What is trained: to reconstruct the features (``reconstruction``, as published); to predict the
            normalised cut of each photograph's patches (``partition``, `slotlight.model.partition`); to reconstruct
            and also predict the masks of a trained first stage (``distillation``) or those that the heads agree on
            (``agreement``, `slotlight.model.agreement`); or only the fusion of a first stage's heads
            (``alignment``, `slotlight.model.alignment`).
        partition_temperature: Temperature of the graph that is cut: its edges are exp((cos - 1) / temperature).
        diffusion_steps: Steps of a random walk over that graph, which diffuses the features; the slots read both
            (`slotlight.model.patch_graph.diffused`). 0 turns it off.
        pseudo_label_weight: Weight of the cross entropy that ``distillation`` and ``agreement`` add to the
            reconstruction error.
        fusion: How the heads' slots are merged into one set; ``learned`` belongs to the objective ``alignment``.
        reference: Which head's slots the others are matched to: the one that agrees most with the others in each
            photograph (``agreed``); the ``first``; or one ``drawn`` by the seed, as in the authors' release. It has no
            effect on ``mean``; ``single`` uses this head alone, the first one for ``agreed``.
        masks_from: Which masks become objects: the decoder's, or the slots' own attention.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    slots: SlotConfig = field(default_factory=SlotConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    standardise: bool = False
    objective: Objective = "reconstruction"
    partition_temperature: float = 0.05
    diffusion_steps: int = 0
    pseudo_label_weight: float = 0.1
    fusion: FusionKind = "hungarian"
    reference: Reference = "agreed"
    masks_from: MaskSource = "decoder"
    heuristics: HeuristicsConfig = field(default_factory=HeuristicsConfig)

    def __post_init__(self) -> None:
        above(self, 0, "partition_temperature", "pseudo_label_weight")
        at_least(self, 0, "diffusion_steps")
        if self.objective == "partition" and self.masks_from != "attention":
            raise ConfigError(
                "The objective 'partition' does not train a decoder; set masks_from to 'attention'."
            )
        if self.objective == "agreement" and self.slots.heads < 2:
            raise ConfigError("The objective 'agreement' needs several heads; set heads to 2 or more.")
        if (self.objective == "alignment") != (self.fusion == "learned"):
            raise ConfigError("The objective 'alignment' and the fusion 'learned' belong together; set both.")
        if self.slots.adaptive and (
            self.decoder.kind == "transformer" or self.objective in ("partition", "alignment")
        ):
            raise ConfigError(
                "An adaptive number of slots learns from reconstruction by the decoders 'mlp' and 'mixer'; choose one "
                "of them and another objective than 'partition' or 'alignment'."
            )


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

"""Named models and trainings."""

from dataclasses import replace

from slotlight.config.backbones import EMBEDDED
from slotlight.config.choices import MaskSource, Objective
from slotlight.config.model import (
    BackboneConfig,
    DecoderConfig,
    HeuristicsConfig,
    MaskingConfig,
    ModelConfig,
    SlotConfig,
)
from slotlight.config.training import TrainConfig
from slotlight.errors import UnknownNameError

_HEURISTICS = HeuristicsConfig(
    foreground_weight=2.5,
    min_contrast=0.08,  # the least of the development fifth is 0.15
    min_structure=0.4,  # and 0.86
    merge_background=True,
    group_within=0.07,
    refine=True,
)
_STRONG = BackboneConfig(name="dinov2-vits14", facet="token", layer=8, image_size=224)
_STARTED = SlotConfig(projection_hidden=None, mlp_hidden=256, queries="patches", start="kmeans")
_TRANSFORMER = DecoderConfig(kind="transformer", hidden=768, layers=2)
_SMALL_MLP = DecoderConfig(hidden=512, layers=2, patch_share=0.25)
_SHORT = TrainConfig(steps=300, batch_size=16, learning_rate=2e-4, warmup_share=0.05)


def _on_strong_features(
    slots: SlotConfig,
    decoder: DecoderConfig,
    *,
    objective: Objective = "reconstruction",
    masks_from: MaskSource = "decoder",
) -> ModelConfig:
    return ModelConfig(
        backbone=_STRONG,
        masking=MaskingConfig(kind="none"),
        slots=slots,
        decoder=decoder,
        standardise=True,
        objective=objective,
        masks_from=masks_from,
    )


PRESETS: dict[str, tuple[ModelConfig, TrainConfig]] = {
    # DINO ViT-S/16 keys at 320; the paper's sizes. 500 epochs over VOC 2012's 15,676 photographs
    # outside val are 490,000 steps of 16; its headline is mIoU 39.4, mBO 39.7, CorLoc 69.0 on val.
    "paper": (ModelConfig(), TrainConfig(steps=490_000, batch_size=16, decay="release")),
    # The model inside the package: the slots also read what diffusion makes of the features, and learn the normalised
    # cut; `pretrained/README.md` says what it costs and what it reaches.
    EMBEDDED: (
        ModelConfig(
            backbone=BackboneConfig(name=EMBEDDED, facet="token", image_size=256),
            masking=MaskingConfig(kind="none"),
            slots=SlotConfig(projection_hidden=None, mlp_hidden=128, queries="patches", start="kmeans"),
            decoder=DecoderConfig(hidden=256, layers=2, patch_share=0.25),  # not trained
            objective="partition",
            diffusion_steps=15,
            masks_from="attention",
            heuristics=_HEURISTICS,
        ),
        TrainConfig(steps=250, batch_size=64, warmup_share=0.1),
    ),
    # Slots that learn the normalised cut of each photograph's patches, from a start as k-means. Layer 8 was chosen on
    # the development fifth, where 200 steps more gave nothing (docs/measured.md).
    "partition": (
        ModelConfig(
            backbone=_STRONG,
            masking=MaskingConfig(kind="none"),
            slots=_STARTED,
            decoder=DecoderConfig(hidden=256, layers=2),  # not trained: the slots' attention is the masks
            standardise=True,
            objective="partition",
            masks_from="attention",
        ),
        TrainConfig(steps=100, batch_size=32, warmup_share=0.05),
    ),
    # The methods of the field, all begun as k-means of the same features, in sizes that two cores train in minutes;
    # their papers train for hundreds of thousands of steps. `slotlight study methods` sets them side by side.
    # The autoregressive decoder of DINOSAUR, its patch orders permuted as in SPOT.
    "dinosaur": (_on_strong_features(_STARTED, _TRANSFORMER), _SHORT),
    # SPOT's second stage: the same again, taught the decoder's masks of the first, which is --first-stage.
    "spot": (_on_strong_features(_STARTED, _TRANSFORMER, objective="distillation"), _SHORT),
    # SmoothSA's queries; its decoder is a transformer too.
    "smoothsa": (_on_strong_features(replace(_STARTED, queries="warm"), _TRANSFORMER), _SHORT),
    # AdaSlot: at most twelve slots.
    "adaslot": (_on_strong_features(replace(_STARTED, slots=12, adaptive=True), _SMALL_MLP), _SHORT),
    # What independent heads agree on teaches each of them; Slotlight's own.
    "agreement": (
        _on_strong_features(_STARTED, _SMALL_MLP, objective="agreement", masks_from="attention"),
        # At 4e-4 heads agreed that everything is one thing (docs/methods.md).
        replace(_SHORT, learning_rate=1e-4),
    ),
    # The paper's method in sizes that two cores can train a dozen times: what `slotlight study` asks about.
    "study": (
        ModelConfig(
            backbone=BackboneConfig(name=EMBEDDED, facet="token", image_size=128),
            slots=SlotConfig(projection_hidden=256, mlp_hidden=128),
            decoder=DecoderConfig(hidden=256, layers=2, patch_share=0.25),
            masks_from="attention",  # the stronger of the two after short trainings
        ),
        TrainConfig(steps=3000, batch_size=16),
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

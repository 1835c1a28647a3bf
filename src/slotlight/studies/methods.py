"""Which of the field's methods, on the same features and in the same time: one file a method, one trainer."""

from dataclasses import replace

from slotlight.config import DecoderConfig, ModelConfig
from slotlight.studies.declaration import Arm, Contrast, Study


def transformer(model: ModelConfig) -> ModelConfig:
    """The autoregressive decoder of DINOSAUR in the base model's width, with its masks."""
    decoder = DecoderConfig(kind="transformer", hidden=model.decoder.hidden, layers=model.decoder.layers)
    return replace(model, decoder=decoder, masks_from="decoder")


def _spot(model: ModelConfig) -> ModelConfig:
    return replace(transformer(model), objective="distillation")


def _smoothsa(model: ModelConfig) -> ModelConfig:
    return replace(transformer(model), slots=replace(model.slots, queries="warm"))


def _adaslot(model: ModelConfig) -> ModelConfig:
    return replace(model, slots=replace(model.slots, adaptive=True))


def _agreement(model: ModelConfig) -> ModelConfig:
    return replace(model, objective="agreement")


def partition(model: ModelConfig) -> ModelConfig:
    """Slots that learn the normalised cut; their attention is the masks."""
    return replace(model, objective="partition", masks_from="attention")


def _unaligned(model: ModelConfig) -> ModelConfig:
    return replace(model, objective="reconstruction", fusion="hungarian")


def _alignment(model: ModelConfig) -> ModelConfig:
    return replace(model, objective="alignment", fusion="learned")


BASE = "multi-query slots"
METHODS = Study(
    name="methods",
    question="Which of the field's methods finds most on these features, in the same time?",
    claim="Not a claim of this paper; the methods' own papers each report gains over earlier ones.",
    arms=(
        Arm(BASE),
        Arm("transformer decoder (DINOSAUR)", transformer),
        Arm("distilled masks (SPOT)", _spot, first=transformer),
        Arm("warm queries (SmoothSA)", _smoothsa),
        Arm("adaptive slots (AdaSlot)", _adaslot),
        Arm("learned alignment", _alignment, first=_unaligned),
        Arm("agreement of heads", _agreement),
        Arm("normalised cut", partition),
    ),
    contrasts=(
        Contrast("transformer decoder (DINOSAUR)", BASE),
        Contrast("distilled masks (SPOT)", "transformer decoder (DINOSAUR)"),
        Contrast("warm queries (SmoothSA)", "transformer decoder (DINOSAUR)"),
        Contrast("adaptive slots (AdaSlot)", BASE),
        Contrast("learned alignment", BASE),
        Contrast("agreement of heads", BASE),
        Contrast("normalised cut", BASE),
    ),
    beside=("tokencut", "maskcut"),
    equal_time=True,
)

"""Every number of the method: frozen dataclasses, named presets, the registry of backbones.

Imports no torch, so that ``slotlight --help`` comes at once.
"""

from slotlight.config.backbones import BACKBONES, EMBEDDED, EMBEDDED_MILLION_PARAMS, BackboneEntry
from slotlight.config.calibration import Calibration
from slotlight.config.choices import (
    Decay,
    DecoderKind,
    Facet,
    FusionKind,
    GruState,
    MaskKind,
    MaskSource,
    Objective,
    Precision,
    Queries,
    Ranking,
    Reference,
    Start,
)
from slotlight.config.detector import DetectorConfig, DistilConfig, ProposalConfig
from slotlight.config.formats import FormatConfig
from slotlight.config.model import (
    BackboneConfig,
    DecoderConfig,
    HeuristicsConfig,
    MaskingConfig,
    ModelConfig,
    SlotConfig,
    with_ranking,
)
from slotlight.config.presets import PRESETS, preset
from slotlight.config.running import ObjectRule, RunConfig, ScaleConfig
from slotlight.config.tracking import TrackRule
from slotlight.config.training import TrainConfig

__all__ = [
    "BACKBONES",
    "EMBEDDED",
    "EMBEDDED_MILLION_PARAMS",
    "PRESETS",
    "BackboneConfig",
    "BackboneEntry",
    "Calibration",
    "Decay",
    "DecoderConfig",
    "DecoderKind",
    "DetectorConfig",
    "DistilConfig",
    "Facet",
    "FormatConfig",
    "FusionKind",
    "GruState",
    "HeuristicsConfig",
    "MaskKind",
    "MaskSource",
    "MaskingConfig",
    "ModelConfig",
    "ObjectRule",
    "Objective",
    "Precision",
    "ProposalConfig",
    "Queries",
    "Ranking",
    "Reference",
    "RunConfig",
    "ScaleConfig",
    "SlotConfig",
    "Start",
    "TrackRule",
    "TrainConfig",
    "preset",
    "with_ranking",
]

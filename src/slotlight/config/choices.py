"""The choices that configs offer by name."""

from typing import Literal

Facet = Literal["key", "query", "value", "token"]
MaskKind = Literal["background", "random", "none"]
GruState = Literal["slots", "normalised"]
Start = Literal["random", "kmeans"]
Queries = Literal["noise", "patches", "warm"]
Ranking = Literal["backbone", "mean", "foreground"]
DecoderKind = Literal["mlp", "mixer", "transformer"]
Objective = Literal["reconstruction", "partition", "distillation", "agreement", "alignment"]
FusionKind = Literal["hungarian", "greedy", "mean", "single", "learned"]
Reference = Literal["agreed", "first", "drawn"]
MaskSource = Literal["decoder", "attention"]
Precision = Literal["fp32", "bf16"]
Decay = Literal["halving", "cosine", "release"]
FeatureSource = Literal["cache", "stream"]

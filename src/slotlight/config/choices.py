"""The choices that configs offer by name."""

from typing import Literal

Facet = Literal["key", "query", "value", "token"]
MaskKind = Literal["background", "random", "none"]
GruState = Literal["slots", "normalised"]
Start = Literal["random", "kmeans"]
Queries = Literal["noise", "patches"]
Ranking = Literal["backbone", "mean", "foreground"]
DecoderKind = Literal["mlp", "mixer"]
Objective = Literal["reconstruction", "partition"]
FusionKind = Literal["hungarian", "greedy", "mean", "single"]
Reference = Literal["agreed", "first", "drawn"]
MaskSource = Literal["decoder", "attention"]
Precision = Literal["fp32", "bf16"]
Decay = Literal["halving", "cosine", "release"]
FormatName = Literal["coco", "coco-polygons", "yolo", "voc", "label-studio", "csv", "parquet", "cutouts"]

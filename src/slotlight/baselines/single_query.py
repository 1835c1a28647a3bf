"""Single-query slot attention without masking, trained: what several sets of slots and a mask must beat.

Plain slot attention on frozen features: one set of seven slots that sees every patch, the masks of its own attention.
What follows (background slots as one, scores) is as with any model. The package holds weights for its own backbone,
trained without a label on the photographs that the embedded model was trained on:

    slotlight train PHOTOS... --preset single-query --out runs/single-query

On another backbone train it with ``--preset single-query --backbone NAME``, and give the folder as a model.

Source:
    Locatello et al., 2020, on features as in DINOSAUR (Seitzer et al., 2023): the baseline of arXiv 2404.19654.
"""

import json

from slotlight.backbones import Backbone
from slotlight.config import Precision
from slotlight.errors import WeightsError
from slotlight.files import pretrained
from slotlight.model.checkpoint import load_model
from slotlight.model.segmenter import ModelSegmenter

SINGLE_QUERY = "single-query"


def load_single_query(backbone: Backbone, precision: Precision = "fp32") -> ModelSegmenter:
    """The trained floor on the backbone that it was trained on.

    Raises:
        WeightsError: It was trained on another's features.
    """
    if not is_trained_on(backbone):
        raise WeightsError(
            f"The {SINGLE_QUERY} in the package was not trained on {backbone.name!r}; run `slotlight train PHOTOS "
            f"--preset {SINGLE_QUERY} --backbone {backbone.name} --out FOLDER` and give FOLDER as the model."
        )
    name = f"{SINGLE_QUERY}@{backbone.name}"
    return load_model(
        pretrained(SINGLE_QUERY), name=name, backbone=backbone, device=backbone.device, precision=precision
    )


def is_trained_on(backbone: Backbone) -> bool:
    """Whether the package's weights are for these very features."""
    config = json.loads(pretrained(SINGLE_QUERY, "config.json").read_text())
    return bool(config["backbone_fingerprint"] == backbone.fingerprint())

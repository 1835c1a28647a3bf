"""A model's card: what it is, how it was trained, and what was measured of it; nothing that was not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slotlight.errors import CheckpointError
from slotlight.version import __version__

_REPORT, _FACTS = "report.md", "report.json"


def model_card(repo: str, config: Mapping[str, Any], *, licence: str | None, evaluation: Path | None) -> str:
    """The text of a ``README.md`` for the hub.

    Args:
        repo: ``user/name``.
        config: A model folder's ``config.json``.
        licence: An identifier that the hub knows, such as ``apache-2.0``.
        evaluation: A folder that `slotlight evaluate` wrote.

    Raises:
        CheckpointError: The folder holds no evaluation.
    """
    name = repo.split("/")[-1]
    head = ["---", "library_name: slotlight", "pipeline_tag: image-segmentation"]
    head += [f"license: {licence}"] if licence else []
    head += ["tags:", "- slotlight", "- object-discovery", "- unsupervised", "---"]
    body = [
        *(
            "",
            f"# {name}",
            "",
            "Finds the objects in photographs without labels: boxes, masks and scores.",
            "",
        ),
        *("```python", "import slotlight", ""),
        f'slotlight.load("{repo}").discover("photo.jpg").overlay().save("overlay.png")',
        *("```", "", f"`pip install slotlight`; written by Slotlight {__version__}.", ""),
        *("## The model", "", "| | |", "|---|---|", *_facts(config), ""),
        *("## Measured", "", _measured(evaluation)),
    ]
    return "\n".join([*head, *body]).rstrip() + "\n"


def _facts(config: Mapping[str, Any]) -> list[str]:
    if config.get("kind") == "detector":
        return [
            "| kind | an instance detector, distilled from regions found without labels |",
            *_training(config),
        ]
    model = config["model"]
    backbone, slots = model["backbone"], model["slots"]
    rows = {
        "features": f"{backbone['facet']}s of `{backbone['name']}`, block or stage {backbone['layer']}, frozen",
        "resolution": f"about {backbone['image_size']}×{backbone['image_size']} pixels, aspect ratio kept",
        "slots": f"{slots['heads']} heads of {slots['slots']} slots, {slots['iterations']} iterations",
        "fusion, masks": f"{model['fusion']}; from the {model['masks_from']}",
        "objective": model["objective"],
    }
    return [f"| {key} | {value} |" for key, value in rows.items()] + _training(config)


def _training(config: Mapping[str, Any]) -> list[str]:
    info = config.get("info", {})
    rows = []
    if labels := config.get("calibration", {}).get("labels"):
        rows.append(f"| scores | probabilities of being right, fitted to labels of {labels} |")
    if "photographs" in info:
        rows.append(f"| training data | {info['photographs']:,} photographs without labels |")
    if isinstance(train := info.get("train"), Mapping) and "steps" in train:
        size, seed = train.get("batch_size", "?"), train.get("seed", "?")
        rows.append(f"| training | {train['steps']:,} steps of {size} photographs, seed {seed} |")
    return rows


def _measured(evaluation: Path | None) -> str:
    if evaluation is None:
        return "Nothing was measured for this card."
    try:
        facts = json.loads((evaluation / _FACTS).read_text(encoding="utf-8"))
        tables = (evaluation / _REPORT).read_text(encoding="utf-8")
        rows = [row["model"] for table in facts["tables"] for row in table["rows"] if not row["is_floor"]]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise CheckpointError(
            f"{evaluation} holds no finished evaluation ({fault}); give a folder that `slotlight evaluate` wrote."
        ) from fault
    measured = ", ".join(f"`{name}`" for name in dict.fromkeys(rows))
    return f"Floors beside {measured}, as `slotlight evaluate` wrote it.\n\n{tables}"

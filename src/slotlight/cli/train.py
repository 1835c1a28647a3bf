"""``slotlight train``: photographs → a model folder. Every field of the configs can be set."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from slotlight.config import EMBEDDED, PRESETS, BackboneConfig, ModelConfig, TrainConfig, preset

PresetName = Literal[
    "adaslot",
    "agreement",
    "dinosaur",
    "embedded",
    "paper",
    "partition",
    "single-query",
    "smoothsa",
    "spot",
    "study",
]
_RENAMED = {"--mask-ratio": "--masking.ratio", "--decode-patches": "--decoder.patch-share"}


def train_command(arguments: Sequence[str]) -> Callable[..., int]:
    """The command with the defaults of the preset and backbone that its arguments name."""
    chosen, model_default, training_default = defaults_of(arguments, EMBEDDED, "paper")

    def train(
        paths: Positional[tuple[str, ...]],
        *,
        out: Path,
        preset: PresetName = chosen,  # type: ignore[assignment]  # noqa: ARG001
        model: Annotated[ModelConfig, arg(name="")] = model_default,
        training: TrainConfig = training_default,
        device: str = "auto",
        cache: Path | None = None,
        resume: bool = False,
        start_over: bool = False,
    ) -> int:
        """Train slots on a folder of photographs, without a label.

        The backbone's features are computed once and kept in OUT/features. The same command, run again, resumes where
        it stopped. Use the trained model with `slotlight discover --model OUT`.
        The last part of an option's name is enough where it is unique: --steps is --training.steps, --heads is
        --slots.heads; --backbone NAME is --backbone.name, --masking KIND and --decoder KIND set their kinds.

        Args:
            paths: Photographs, folders (searched recursively) or "globs".
            out: The folder to write to.
            preset: Where all other defaults come from: embedded for the embedded backbone, paper for any other.
                partition learns the normalised cut of each photograph in minutes; dinosaur, spot, smoothsa, adaslot
                and agreement are methods of docs/methods.md; single-query is plain slot attention, the floor of that
                name.
            model: The model to train.
            training: How it is trained.
            device: auto, cpu, cuda, mps, ...
            cache: Where features are kept, to share them between runs; OUT/features by default.
            resume: Require that OUT already holds this run, and resume it.
            start_over: Delete the results of an earlier run in OUT first.
        """
        from slotlight.devices import pick_device
        from slotlight.training.train import train as run

        folder = run(
            paths,
            out,
            model,
            training,
            device=pick_device(device),
            resume=resume,
            start_over=start_over,
            cache=cache,
        )
        print(
            f"The model is in {folder}; use it with: slotlight discover PHOTOS --out found --model {folder}"
        )
        return 0

    return train


def defaults_of(arguments: Sequence[str], embedded: str, other: str) -> tuple[str, ModelConfig, TrainConfig]:
    """The preset that arguments ask for, and what it says for the backbone that they name.

    Args:
        arguments: Of the command line, options by their full names.
        embedded: The preset of the embedded backbone, where none is named.
        other: That of any other backbone.
    """
    name = value_of(arguments, "--preset")
    backbone = value_of(arguments, "--backbone.name")
    chosen = name if name in PRESETS else embedded if backbone in (None, EMBEDDED) else other
    model, training = preset(chosen)
    if backbone == EMBEDDED != model.backbone.name:  # which has one facet and one layer
        model = replace(model, backbone=BackboneConfig(name=EMBEDDED, facet="token", image_size=256))
    return chosen, model, training


def full_options(arguments: Sequence[str]) -> list[str]:
    """Options by their full names, where a shorter one was given.

    Example:
        >>> full_options(["photos", "--steps", "4", "--slots=5", "--backbone", "embedded", "--no-refine"])
        ['photos', '--training.steps', '4', '--slots.slots=5', '--backbone.name', 'embedded', '--heuristics.no-refine']
    """
    short = _short_options()
    found = []
    for argument in arguments:
        option, equals, value = argument.partition("=")
        found.append(short.get(option.replace("_", "-"), option) + equals + value)
    return found


def _short_options() -> dict[str, str]:
    """Every short option and what it stands for."""
    leaves: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    for prefix, config in _groups():
        for number, field in enumerate(fields(config)):
            name = field.name.replace("_", "-")
            if not is_dataclass(getattr(config, field.name)):
                leaves.setdefault(f"--{name}", []).append(f"--{prefix}{name}")
                if isinstance(getattr(config, field.name), bool):
                    leaves.setdefault(f"--no-{name}", []).append(f"--{prefix}no-{name}")
                if number == 0 and prefix and field.name in ("name", "kind"):
                    groups[f"--{prefix.rstrip('.')}"] = f"--{prefix}{name}"
    unique = {short: full[0] for short, full in leaves.items() if len(full) == 1 and short != full[0]}
    return unique | groups | _RENAMED


def _groups() -> list[tuple[str, Any]]:
    """The configs, and what their options begin with."""
    model = ModelConfig()
    parts = [(f"{field.name}.", getattr(model, field.name)) for field in fields(model)]
    return [("", model), *(part for part in parts if is_dataclass(part[1])), ("training.", TrainConfig())]


def value_of(arguments: Sequence[str], option: str) -> str | None:
    """What an option is given, before the whole command line is read."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == option:
            return value if equals else next(iter(arguments[place + 1 : place + 2]), None)
    return None

"""Equal time: how many steps each training of a study has, so that all take as long as the base model's.

What a step takes is measured once and kept with the study, so that a study that was killed goes on with the same steps.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from slotlight.config import ModelConfig
from slotlight.errors import OutputError
from slotlight.files import digest, write_text
from slotlight.studies.plan import Reading, Training

PACES = "paces.json"


def kept_paces(
    folder: Path, models: Sequence[ModelConfig], measure: Callable[[ModelConfig], float]
) -> dict[ModelConfig, float]:
    """Seconds a step of each model: those in the study's folder, or measured now and written there.

    Raises:
        OutputError: What is there is damaged.
    """
    path, keys = folder / PACES, {model: digest(repr(model)) for model in models}
    try:
        known = json.loads(path.read_text()) if path.is_file() else {}
        seconds = {
            model: float(known[key]) if key in known else measure(model) for model, key in keys.items()
        }
    except (ValueError, TypeError) as error:
        raise OutputError(
            f"{path} is damaged ({error}); pass --start-over to begin the study anew."
        ) from error
    text = json.dumps(known | {keys[model]: pace for model, pace in seconds.items()}, indent=1)
    write_text(path, [text, "\n"])
    return seconds


def in_equal_time(
    readings: Sequence[Reading], base: ModelConfig, paces: dict[ModelConfig, float]
) -> tuple[Reading, ...]:
    """The same plan with each training's steps changed; at least one of each stage.

    Args:
        readings: The plan; its trainings have the base model's steps.
        base: The model whose training says how long each takes.
        paces: Seconds a step of every model.
    """

    def timed(training: Training, share: float) -> Training:
        first = training.first and timed(training.first, share / 2)
        own = share / 2 if first else share
        steps = max(1, round(training.training.steps * own * paces[base] / paces[training.model]))
        return replace(training, training=replace(training.training, steps=steps), first=first)

    return tuple(replace(reading, training=timed(reading.training, 1.0)) for reading in readings)

"""The learning rate of a step."""

import math

from slotlight.config import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """The learning rate of an optimiser step, counted from 0.

    - ``halving``: rises linearly, then halves (without jumps) every ``halving_share`` of the steps.
    - ``cosine``: rises linearly, then falls along a cosine to zero.
    - ``release``: what the authors' code computes. It measures warm-up and half-life as shares of all *images* but
      counts steps, so both last ``batch_size`` times as long as the shares say; and it halves during the warm-up too.

    Source of ``release``: ``method2.py`` of https://github.com/rishavpramanik/maskedmultiqueryslot.

    Example:
        At a batch of 16 the release's warm-up and its half-life are each 16 × 2 % = 32 % of the run:

        >>> short = TrainConfig(steps=100, warmup_share=0.1, decay="halving", halving_share=0.2)
        >>> [round(1e4 * learning_rate(step, short), 2) for step in (0, 9, 10, 30, 50)]
        [0.4, 4.0, 4.0, 2.0, 1.0]
        >>> paper = TrainConfig(steps=100, batch_size=16, decay="release")
        >>> [round(1e4 * learning_rate(step, paper), 2) for step in (0, 16, 32, 64, 96)]
        [0.0, 1.41, 2.0, 1.0, 0.5]
    """
    if config.decay == "release":
        warmup = config.warmup_share * config.steps * config.batch_size
        half_life = config.halving_share * config.steps * config.batch_size
        rise = step / warmup if step < warmup else 1.0
        return config.learning_rate * rise * math.exp2(-step / half_life)
    warmup = round(config.warmup_share * config.steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    if config.decay == "halving":
        return config.learning_rate * math.exp2((warmup - step) / (config.halving_share * config.steps))
    done = (step - warmup) / max(1, config.steps - warmup)
    return config.learning_rate * (1 + math.cos(math.pi * done)) / 2

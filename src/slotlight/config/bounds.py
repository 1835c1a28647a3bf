"""Bounds of numbers, each with the sentence that says so."""

from slotlight.errors import ConfigError

_MOST = 10**9


def at_least(config: object, least: int, *names: str) -> None:
    """Refuse a config one of whose named numbers is less, or absurdly large."""
    for name in names:
        at_most(config, _MOST, name)
        if not getattr(config, name) >= least:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be at least {least}.")


def at_most(config: object, most: int, *names: str) -> None:
    """Refuse a config one of whose named numbers is greater."""
    for name in names:
        if getattr(config, name) > most:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be at most {most:,}.")


def above(config: object, bound: int, *names: str) -> None:
    """Refuse a config one of whose named numbers does not exceed a bound, or is absurdly large."""
    for name in names:
        at_most(config, _MOST, name)
        if not getattr(config, name) > bound:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be above {bound}.")


def in_unit_interval(config: object, *names: str) -> None:
    """Refuse a config one of whose named numbers is not in [0, 1]."""
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise ConfigError(f"{name} is {getattr(config, name)}; it must be in [0, 1].")


def check_seed(seed: int) -> None:
    """Refuse a seed that torch cannot take."""
    if not 0 <= seed < 2**63:
        raise ConfigError(f"seed is {seed}; it must be from 0 to 2^63 - 1.")

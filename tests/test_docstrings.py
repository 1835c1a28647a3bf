"""The examples in the docstrings are true."""

import doctest
from importlib import import_module

import pytest

MODULES = [
    "backbones",
    "checkpoint",
    "config",
    "cut_networks",
    "decoder",
    "discovery",
    "drawing",
    "errors",
    "fusion",
    "images",
    "masking",
    "model",
    "objects",
    "slot_attention",
    "weights",
    "workers",
]
WITH_EXAMPLES = {
    "backbones",
    "config",
    "cut_networks",
    "discovery",
    "errors",
    "fusion",
    "images",
    "masking",
    "model",
    "slot_attention",
    "workers",
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(import_module(f"slotlight.{name}"))
    assert results.failed == 0
    assert (results.attempted > 0) == (name in WITH_EXAMPLES)

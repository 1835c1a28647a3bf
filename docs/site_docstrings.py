"""For mkdocstrings: the docstrings' examples as code."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Our docstrings say ``Example:``; only ``Examples:`` is a section whose lines are code."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section of one object's docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"(?m)^Example:$", "Examples:", obj.docstring.value)

"""Label Studio's ML backend: ``python -m slotlight.integrations.label_studio --port 9090``.

In the project, under *Settings, Model*, connect ``http://localhost:9090``. Predictions go to the first brush tag and
the first rectangle tag of the labelling interface, whatever they are called.
"""

import argparse
import os
from functools import cache
from pathlib import Path
from typing import Any

from label_studio_ml.api import init_app
from label_studio_ml.model import LabelStudioMLBase

from slotlight.config import EMBEDDED
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import ConfigError
from slotlight.formats.found import OBJECT
from slotlight.formats.label_studio import Tags
from slotlight.loading import load

MODEL = "SLOTLIGHT_MODEL"
"""An environment variable: the model, as `slotlight.load` has it."""


class SlotlightBackend(LabelStudioMLBase):
    """Finds the objects of each task's image."""

    def predict(self, tasks: list[dict[str, Any]], **_: Any) -> list[dict[str, Any]]:
        """A prediction for each task, with its certainty as score.

        Args:
            tasks: As Label Studio sends them; what a person has drawn so far changes nothing.

        Raises:
            ConfigError: The project has neither a brush nor a rectangle tag with the label *object*.
            ImageError: An image cannot be read.
        """
        tags, data_key = _tags(self.parsed_label_config)
        paths = [Path(self.get_local_path(task["data"][data_key])) for task in tasks]
        return [found.to_label_studio(tags) for found in _discoverer().discover(paths)]


@cache
def _discoverer() -> Discoverer:
    return load(os.environ.get(MODEL, EMBEDDED))


def _tags(interface: dict[str, Any]) -> tuple[Tags, str]:
    """Where predictions go, and the key of the task's image."""
    named = {
        tag["type"].lower(): (name, tag)
        for name, tag in reversed(interface.items())
        if OBJECT in tag["labels"]
    }
    brush, box = (named.get(kind, (None, None)) for kind in ("brushlabels", "rectanglelabels"))
    _, control = brush if brush[1] else box
    if control is None:
        raise ConfigError(
            f"The project's labelling interface has no BrushLabels or RectangleLabels with the label {OBJECT!r}; add "
            "one under Settings, Labeling Interface."
        )
    return Tags(brush=brush[0], box=box[0], image=control["to_name"][0]), control["inputs"][0]["value"]


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m slotlight.integrations.label_studio")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--model", default=os.environ.get(MODEL, EMBEDDED))
    arguments = parser.parse_args()
    os.environ[MODEL] = arguments.model
    _discoverer()  # before the first request, which would wait for it
    init_app(model_class=SlotlightBackend).run(host=arguments.host, port=arguments.port)


if __name__ == "__main__":
    main()

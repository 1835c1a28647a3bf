"""For `torch.hub`: ``torch.hub.load("OWNER/slotlight", "slotlight")`` gives a `slotlight.Discoverer`."""

import sys
from pathlib import Path
from typing import Any

dependencies = [
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "scipy",
    "PIL",
    "safetensors",
    "jaxtyping",
    "huggingface_hub",
]


def slotlight(name: str = "embedded", **options: Any) -> Any:
    """What `slotlight.load` gives: the model in the package, a folder, a name on the hub, or a baseline.

    Args:
        name: See `slotlight.load`.
        options: Its other arguments.
    """
    source = str(Path(__file__).parent / "src")
    if source not in sys.path:
        sys.path.insert(0, source)
    from slotlight.loading import load

    return load(name, **options)

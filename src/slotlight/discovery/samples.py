"""Real photographs that come with an installable package, to try Slotlight on."""

from importlib.util import find_spec
from pathlib import Path

from slotlight.errors import ImageError

SAMPLES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def sample_photographs() -> list[Path]:
    """An astronaut, a cat, a cup of coffee and a rocket, as scikit-image carries them.

    Raises:
        ImageError: scikit-image is not installed.
    """
    found = find_spec("skimage")
    if found is None or found.origin is None:
        raise ImageError(
            "The samples are scikit-image's; install them with: pip install 'slotlight[samples]'."
        )
    folder = Path(found.origin).parent / "data"
    return [folder / name for name in SAMPLES]

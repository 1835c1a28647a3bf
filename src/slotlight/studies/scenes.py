"""Drawn scenes as files to train on, where no photographs are given."""

from pathlib import Path

from PIL import Image

from slotlight.datasets import SyntheticDataset
from slotlight.images.saving import save_picture

SEED = 1
"""Of the scenes that train: they have nothing in common with those of `DATASETS`, which measure."""

COUNT = 600


def drawn_photographs(folder: Path, count: int = COUNT) -> list[Path]:
    """Draw scenes to a folder, but for those that lie there already.

    Example:
        >>> [path.name for path in drawn_photographs(Path("scenes"), count=2)]
        ['scene-1-000000.png', 'scene-1-000001.png']
    """
    scenes = SyntheticDataset(count=count, seed=SEED)
    paths = []
    for sample in (scenes[index] for index in range(count)):
        paths.append(folder / f"{sample.id}.png")
        if not paths[-1].is_file():
            save_picture(Image.fromarray(sample.read_image()), paths[-1])
    return paths

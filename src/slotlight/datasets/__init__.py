"""Photographs to measure on: VOC, COCO, folders, and scenes drawn by the project itself."""

from slotlight.config.data import DatasetSource, MaskKind
from slotlight.datasets.coco import COCODataset
from slotlight.datasets.folder import FolderDataset
from slotlight.datasets.sample import VOID, Dataset, LabelKind, Labels, Sample
from slotlight.datasets.synthetic import SyntheticDataset
from slotlight.datasets.voc import VOCDataset, is_voc
from slotlight.errors import DatasetError
from slotlight.paths import expand_home

__all__ = [
    "DATASETS",
    "VOID",
    "COCODataset",
    "Dataset",
    "DatasetSource",
    "FolderDataset",
    "LabelKind",
    "Labels",
    "MaskKind",
    "Sample",
    "SyntheticDataset",
    "VOCDataset",
    "open_dataset",
]


DATASETS = {
    dataset.name: dataset
    for dataset in (
        SyntheticDataset(),
        SyntheticDataset(name="synthetic-small", radius=(0.03, 0.08), most_objects=8),
        SyntheticDataset(name="synthetic-crowded", fewest_objects=4, most_objects=10, least_visible=0.15),
    )
}
"""Datasets that have a name: drawn scenes of a few large objects, of small ones, and of many that hide each other."""


def open_dataset(source: DatasetSource) -> Dataset:
    """Open whatever dataset a source means; nothing is guessed that would change a number.

    Raises:
        DatasetError: There is no such dataset, or a split of one that has none.
        ImageError: Its name is empty.

    Example:
        >>> len(open_dataset(DatasetSource("synthetic")))
        1000
    """
    path = expand_home(source.data)
    annotations, masks = (place and expand_home(place) for place in (source.annotations, source.masks))
    if annotations is not None and masks is not None:
        raise DatasetError("Labels come from --annotations or from --masks; leave one of them out.")
    if masks is None and source.mask_kind != "binary":
        raise DatasetError(
            f"--mask-kind {source.mask_kind} needs masks; pass --masks too, or leave out --mask-kind."
        )
    labelled_elsewhere = annotations is not None or masks is not None
    if is_voc(path) and not labelled_elsewhere:
        return VOCDataset(path, source.split)
    if source.split is not None:
        raise DatasetError(
            f"{source.data} has no splits (only a VOC devkit has); leave {source.split!r} out."
        )
    if annotations is not None:
        return COCODataset(annotations, path)
    if source.data in DATASETS:
        return DATASETS[source.data]
    if not path.is_dir():
        raise DatasetError(
            f"There is no dataset {path}; give a VOC devkit, a folder of photographs or {' | '.join(DATASETS)}."
        )
    return FolderDataset(path, masks, source.mask_kind)

"""A labelled dataset → the fifth whose labels teach, and the rest, on which everything is measured."""

from dataclasses import dataclass

from slotlight.datasets import Dataset, LabelKind, Sample, VOCDataset
from slotlight.errors import DatasetError

EVERY = 5
"""Every so many-th photograph teaches."""


@dataclass(frozen=True)
class Part:
    """Some photographs of a dataset.

    Attributes:
        whole: The dataset.
        places: Which, in order.
        what: What part of the split they are.
    """

    whole: Dataset
    places: tuple[int, ...]
    what: str

    @property
    def name(self) -> str:
        """The dataset's."""
        return self.whole.name

    @property
    def split(self) -> str:
        """The dataset's, and the part of it."""
        return f"{self.what} of {self.whole.split}"

    @property
    def label_kinds(self) -> frozenset[LabelKind]:
        """The dataset's."""
        return self.whole.label_kinds

    def __len__(self) -> int:
        """How many photographs."""
        return len(self.places)

    def __getitem__(self, index: int) -> Sample:
        """One of them; nothing is read yet."""
        return self.whole[self.places[index]]


def taught_and_measured(dataset: Dataset, most: int) -> tuple[Dataset, Dataset]:
    """The photographs whose labels teach, and those that are measured: no photograph is both.

    Every fifth teaches, from the first; of VOC 2012's ``val`` these are ``dev`` and ``test``. Labels of ``test`` never
    teach: measured on it, ``dev`` teaches.

    Args:
        dataset: What was asked for.
        most: Photographs that teach at most, spread evenly over the fifth.

    Raises:
        DatasetError: There are too few photographs, or they have no masks to learn from.

    Example:
        >>> from slotlight.datasets import SyntheticDataset
        >>> taught, measured = taught_and_measured(SyntheticDataset(count=7), most=10)
        >>> [sample.id[-1] for sample in taught], [sample.id[-1] for sample in measured]
        (['0', '5'], ['1', '2', '3', '4', '6'])
    """
    if not dataset.label_kinds - {LabelKind.BOXES}:
        raise DatasetError(
            f"{dataset.name} ({dataset.split}) has no masks, from which supervised heads learn; give data with masks."
        )
    places = range(len(dataset))
    fifth, others = places[::EVERY], tuple(place for place in places if place % EVERY)
    measured: Dataset = Part(dataset, others, "four fifths")
    if isinstance(dataset, VOCDataset) and (dataset.name, dataset.split) == ("VOC2012", "test"):
        taught: Dataset = VOCDataset(dataset.root, "dev")
        fifth, measured = range(len(taught)), dataset
    else:
        taught = dataset
    if not len(measured) or not fifth:
        raise DatasetError(
            f"{dataset.name} ({dataset.split}) has {len(dataset)} photographs, of which a fifth teaches and the others "
            "are measured; give two at least."
        )
    count = min(most, len(fifth))
    chosen = tuple(fifth[number * len(fifth) // count] for number in range(count))
    taught = Part(taught, chosen, "every fifth" if taught is dataset else "all")
    both = {taught[place].id for place in range(count)} & {sample.id for sample in _samples(measured)}
    if both:
        raise DatasetError(f"{min(both)} would teach and be measured; name each photograph once.")
    return taught, measured


def _samples(dataset: Dataset) -> list[Sample]:
    return [dataset[place] for place in range(len(dataset))]

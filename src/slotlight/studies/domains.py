"""Models trained on photographs of one domain, measured on those of all; and which photographs of VOC are of which."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from slotlight.datasets import VOID, Dataset, LabelKind, VOCDataset
from slotlight.datasets.voc import CLASSES
from slotlight.errors import ConfigError, SlotlightError
from slotlight.images import find_photographs
from slotlight.parallel import WORKERS, map_ahead, worker_pool
from slotlight.studies.declaration import Arm, Contrast, Measure, Study

_GROUPS = {
    "animals": ("bird", "cat", "cow", "dog", "horse", "sheep"),
    "people": ("person",),
    "vehicles": ("aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"),
    "indoor": ("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"),
}
"""VOC's own groups of classes."""


def read_domains(asked: Study, given: Sequence[str]) -> dict[str, list[Path]]:
    """The photographs of each domain that is given as NAME=FOLDER.

    Raises:
        ConfigError: The study does not take domains, there is one alone, or two have one name.
        ImageError: A folder has no photographs.
    """
    if not given:
        return {}
    if not asked.takes_domains:
        raise ConfigError(f"The study {asked.name!r} does not use domains; leave --domains out.")
    parts = [domain.partition("=") for domain in given]
    if not all(name and folder for name, _, folder in parts):
        raise ConfigError(f"The domains are {' '.join(given)}; give each as NAME=FOLDER.")
    if len({name for name, _, _ in parts}) < len(parts) or len(parts) < 2:
        raise ConfigError(
            "Domains are compared with each other; give two at least, each with a name of its own."
        )
    return {name: find_photographs([folder]) for name, _, folder in parts}


def with_domains(asked: Study, names: Sequence[str]) -> Study:
    """The study with an arm for each domain, compared with the first arm, which is trained on all, and each other.

    Example:
        >>> from slotlight.studies.shift import SHIFT
        >>> with_domains(SHIFT, ["pets", "people"]).contrasts[-1]
        Contrast(arm='trained on pets', against='trained on people', claim=0)
    """
    arms = tuple(Arm(f"trained on {name}", domain=name) for name in names)
    against_all = tuple(Contrast(arm.name, asked.arms[0].name) for arm in arms)
    against_each_other = tuple(Contrast(one.name, other.name) for one, other in combinations(arms, 2))
    contrasts = (*asked.contrasts, *against_all, *against_each_other) if arms else asked.contrasts
    return replace(asked, arms=(*asked.arms, *arms), contrasts=contrasts)


def by_group(measure: Measure, dataset: Dataset, limit: int | None) -> tuple[Measure, ...]:
    """A measure on the photographs of each group alone, of a VOC devkit with class masks; none of any other data.

    Args:
        measure: One of class masks.
        dataset: What is measured.
        limit: On only this many photographs, from the first.
    """
    if not isinstance(dataset, VOCDataset) or LabelKind.CLASSES not in dataset.label_kinds:
        return ()
    return tuple(
        replace(
            measure,
            name=f"{measure.name}, {name}",
            meaning=f"{measure.name} in photographs of {name} alone, {len(places)} of them.",
            value=measure.of,
            places=places,
        )
        for name, places in groups_of(dataset, limit).items()
        if places
    )


def groups_of(dataset: Dataset, limit: int | None) -> Mapping[str, frozenset[int]]:
    """The places of photographs all of whose annotated objects are of one group of classes."""
    numbers = {name: {CLASSES.index(one) + 1 for one in classes} for name, classes in _GROUPS.items()}

    def read(place: int) -> set[int]:
        try:
            classes = dataset[place].read_labels(frozenset({LabelKind.CLASSES})).classes
        except SlotlightError:  # measuring it will say why
            return set()
        return set() if classes is None else {*np.unique(classes).tolist()} - {0, VOID}

    with worker_pool() as pool:
        places = range(min(limit or len(dataset), len(dataset)))
        found = list(map_ahead(pool, read, places, ahead=2 * WORKERS))
    return {
        name: frozenset(place for place, classes in enumerate(found) if classes and classes <= known)
        for name, known in numbers.items()
    }

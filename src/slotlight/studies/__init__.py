"""The paper's tables, open questions and checks, one command each: a file each, named in `STUDIES`.

Example:
    >>> find_study("masking").question
    'Does it help to hide likely background from the slots in training?'
"""

from slotlight.errors import UnknownNameError
from slotlight.studies.declaration import Study
from slotlight.studies.heads import HEADS
from slotlight.studies.mask_ratio import MASK_RATIO
from slotlight.studies.masking import MASKING
from slotlight.studies.matching import MATCHING
from slotlight.studies.methods import METHODS
from slotlight.studies.shift import SHIFT
from slotlight.studies.slots import SLOTS
from slotlight.studies.small_objects import SMALL_OBJECTS
from slotlight.studies.stability import STABILITY
from slotlight.studies.supervised import SUPERVISED

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        *(MASKING, MASK_RATIO, HEADS, MATCHING, SLOTS, SMALL_OBJECTS),
        *(SHIFT, SUPERVISED, STABILITY, METHODS),
    )
}


def find_study(name: str) -> Study:
    """The study of a name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in STUDIES:
        raise UnknownNameError("study", name, STUDIES)
    return STUDIES[name]

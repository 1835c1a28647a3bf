"""The named ways to measure; a file each. A new one is a file here and a line in `PROTOCOLS`.

Numbers of this field are seldom comparable: image or label cropped or squashed, class or instance masks,
background counted or not, void ignored or not, the best of all boxes or the one best box. A protocol fixes
all of that, and its name goes beside every number. Values are shares in [0, 1] (ARI may fall below 0).
"""

from slotlight.datasets.sample import Dataset
from slotlight.errors import DatasetError, UnknownNameError
from slotlight.evaluation.protocols.corloc import CORLOC
from slotlight.evaluation.protocols.detection import DETECTION
from slotlight.evaluation.protocols.instances import INSTANCES
from slotlight.evaluation.protocols.masks import MASKS
from slotlight.evaluation.protocols.paper import PAPER, PAPER_AS_RELEASED
from slotlight.evaluation.protocols.protocol import Metric, Pool, Protocol, View
from slotlight.evaluation.protocols.saliency import SALIENCY

__all__ = ["PROTOCOLS", "Metric", "Pool", "Protocol", "View", "check_labels", "find_protocol"]

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (PAPER, PAPER_AS_RELEASED, INSTANCES, CORLOC, DETECTION, MASKS, SALIENCY)
}


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def check_labels(protocol: Protocol, dataset: Dataset) -> None:
    """Refuse a dataset that lacks the labels that a protocol needs.

    Raises:
        DatasetError: What is lacking, and which protocols the dataset allows.
    """
    lacking = protocol.needs - dataset.label_kinds
    if lacking:
        able = [other.name for other in PROTOCOLS.values() if other.needs <= dataset.label_kinds]
        raise DatasetError(
            f"The protocol {protocol.name!r} needs {' and '.join(sorted(lacking))}, which {dataset.name} "
            f"({dataset.split}) lacks; protocols that it allows: {', '.join(able) or 'none'}."
        )

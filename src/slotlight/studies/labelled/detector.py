"""A detector that others trained with labels: torchvision's Mask R-CNN or Faster R-CNN, from a file or their hub."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import detection as detectors
from torchvision.models import get_model, get_weight, list_models
from torchvision.models.detection import FasterRCNN

from slotlight.backbones.layouts import flatten
from slotlight.backbones.weights import first_line, read_tables
from slotlight.config import DetectorConfig
from slotlight.detector.segmenter import DetectorSegmenter
from slotlight.errors import WeightsError
from slotlight.files import digest, file_digest

IMAGE_SIZE = 800
"""Photographs are read at about this many pixels squared; torchvision's have 800 along the shorter side."""

LEAST_SCORE = 0.5
"""What the detector is less sure of is not an object: its segments share a photograph, and must leave background."""

_CLASSIFIER = "roi_heads.box_predictor.cls_score.weight"


def detector_identity(weights: str) -> str:
    """What changes when the weights do: a file's content, or a name of torchvision's.

    Raises:
        WeightsError: There is no such file, and torchvision knows no weights of that name.
    """
    if Path(weights).is_file():
        return file_digest(Path(weights))
    return digest(_known(weights).url)


def load_supervised_detector(weights: str, *, name: str, device: torch.device) -> DetectorSegmenter:
    """Build the network that weights fit, and fill it.

    Args:
        weights: A file, safetensors or PyTorch; or the name of torchvision's own, such as
            ``MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1``, which its hub gives.
        name: What tables call it.
        device: Where to put it.

    Raises:
        WeightsError: They are missing, damaged, out of reach, or of none of torchvision's R-CNNs.
    """
    state = _state_of(weights)
    network = _network_for(state, weights).to(device)
    network.roi_heads.score_thresh = LEAST_SCORE
    return DetectorSegmenter(name, network, DetectorConfig(image_size=IMAGE_SIZE))


def _state_of(weights: str) -> dict[str, Tensor]:
    if Path(weights).is_file():
        state = dict(flatten(read_tables(Path(weights))))
        inside = next((key for key in state if key.endswith(_CLASSIFIER)), _CLASSIFIER)
        prefix = inside.removesuffix(_CLASSIFIER)
        return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    known = _known(weights)
    try:
        found: dict[str, Tensor] = known.get_state_dict(check_hash=True, weights_only=True)
    except Exception as fault:  # what its client's network raises has no common class
        raise WeightsError(
            f"{weights} cannot be fetched ({first_line(fault)}); download {known.url} and pass the file as --detector."
        ) from fault
    return found


def _known(weights: str) -> detectors.MaskRCNN_ResNet50_FPN_V2_Weights:
    try:
        found: detectors.MaskRCNN_ResNet50_FPN_V2_Weights = get_weight(weights)
    except (ValueError, AttributeError, KeyError):
        raise WeightsError(
            f"There is no file {weights}, and torchvision knows no weights of that name; give a file, or a name such "
            "as MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1."
        ) from None
    return found


def _network_for(state: dict[str, Tensor], weights: str) -> FasterRCNN:
    """Torchvision's R-CNN whose weights have these names and shapes."""
    if _CLASSIFIER in state:
        classes = len(state[_CLASSIFIER])
        # The 320 of a name is another way to run the same weights.
        for name in list_models(detectors, include=["maskrcnn*", "fasterrcnn*"], exclude="*_320_*"):
            with torch.device("meta"):
                network = get_model(name, weights=None, weights_backbone=None, num_classes=classes)
            if _shapes(network.state_dict()) == _shapes(state):
                return _filled(name, state, weights, classes)
    raise WeightsError(
        f"{weights} holds none of torchvision's Mask or Faster R-CNNs; save such a network's state_dict."
    )


def _filled(name: str, state: dict[str, Tensor], weights: str, classes: int) -> FasterRCNN:
    network: FasterRCNN = get_model(name, weights=None, weights_backbone=None, num_classes=classes)
    network.load_state_dict(state, strict=False)
    is_frozen = not any(key.endswith(_COUNTER) for key in state)
    if is_frozen and "resnet50" in name:  # as torchvision reads its first releases
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    if not all(value.isfinite().all() for value in network.state_dict().values()):
        raise WeightsError(f"{weights} is damaged: it holds values that are not finite; download it again.")
    return network.eval()


_COUNTER = "num_batches_tracked"
"""What a frozen batch normalisation does not keep."""


def _shapes(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in state.items() if not key.endswith(_COUNTER)}

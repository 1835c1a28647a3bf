"""torchvision's detectors from files: the network is known by its weights, and nothing else is taken for one."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import WeightsError
from slotlight.studies.labelled.detector import LEAST_SCORE, detector_identity, load_supervised_detector
from slotlight.studies.scenes import drawn_photographs

CPU = torch.device("cpu")


def state_of(name: str, *, sure_of: int = 1) -> dict[str, torch.Tensor]:
    """Weights of a network that was not trained, which takes everything for one class."""
    torch.manual_seed(0)
    state: dict[str, torch.Tensor] = get_model(
        name, weights=None, weights_backbone=None, num_classes=3
    ).state_dict()
    state["roi_heads.box_predictor.cls_score.bias"][sure_of] += 5
    return state


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_fpn"]
)
def test_a_network_is_known_by_its_weights(name: str, tmp_path: Path) -> None:
    state, file = state_of(name), tmp_path / "detector.pth"
    torch.save({"model": state, "epoch": 1}, file)
    segmenter = load_supervised_detector(str(file), name="R-CNN (supervised)", device=CPU)
    loaded = segmenter.network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())
    segmenter.image_size = 160
    photograph = drawn_photographs(tmp_path, count=1)[0]
    found = Discoverer(segmenter).discover(photograph)
    assert len(found) > 0
    assert found.scores.min() >= LEAST_SCORE
    expected = get_model(name, weights=None, weights_backbone=None, num_classes=3).eval()
    expected.load_state_dict(state)
    expected.roi_heads.score_thresh = LEAST_SCORE
    expected.transform.min_size, expected.transform.max_size = (128,), 192  # what 160² of 4 : 3 becomes
    image = torch.from_numpy(Discoverer(segmenter).fitted(found.image)).permute(2, 0, 1) / 255
    with torch.inference_mode():
        boxes = expected([image])[0]["boxes"]
        ours = segmenter.segment(image[None]).regions
    assert ours is not None
    assert len(ours[0].scores) == len(boxes)


def test_other_files_and_names_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(1)}, file)
    with pytest.raises(WeightsError, match="holds none of torchvision's Mask or Faster R-CNNs"):
        load_supervised_detector(str(file), name="R-CNN (supervised)", device=CPU)
    with pytest.raises(WeightsError, match="There is no file nothing"):
        detector_identity("nothing.pth")
    assert detector_identity(str(file)) != detector_identity("MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1")

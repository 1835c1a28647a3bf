from pathlib import Path

import numpy as np
import pytest
import torch

from known_discoveries import discovery_of, labels_of
from slotlight.datasets import Labels
from slotlight.evaluation.protocols import PROTOCOLS


def test_paper_agrees_with_the_authors(golden_dir: Path) -> None:
    golden = np.load(golden_dir / "metrics_authors.npz")
    for index, (segments, classes) in enumerate(zip(golden["pred"], golden["gt"], strict=True)):
        values = PROTOCOLS["paper"].measure(discovery_of(segments), Labels(classes=classes)).values
        for metric, name in (("mIoU", "miou"), ("mBO", "mbo"), ("CorLoc", "corloc")):
            expected = golden[f"expected.per_image.authors.{name}"][index]
            assert np.nan_to_num(values[metric]) == pytest.approx(expected, abs=1e-9)


def test_views_of_the_paper_are_320_square(scene: np.ndarray) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*scene.shape, 3), dtype=np.uint8)
    for name in ("paper", "paper-as-released"):
        view = PROTOCOLS[name].view
        assert view.image(image).shape == (320, 320, 3)
        assert view.labels(labels_of(scene), scene.shape).classes.shape == (320, 320)


@pytest.mark.parametrize("size", [(500, 375), (333, 500), (240, 321), (319, 320), (100, 90)])
def test_crop_is_that_of_the_release(size: tuple[int, int]) -> None:
    from torchvision.transforms.functional import center_crop

    image = np.random.default_rng(0).integers(1, 256, (*size, 3), dtype=np.uint8)
    ours = PROTOCOLS["paper-as-released"].view.image(image)
    theirs = center_crop(torch.tensor(image).permute(2, 0, 1), [320, 320]).permute(1, 2, 0).numpy()
    padding = (theirs == 0).all(-1)  # after normalising, 0 is the mean colour
    assert (ours[~padding] == theirs[~padding]).all()
    assert (ours[padding] == [124, 116, 104]).all()


def test_squashed_boxes_follow_their_map() -> None:
    scene = np.zeros((160, 80), np.uint8)
    scene[40:80, 20:40] = 1
    labels = labels_of(scene).squashed((160, 80), (320, 320))
    ys, xs = np.nonzero(labels.instances)
    assert labels.boxes_xyxy.tolist() == [[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]]

"""Weighted pooled metrics against faster-coco-eval on the images that the weights keep."""

import numpy as np
import pytest
import torch
from torch import Tensor

from slotlight.formats.run_lengths import RunLengths
from slotlight.metrics import AreaRange, ScoredRegions, average_precision, f_beta_curve, max_f_beta
from slotlight.metrics.weighted import weighted_f_beta, weighted_precision


def some_boxes(generator: torch.Generator, count: int) -> Tensor:
    corners = torch.randint(0, 30, (count, 2), generator=generator).double()
    return torch.cat((corners, corners + torch.randint(8, 30, (count, 2), generator=generator)), dim=1)


def some_images(count: int, *, crowds: bool = False) -> list[ScoredRegions]:
    """Boxes near objects and elsewhere, with many equal scores; some images without objects or boxes."""
    generator = torch.Generator().manual_seed(0)
    images = []
    for number in range(count):
        truth = some_boxes(generator, number % 4)
        near = truth.repeat(2, 1) + torch.randint(-2, 3, (2 * len(truth), 4), generator=generator)
        found = torch.cat((near, some_boxes(generator, number % 3)))
        scores = torch.randint(1, 9, (len(found),), generator=generator) / 8
        regions = ScoredRegions.of_boxes(found, scores, truth)
        crowd = ((5.0, 5.0, 40.0, 40.0),) if crowds and number % 2 else ()
        images.append(ScoredRegions("bbox", regions.found, regions.scores, regions.annotated, crowd))
    return images


@pytest.mark.parametrize("crowds", [False, True])
@pytest.mark.parametrize("area", [AreaRange(), AreaRange(0.0, 250.0), AreaRange(250.0, 600.0)])
def test_weights_of_0_and_1_are_coco_s_figures_of_the_images_kept(crowds: bool, area: AreaRange) -> None:
    images = some_images(25, crowds=crowds)
    weights = (torch.rand(12, 25, generator=torch.Generator().manual_seed(1)) < 0.6).double()
    weights[0] = 1
    found = weighted_precision(images, weights, area)
    for draw, kept in enumerate(weights.bool()):
        expected = average_precision([image for image, keep in zip(images, kept, strict=True) if keep], area)
        for name in ("ap", "ap50", "ap75", "ar_1", "ar_10", "ar_100"):
            assert getattr(found, name)[draw].item() == pytest.approx(getattr(expected, name), abs=1e-9)


def test_greater_weights_are_about_copies() -> None:
    images = some_images(40)
    weights = torch.randint(0, 3, (4, 40), generator=torch.Generator().manual_seed(2)).double()
    found = weighted_precision(images, weights)
    for draw, counts in enumerate(weights.int().tolist()):
        copies = [image for image, count in zip(images, counts, strict=True) for _ in range(count)]
        expected = average_precision(copies)
        assert found.ap[draw].item() == pytest.approx(expected.ap, abs=0.005)
        assert found.ar_10[draw].item() == pytest.approx(expected.ar_10, abs=1e-9)


def test_masks_weigh_as_boxes_do() -> None:
    truth = np.zeros((1, 10, 10), dtype=bool)
    truth[:, :8, :5] = True
    masks = RunLengths.encode(truth)
    image = ScoredRegions("segm", masks, (0.3,), masks)
    assert weighted_precision([image], torch.ones(1, 1)).ap.tolist() == [1]


def test_draws_without_objects_are_undefined() -> None:
    box = torch.tensor([[0.0, 0, 9, 9]])
    images = [ScoredRegions.of_boxes(box, torch.tensor([0.5]), truth) for truth in (box, box[:0])]
    images.append(ScoredRegions.of_boxes(box[:0], torch.zeros(0), box))
    found = weighted_precision(images, torch.eye(3))
    assert found.ap.isnan().tolist() == [False, True, False]
    assert found.ar_1.nan_to_num(-1).tolist() == [1, -1, 0]
    assert found.ap[2] == 0


def test_nothing_found_anywhere_is_zero() -> None:
    box = torch.tensor([[0.0, 0, 9, 9]])
    image = ScoredRegions.of_boxes(box[:0], torch.zeros(0), box)
    assert weighted_precision([image], torch.ones(2, 1)).ap50.tolist() == [0, 0]


def test_f_beta_of_the_images_kept() -> None:
    generator = torch.Generator().manual_seed(3)
    maps, truth = torch.rand(6, 8, 8, generator=generator), torch.rand(6, 8, 8, generator=generator) > 0.6
    truth[2] = False
    curves = f_beta_curve(maps, truth.int())
    weights = torch.tensor([[1.0, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 1], [0, 0, 1, 0, 0, 0], [2, 2, 0, 2, 2, 2]])
    found = weighted_f_beta(curves, weights)
    assert found[0].item() == pytest.approx(max_f_beta(curves))
    assert found[1].item() == pytest.approx(max_f_beta(curves[[0, 4, 5]]))
    assert found[2].isnan()
    assert found[3].item() == pytest.approx(found[0].item())

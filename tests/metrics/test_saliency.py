"""Mask agreement and the F-beta curve against plain counting."""

import pytest
import torch

from slotlight.metrics import f_beta_curve, mask_agreement, max_f_beta


def test_agreement_leaves_void_out() -> None:
    masks = torch.tensor([[[True, True, False, True]]])
    truth = torch.tensor([[[7, 0, 7, 255]]])
    agreement = mask_agreement(masks, truth)
    assert agreement.iou.item() == pytest.approx(1 / 3)
    assert agreement.accuracy.item() == pytest.approx(1 / 3)


def test_agreement_of_empty_and_void_images() -> None:
    truth = torch.tensor([[[0, 0]], [[255, 255]]])
    agreement = mask_agreement(torch.zeros(2, 1, 2, dtype=torch.bool), truth)
    assert agreement.iou[0] == 1
    assert agreement.accuracy[0] == 1
    assert agreement.iou[1].isnan()
    assert agreement.accuracy[1].isnan()


def test_f_beta_is_what_counting_at_each_threshold_gives() -> None:
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (2, 9, 8), generator=generator)
    truth = torch.randint(0, 3, (2, 9, 8), generator=generator)
    truth[0, 0] = 255
    curves = f_beta_curve(levels / 255, truth)
    for image in range(2):
        valid = truth[image] != 255
        salient = valid & (truth[image] > 0)
        for t in range(1, 256):
            found = valid & (levels[image] >= t)
            hit = (found & salient).sum()
            precision, recall = hit / found.sum().clamp(min=1), hit / salient.sum()
            expected = 1.3 * precision * recall / (0.3 * precision + recall) if hit else 0.0
            assert curves[image, t - 1].item() == pytest.approx(float(expected), abs=1e-6)


def test_one_threshold_serves_all_images_and_those_without_truth_are_left_out() -> None:
    saliency = torch.tensor([[[0.2, 0.1]], [[0.9, 0.8]], [[0.5, 0.5]]])
    truth = torch.tensor([[[1, 0]], [[1, 0]], [[0, 0]]])
    curves = f_beta_curve(saliency, truth)
    assert curves[:2].amax(1).tolist() == pytest.approx([1, 1])
    assert curves[2].isnan().all()
    # At 0.2 the second image's map is all salient: precision a half, recall one.
    assert max_f_beta(curves) == pytest.approx((1 + 1.3 * 0.5 / (0.3 * 0.5 + 1)) / 2)


def test_a_perfect_mask_is_one() -> None:
    truth = torch.tensor([[[0, 1], [1, 1]]])
    assert max_f_beta(f_beta_curve((truth > 0).float(), truth)) == pytest.approx(1)
    assert mask_agreement(truth > 0, truth).iou.item() == 1

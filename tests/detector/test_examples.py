from dataclasses import replace

import numpy as np
import torch

from slotlight.config import DistilConfig
from slotlight.detector.examples import Example, paste, read_example, step_examples
from slotlight.detector.pseudo_masks import PseudoMasks


def square(side: int, top: int, left: int, size: int = 64) -> Example:
    mask = torch.zeros(1, size, size, dtype=torch.bool)
    mask[0, top : top + side, left : left + side] = True
    image = torch.zeros(3, size, size)
    image[0, mask[0]] = 1
    return Example(image, mask)


def test_boxes_are_those_of_the_masks() -> None:
    targets = square(20, 8, 30).targets()
    assert targets["boxes"].tolist() == [[30, 8, 50, 28]]
    assert targets["labels"].tolist() == [1]
    assert targets["masks"].sum() == 400


def test_a_mirrored_example_mirrors_both(discs: list[PseudoMasks]) -> None:
    plain, mirrored = (read_example(discs[0], 128, turn) for turn in (False, True))
    assert torch.equal(plain.image.flip(-1), mirrored.image)
    assert torch.equal(plain.masks.flip(-1), mirrored.masks)
    assert plain.image.shape[1] % 32 == 0 == plain.image.shape[2] % 32


def test_a_pasted_instance_is_seen_where_its_mask_is() -> None:
    ground = Example(torch.zeros(3, 64, 64), torch.zeros(0, 64, 64, dtype=torch.bool))
    found = paste(ground, square(32, 4, 4), np.random.default_rng(0))
    assert len(found.masks) == 1
    assert 64 <= int(found.masks.sum()) <= 32 * 32
    assert bool((found.image[0][found.masks[0]] > 0.9).float().mean() > 0.9)
    assert not found.image[0][~found.masks[0]].any()


def test_what_a_pasted_instance_hides_is_hidden() -> None:
    below = square(10, 27, 27)
    for seed in range(40):
        found = paste(below, square(60, 2, 2), np.random.default_rng(seed))
        assert not (found.masks[:-1] & found.masks[-1:]).any()
        if len(found.masks) == 1:  # most of it was hidden
            return
    raise AssertionError("40 large instances never hid the small one")


def test_a_step_depends_on_its_seed_alone(discs: list[PseudoMasks]) -> None:
    config = replace(DistilConfig(), paste_share=1.0)
    first, again, other = (
        step_examples(discs[:3], 96, config, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert any(
        a.image.shape != b.image.shape or not torch.equal(a.image, b.image)
        for a, b in zip(first, other, strict=True)
    )
    assert any(len(one.masks) > 1 for one in first)

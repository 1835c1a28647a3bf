import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage

from slotlight.model.grouping import group_slots, join


def patches_in_slots(slots=6, of_each=4, batch=3, seed=0):
    """Every slot wins ``of_each`` patches, whose features lie around a centre of its own."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(batch, slots, 5, generator=generator)
    features = centres.repeat_interleave(of_each, dim=1)
    masks = torch.eye(slots).repeat_interleave(of_each, dim=1).expand(batch, -1, -1)
    return masks, features


@pytest.mark.parametrize("threshold", [0.02, 0.05, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_groups_are_those_of_scipys_ward(threshold, seed):
    masks, features = patches_in_slots(seed=seed)
    found = group_slots(masks, features, threshold)
    for groups, points in zip(found, features.double(), strict=True):
        total = (points - points.mean(0)).square().sum()
        # SciPy's height of a union is the root of twice what it adds to the squared error.
        theirs = fcluster(linkage(points, "ward"), (2 * threshold * total).sqrt().item(), "distance")[::4]
        assert ((groups[:, None] == groups) == torch.from_numpy(theirs[:, None] == theirs)).all()


def test_a_group_is_called_by_its_first_slot_and_nothing_is_joined_at_zero():
    masks, features = patches_in_slots()
    together = group_slots(masks, features, 10.0)
    assert torch.equal(together, torch.zeros(3, 6, dtype=torch.int64))
    assert torch.equal(group_slots(masks, features, 0.0), torch.arange(6).repeat(3, 1))


def test_an_empty_slot_stays_alone_and_an_image_does_not_depend_on_its_batch():
    masks, features = patches_in_slots()
    masks = torch.cat([masks, torch.zeros(3, 1, masks.shape[2])], dim=1)
    found = group_slots(masks, features, 0.2)
    assert (found[:, 6] == 6).all()
    alone = torch.cat([group_slots(m[None], f[None], 0.2) for m, f in zip(masks, features, strict=True)])
    assert torch.equal(found, alone)


def test_features_without_contrast_are_left_as_they_are():
    masks, _ = patches_in_slots()
    assert torch.equal(group_slots(masks, torch.ones(3, 24, 5), 0.5), torch.arange(6).repeat(3, 1))


def test_joined_masks_still_sum_to_one():
    masks = torch.rand(2, 4, 3, 3).softmax(dim=1)
    group = torch.tensor([[0, 1, 0, 1], [0, 0, 0, 3]])
    joined = join(masks, group)
    torch.testing.assert_close(joined.sum(1), torch.ones(2, 3, 3))
    torch.testing.assert_close(joined[0, 0], masks[0, 0] + masks[0, 2])
    assert (joined[1, 1:3] == 0).all()
    torch.testing.assert_close(join(masks[..., 0, 0], group), joined[..., 0, 0])

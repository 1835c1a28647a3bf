import torch

from slotlight.segmenter import MOST_LAYERS, Regions, SlotMasks, layered


def test_each_slot_is_its_own_group_and_its_own_raw_mask_unless_told_otherwise() -> None:
    masks = torch.rand(2, 3, 4, 5).softmax(dim=1)
    found = SlotMasks(masks, torch.rand(2, 3))
    assert found.group_of.tolist() == [[0, 1, 2]] * 2
    assert found.raw is masks
    merged = SlotMasks(masks, torch.rand(2, 3), torch.tensor([[0, 0, 2]] * 2), raw_masks=masks[:, :2])
    assert merged.group_of.tolist() == [[0, 0, 2]] * 2
    assert merged.raw.shape[1] == 2


def test_layers_share_out_each_cell_however_many_regions_a_photograph_has() -> None:
    generator = torch.Generator().manual_seed(0)
    regions = [
        Regions(
            torch.rand(count, 4, 5, generator=generator).round(),
            torch.rand(count, generator=generator).sort(descending=True).values,
        )
        for count in (0, 3, MOST_LAYERS + 5)
    ]
    found = layered(regions)
    assert found.masks.shape == (3, MOST_LAYERS + 1, 4, 5)
    torch.testing.assert_close(found.masks.sum(dim=1), torch.ones(3, 4, 5))
    assert (found.scores[0] == 0).all()
    assert (found.masks[0, -1] == 1).all()
    best = regions[1].masks[0] > 0
    assert (found.masks[1, 0][best] == 1).all()  # the best takes all that is its own
    assert found.regions is regions

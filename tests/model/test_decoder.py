"""What all decoders share."""

import torch
from torch import Tensor

from slotlight.model.decoder import Decoder, kept
from slotlight.model.positions import Grid


def test_masks_of_kept_slots_share_out_each_patch_and_the_others_have_none() -> None:
    masks = torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    keep = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0]])
    found = kept(masks, keep)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2, 6))
    assert (found[keep == 0] == 0).all()
    torch.testing.assert_close(found[0, 0] / found[0, 2], masks[0, 0] / masks[0, 2])
    assert kept(masks, None) is masks


def test_a_decoder_gives_the_masks_of_kept_slots_alone() -> None:
    class Even(Decoder):
        def _masks(self, slots: Tensor, grid: Grid) -> Tensor:
            batch, count, _ = slots.shape
            return slots.new_full((batch, count, grid[0] * grid[1]), 1 / count)

    found = Even().masks(torch.zeros(1, 4, 3), (2, 3), keep=torch.tensor([[1.0, 1.0, 0.0, 0.0]]))
    torch.testing.assert_close(found[0, :, 0], torch.tensor([0.5, 0.5, 0.0, 0.0]))

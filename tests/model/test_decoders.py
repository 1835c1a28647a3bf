"""The decoders against their plain forms."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from slotlight.config import DecoderConfig
from slotlight.model.decoders import MixerDecoder, MLPDecoder, build_decoder

DIM, GRID, SLOTS, BATCH = 12, (4, 6), 5, 3
KINDS = ["mlp", "mixer"]


def make(kind: str = "mlp", layers: int = 3) -> MLPDecoder | MixerDecoder:
    torch.manual_seed(0)
    decoder = build_decoder(DecoderConfig(kind=kind, hidden=20, layers=layers), DIM, GRID).double()
    with torch.no_grad():
        decoder.positions.embedding.normal_()
    return decoder


def slots() -> Tensor:
    return torch.randn(BATCH, SLOTS, DIM, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def plain_broadcast(decoder: MLPDecoder, given: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Broadcast each slot to each position, an MLP on every pair, softmax over slots, weighted sum."""
    x = given[:, :, None] + positions
    for layer in [decoder.first, *decoder.middle[::2]]:
        x = torch.relu(layer(x))
    masks = decoder.mask(x).softmax(dim=1)
    return (masks * decoder.feature(x)).sum(dim=1), masks.squeeze(-1)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("grid", [GRID, (7, 3)])
def test_the_mlp_decoder_equals_the_plain_broadcast(layers: int, grid: tuple[int, int]) -> None:
    decoder = make(layers=layers)
    positions = decoder.positions.embedding
    if grid != GRID:
        image = positions.T.reshape(1, DIM, *GRID)
        positions = F.interpolate(image, grid, mode="bicubic", align_corners=False).reshape(DIM, -1).T
    decoded = decoder(slots(), grid)
    reconstruction, masks = plain_broadcast(decoder, slots(), positions)
    torch.testing.assert_close(decoded.reconstruction, reconstruction)
    torch.testing.assert_close(decoded.masks, masks)


def test_gradients_equal_those_of_the_plain_broadcast() -> None:
    decoder = make()
    given = slots().requires_grad_()
    wanted = [given, *decoder.parameters()]
    fast = decoder(given, GRID).reconstruction.square().sum()
    plain = plain_broadcast(decoder, given, decoder.positions.embedding)[0].square().sum()
    for one, other in zip(torch.autograd.grad(fast, wanted), torch.autograd.grad(plain, wanted), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grid", [GRID, (3, 8)])
class TestBoth:
    def test_shapes_and_masks_that_sum_to_one(self, kind: str, grid: tuple[int, int]) -> None:
        decoded = make(kind)(slots(), grid)
        patches = grid[0] * grid[1]
        assert decoded.reconstruction.shape == (BATCH, patches, DIM)
        assert decoded.masks.shape == (BATCH, SLOTS, patches)
        torch.testing.assert_close(decoded.masks.sum(dim=1), torch.ones(BATCH, patches, dtype=torch.float64))

    def test_the_masks_alone_are_the_same(self, kind: str, grid: tuple[int, int]) -> None:
        decoder = make(kind)
        torch.testing.assert_close(decoder.masks(slots(), grid), decoder(slots(), grid).masks)

    def test_chosen_patches_are_those_of_the_whole(self, kind: str, grid: tuple[int, int]) -> None:
        decoder, chosen = make(kind), torch.tensor([5, 0, 23])
        some, whole = decoder(slots(), grid, chosen), decoder(slots(), grid)
        torch.testing.assert_close(some.reconstruction, whole.reconstruction[:, chosen])
        torch.testing.assert_close(some.masks, whole.masks[:, :, chosen])

    def test_permuting_slots_permutes_masks_and_nothing_else(self, kind: str, grid: tuple[int, int]) -> None:
        decoder, order = make(kind), torch.tensor([3, 0, 4, 1, 2])
        found, permuted = decoder(slots(), grid), decoder(slots()[:, order], grid)
        torch.testing.assert_close(permuted.reconstruction, found.reconstruction)
        torch.testing.assert_close(permuted.masks, found.masks[:, order])

    def test_an_image_does_not_depend_on_its_batch(self, kind: str, grid: tuple[int, int]) -> None:
        decoder = make(kind)
        torch.testing.assert_close(
            decoder(slots()[1:2], grid).reconstruction, decoder(slots(), grid).reconstruction[1:2]
        )

    def test_every_weight_learns(self, kind: str, grid: tuple[int, int]) -> None:
        decoder = make(kind)
        decoder(slots(), grid).reconstruction.square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in decoder.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_one_slot_explains_everything(kind: str) -> None:
    assert torch.equal(make(kind)(slots()[:, :1], GRID).masks, torch.ones(BATCH, 1, 24, dtype=torch.float64))

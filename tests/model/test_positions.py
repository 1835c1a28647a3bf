import torch

from slotlight.model.positions import Positions


def test_positions_row_by_row_and_resampled_smoothly() -> None:
    positions = Positions((2, 3), 1)
    with torch.no_grad():
        positions.embedding[:] = torch.arange(6.0).unsqueeze(1)
    assert torch.equal(positions((2, 3)), positions.embedding)
    finer = positions((4, 6)).reshape(4, 6)
    assert (finer.diff(dim=1) > 0).all()
    assert (finer.diff(dim=0) > 0).all()

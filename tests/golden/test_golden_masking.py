"""Background masking against an independent implementation's values."""

from pathlib import Path

import numpy as np
import torch

from slotlight.model.masking import background_mask


def test_background_mask(golden_dir: Path):
    arrays = np.load(golden_dir / "background_mask.npz")
    features = torch.from_numpy(arrays["features"])
    expected = [name for name in arrays.files if name.startswith("expected.masked_")]
    assert expected
    for name in expected:
        mask = background_mask(features, float(name.removeprefix("expected.masked_")))
        assert torch.equal(mask, torch.from_numpy(arrays[name])), name

"""The broadcast decoder against an independent implementation's values."""

from pathlib import Path

import numpy as np
import torch

from slotlight.model.decoders import MLPDecoder


def test_decoder(golden_dir: Path):
    arrays = np.load(golden_dir / "patch_decoder.npz")
    golden = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    patches, dim = golden["pos_embed"].shape
    numbers = sorted({int(name.split(".")[1]) for name in golden if name.startswith("mlp.")})
    hidden = [n for n in numbers if n != numbers[-1]]
    decoder = MLPDecoder(dim, (1, patches), hidden=len(golden["mlp.0.bias"]), layers=len(hidden))
    state = {"positions.embedding": golden["pos_embed"]}
    for kind in ("weight", "bias"):
        state[f"first.{kind}"] = golden[f"mlp.{hidden[0]}.{kind}"]
        for place, number in enumerate(hidden[1:]):
            state[f"middle.{2 * place}.{kind}"] = golden[f"mlp.{number}.{kind}"]
        state[f"feature.{kind}"] = golden[f"mlp.{numbers[-1]}.{kind}"][:dim]
        state[f"mask.{kind}"] = golden[f"mlp.{numbers[-1]}.{kind}"][dim:]
    decoder.load_state_dict(state)
    decoded = decoder(golden["slots"], (1, patches))
    tolerance = {"atol": 1e-5, "rtol": 1e-5}
    torch.testing.assert_close(decoded.reconstruction, golden["expected.reconstruction"], **tolerance)
    torch.testing.assert_close(decoded.masks, golden["expected.masks"], **tolerance)
    torch.testing.assert_close(decoder.masks(golden["slots"], (1, patches)), decoded.masks, **tolerance)

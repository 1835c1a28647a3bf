from pathlib import Path

import numpy as np
import torch

from slotlight.graphs.whole import WholeModel
from small_models import (
    by_torch,
    embedded,
    photographs,
)


def test_the_whole_model_is_the_discoverers_path(tmp_path: Path) -> None:
    segmenter = embedded(tmp_path)
    model = WholeModel(segmenter, seed=0)
    for image in list(photographs())[2:4]:
        with torch.inference_mode():
            found = [part.numpy() for part in model(torch.from_numpy(image))]
        for one, other in zip(found, by_torch(segmenter, image), strict=True):
            np.testing.assert_array_equal(one, other)

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from known_discoveries import discovery_of, labels_of
from slotlight.datasets import Labels
from slotlight.evaluation.protocols import PROTOCOLS


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_splitting_an_object_never_raises_its_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, (6, 6)).repeat(4, 0).repeat(4, 1)
    whole = truth.copy()
    split = np.where((truth == 1) & (rng.random(truth.shape) < 0.5), 3, truth)
    measure = PROTOCOLS["instances"].measure
    coarse, fine = (measure(discovery_of(s), labels_of(truth)).values["mBO_i"] for s in (whole, split))
    assert np.isnan(coarse) or fine <= coarse + 1e-12


def test_instances_agree_with_golden_values(golden_dir: Path) -> None:
    golden = np.load(golden_dir / "metrics_standard.npz")
    source = golden if "pred" in golden else np.load(golden_dir / "metrics_authors.npz")
    pairs = zip(source["pred"], source["gt"], strict=True)
    found = [PROTOCOLS["instances"].measure(discovery_of(s), Labels(instances=g)).values for s, g in pairs]
    per_image = {name: np.array([values[name] for values in found]) for name in found[0]}
    assert per_image["FG-ARI"] == pytest.approx(golden["expected.per_image.fg_ari"], abs=1e-9, nan_ok=True)
    assert np.nanmean(per_image["mBO_i"]) == pytest.approx(
        float(golden["expected.mbo_no_background"]), abs=1e-9
    )
    miou = float(golden["expected.miou_hungarian_no_background"])
    assert np.nanmean(per_image["mIoU"]) == pytest.approx(miou, abs=1e-9)

import numpy as np
import pytest
import supervision

from found_scenes import discovery
from slotlight.errors import ConfigError


def test_supervision_knows_the_class_and_keeps_compact_masks():
    found = discovery(shapes=("ell", "ring", "holes"))
    dense, compact = found.to_supervision(), found.to_supervision(compact=True)
    assert list(dense.data["class_name"]) == ["object"] * 3
    assert np.array_equal(np.asarray(compact.mask), found.masks)
    assert np.array_equal(compact[1:].mask[0], found.masks[1])


def test_an_older_supervision_is_one_sentence(monkeypatch):
    monkeypatch.delattr(supervision, "CompactMask")
    with pytest.raises(ConfigError, match=r"need supervision 0\.28"):
        discovery().to_supervision(compact=True)


def test_values_of_one_photograph(tmp_path):
    found = discovery(tmp_path / "a.png")
    assert len(found.to_yolo()) == len(found.to_coco(polygons=True)) == len(found.to_sam()) == 3
    assert "<filename>a.png</filename>" in found.to_voc()
    assert found.to_label_studio()["score"] == pytest.approx(0.7)
    assert [cutout.size for cutout in found.cutouts()] == [(69, 39), (20, 20), (42, 1)]

from pathlib import Path

import numpy as np
from PIL import Image

from slotlight.baselines import build_baseline
from slotlight.datasets import FolderDataset, SyntheticDataset
from slotlight.datasets.synthetic import draw_scene
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.run import evaluate
from slotlight.report.write import write_report


def test_a_form_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    scenes, floor = SyntheticDataset(count=2, height=48, width=64), Discoverer(build_baseline("tiles"))
    found = evaluate([floor], scenes, ["corloc"], out=tmp_path)
    (tmp_path / "report.html").mkdir()  # a file cannot take its place
    (failure,) = write_report(found, tmp_path, [floor])
    assert "report.html was not written" in failure
    assert (tmp_path / "report.md").is_file()
    assert not list(tmp_path.glob(".partial*"))


def test_photographs_that_have_gone_are_left_out_of_the_page(tmp_path: Path) -> None:
    photographs, masks = tmp_path / "photographs", tmp_path / "masks"
    scenes = SyntheticDataset(count=3, height=48, width=64)
    for folder in (photographs, masks):
        folder.mkdir()
    for index in range(3):
        scene = draw_scene(scenes, index)
        Image.fromarray(scene.image).save(photographs / f"{index}.png")
        Image.fromarray(255 * np.minimum(scene.instances, 1)).save(masks / f"{index}.png")
    floor, dataset = Discoverer(build_baseline("tiles")), FolderDataset(photographs, masks)
    found = evaluate([floor], dataset, ["saliency"], out=tmp_path / "out")
    (photographs / "1.png").unlink()
    assert write_report(found, tmp_path / "out", [floor]) == []
    text = (tmp_path / "out" / "report.html").read_text()
    assert "found in 0.png" in text
    assert "found in 1.png" not in text

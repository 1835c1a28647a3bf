"""CVAT's function as CVAT's own driver calls and checks it."""

import numpy as np
import pytest
from pycocotools import mask as coco_masks

from slotlight.config import ObjectRule
from slotlight.loading import load
from tools import BESIDE, ask

pytestmark = pytest.mark.slow

CODE = """
import json, logging, sys
import PIL.Image
from cvat_sdk import models
from cvat_sdk.auto_annotation.driver import _AnnotationMapper, _DetectionFunctionContextImpl
from cvat_sdk.masks import decode_mask
from slotlight.integrations.cvat import create

function, image = create(), PIL.Image.open(sys.argv[1])
answers = []
for threshold, to_polygons in ((None, False), (None, True), (0.45, False), (0.01, False)):
    kind = "polygon" if to_polygons else "mask"
    label = models.Label(id=77, name="object", type=kind, attributes=[], sublabels=[])
    mapper = _AnnotationMapper(logging.getLogger(), function.spec.labels, [label], allow_unmatched_labels=False,
                               conv_mask_to_poly=to_polygons)
    context = _DetectionFunctionContextImpl(frame_name="a.jpg", conf_threshold=threshold, conv_mask_to_poly=to_polygons)
    _, shapes = mapper.validate_and_remap(function.detect(context, image), 5)
    assert {(shape.label_id, shape.frame, str(shape.type)) for shape in shapes} == {(77, 5, kind)}
    answers.append([
        shape.points if to_polygons else
        decode_mask(shape.points, image_width=image.width, image_height=image.height).ravel().nonzero()[0].tolist()
        for shape in shapes])
print(json.dumps(answers))
"""


def test_masks_polygons_and_thresholds(photo_paths):
    masks, polygons, sure, unsure = ask("cvat-sdk", BESIDE + CODE, photo_paths[0])
    found = load().discover(photo_paths[0])
    assert masks == [np.flatnonzero(mask).tolist() for mask in found.masks]
    assert len(sure) == (found.scores >= 0.45).sum()
    assert len(unsure) == len(load(rule=ObjectRule(min_score=0.01)).discover(photo_paths[0]))
    assert len(masks) > 0
    height, width = found.masks.shape[1:]
    drawn = coco_masks.decode(coco_masks.merge(coco_masks.frPyObjects(polygons, height, width))) > 0
    assert np.array_equal(drawn, found.masks.any(axis=0))

"""PASCAL VOC: an XML file of boxes and two label maps for each photograph, and the lists that name them."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from slotlight.errors import OutputError, printable
from slotlight.formats.folders import file_below, whole_folder
from slotlight.formats.found import Found, FoundPhotograph
from slotlight.images.saving import save_picture

_LISTS = ("Main", "Segmentation")


def write_voc(found: Found, folder: Path) -> None:
    """Write ``voc/``, a devkit without the photographs themselves.

    Raises:
        OutputError: There are more classes than a label map can hold, or it cannot name one of them.
    """
    _check(found.classes)
    with whole_folder(folder / "voc") as partial:
        lists = partial / "ImageSets"
        for name in _LISTS:
            (lists / name).mkdir(parents=True)
        with (lists / _LISTS[0] / "default.txt").open("wb") as names:
            for photograph in found.photographs():
                tree = voc_annotation(photograph, found)
                ElementTree.indent(tree)
                annotation = file_below(partial / "Annotations", photograph.name, ".xml")
                annotation.write_bytes(ElementTree.tostring(tree, encoding="utf-8") + b"\n")
                _write_label_maps(photograph, partial)
                names.write(os.fsencode(photograph.name) + b"\n")
        for name in _LISTS[1:]:
            (lists / name / "default.txt").write_bytes((lists / _LISTS[0] / "default.txt").read_bytes())
        colours = _palette().tolist()
        lines = [
            f"{name}:{','.join(map(str, colour))}::\n"
            for name, colour in zip(("background", *found.classes), colours, strict=False)
        ]
        (partial / "labelmap.txt").write_text(
            "# label:color_rgb:parts:actions\n" + "".join(lines), encoding="utf-8"
        )


def _check(classes: Sequence[str]) -> None:
    if len(classes) > 255:
        raise OutputError(f"VOC's label maps hold 255 classes, and there are {len(classes)}; merge some.")
    for name in classes:
        if ":" in name or name.startswith("#"):
            raise OutputError(
                f"VOC's labelmap.txt cannot name a class {name!r}; give it a name without colons and a leading #."
            )


def voc_annotation(photograph: FoundPhotograph, found: Found) -> Element:
    """A photograph's objects in VOC's form: boxes count pixels from 1, right and bottom inclusive.

    The score is an attribute as CVAT writes them; a name that XML cannot hold has its signs spelt out.
    """
    path = PurePosixPath(printable(photograph.file_name))
    root = Element("annotation")
    for tag, text in (("folder", str(path.parent)), ("filename", path.name), ("path", str(path))):
        SubElement(root, tag).text = text
    size = SubElement(root, "size")
    for tag, number in (("width", photograph.width), ("height", photograph.height), ("depth", 3)):
        SubElement(size, tag).text = str(number)
    SubElement(root, "segmented").text = "1"
    for annotation, (left, top, right, bottom) in zip(
        photograph.annotations, photograph.boxes_xyxy(), strict=True
    ):
        element = SubElement(root, "object")
        SubElement(element, "name").text = found.class_of(annotation)
        for tag, text in (("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
            SubElement(element, tag).text = text
        box = SubElement(element, "bndbox")
        corners = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
        for tag, value in corners.items():
            SubElement(box, tag).text = f"{value:g}"
        attribute = SubElement(SubElement(element, "attributes"), "attribute")
        SubElement(attribute, "name").text = "score"
        SubElement(attribute, "value").text = f"{annotation['score']:g}"
    return root


def _write_label_maps(photograph: FoundPhotograph, folder: Path) -> None:
    objects = photograph.labels()
    classes = np.array([0, *(a["category_id"] for a in photograph.annotations[:255])], np.uint8)
    for kind, labels in (("SegmentationObject", objects), ("SegmentationClass", classes[objects])):
        picture = Image.fromarray(labels)
        picture.putpalette(_palette().ravel().tolist())
        save_picture(picture, file_below(folder / kind, photograph.name, ".png"), compress_level=3)


@cache
def _palette() -> UInt8[np.ndarray, "256 3"]:
    """VOC's colours, by which tools tell one object from another: the bits of a label in turn, red, green, blue."""
    labels = np.arange(256)[:, None]
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        bits = labels >> (3 * place + np.arange(3)) & 1
        colours |= (bits << (7 - place)).astype(np.uint8)
    return colours

from pathlib import Path

import pytest

from slotlight.config import FormatConfig
from slotlight.errors import ConfigError, UnknownNameError


def test_formats_are_in_one_order_and_each_once():
    assert FormatConfig(format=("yolo", "coco", "yolo")) == FormatConfig(format=("coco", "yolo"))


def test_an_unknown_format_names_the_valid_ones():
    with pytest.raises(
        UnknownNameError, match=r"did you mean 'yolo'\? Valid: coco, coco-polygons, csv, cutouts, label-"
    ):
        FormatConfig(format=("yolov8",))


@pytest.mark.parametrize(
    "choices",
    [{}, {"format": ("csv",)}, {"root": Path("a")}, {"absolute": True, "uncertain_first": True}],
)
def test_the_identity_gives_the_choices_back(choices):
    config = FormatConfig(**choices)
    assert FormatConfig.of_identity(config.identity()) == config
    assert bool(config.identity()) == bool(choices)


def test_names_of_files():
    assert FormatConfig().file_name("../a.jpg") == "../a.jpg"
    assert FormatConfig(absolute=True).file_name("../a.jpg") == str(Path.cwd().parent / "a.jpg")
    assert FormatConfig(root=Path("/pics")).file_name("/pics/x/../b/a.jpg") == "b/a.jpg"
    with pytest.raises(ConfigError, match=r"/tmp/a\.jpg does not lie below /pics"):
        FormatConfig(root=Path("/pics")).file_name("/tmp/a.jpg")
    with pytest.raises(ConfigError, match="--root and --absolute contradict"):
        FormatConfig(root=Path("/pics"), absolute=True)

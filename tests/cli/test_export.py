"""`slotlight export`: what cannot be written is one sentence."""

from pathlib import Path

import pytest

from slotlight.cli.export import export
from slotlight.errors import ConfigError


@pytest.mark.parametrize(
    ("model", "name", "kind", "says"),
    [
        ("embedded", "model.bin", "onnx", r"end the name in \.onnx"),
        ("embedded", "model.onnx", "torch", r"end the name in \.pt2"),
        ("tiles", "model.onnx", "onnx", "is not a slot model and cannot be exported"),
    ],
)
def test_what_cannot_be_written(model, name, kind, says, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        export(model, out=tmp_path / name, format=kind)
    assert not list(tmp_path.iterdir())


def test_eight_bits_are_for_onnx(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Only ONNX files hold 8-bit weights"):
        export("embedded", out=tmp_path / "model.pt2", format="torch", int8=True)

"""Pictures to files, whole or not at all."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from slotlight.files import whole_file


def save_picture(picture: Image.Image, path: Path, **how: Any) -> None:
    """Write a picture whole or not at all, without waiting for the disk: a picture can be made again.

    It is encoded in memory first: Pillow's encoders write to a file by themselves and do not notice when a full disk
    takes only a part.

    Args:
        picture: What to write.
        path: Where; its suffix decides the format.
        how: What Pillow's writer of the format takes.

    Raises:
        OSError: The disk is full, or the folder cannot be written.

    Example:
        >>> save_picture(Image.new("RGB", (4, 3)), Path("picture.png"))
        >>> Image.open("picture.png").size
        (4, 3)
    """
    encoded = io.BytesIO()
    picture.save(encoded, Image.registered_extensions()[path.suffix.lower()], **how)
    with whole_file(path, durable=False) as partial:
        partial.write_bytes(encoded.getbuffer())

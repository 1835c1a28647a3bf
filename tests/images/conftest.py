"""A folder of small photographs, and a web server and a store that hold them."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from odd_files import picture
from web_server import WebServer, serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs, ``a.jpg``, ``b.png`` and ``sub/c.jpg``, and a text."""
    folder = tmp_path / "photographs"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "b.png", "sub/c.jpg")):
        Image.fromarray(np.full((24, 32 + number, 3), 60 * number, np.uint8)).save(folder / name)
    (folder / "notes.md").write_text("no photograph")
    return folder


@pytest.fixture
def web(folder: Path) -> Iterator[WebServer]:
    with serving(folder) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that do not make tests long."""
    monkeypatch.setattr("slotlight.images.remote.FIRST_WAIT", 0.01)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A real S3 server in a thread, and the environment in which s3fs finds it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    set_here = {
        "AWS_ENDPOINT_URL": f"http://{address}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in set_here}
    os.environ.update(set_here)
    yield set_here["AWS_ENDPOINT_URL"]
    server.stop()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def bucket(s3_server: str, folder: Path) -> str:
    """The URL of a bucket with the folder's files, new for each test."""
    import s3fs

    url = f"s3://{folder.parent.name.replace('_', '-')}"
    store = s3fs.S3FileSystem(endpoint_url=s3_server, skip_instance_cache=True)
    store.mkdir(url)
    store.put(f"{folder}/", f"{url}/photographs/", recursive=True)
    return f"{url}/photographs"


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "good.png"
    Image.fromarray(picture()).save(path)
    return path

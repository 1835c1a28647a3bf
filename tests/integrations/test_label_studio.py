"""The ML backend as a server, asked over HTTP as Label Studio does."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from slotlight.formats.label_studio import INTERFACE
from slotlight.loading import load
from tools import BESIDE, tool

pytestmark = pytest.mark.slow

RENAMED = """<View><Image name="picture" value="$photo"/>
<BrushLabels name="strokes" toName="picture"><Label value="cat"/><Label value="object"/></BrushLabels></View>"""


@pytest.fixture(scope="module")
def server(photo_paths: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"{BESIDE}\nfrom slotlight.integrations.label_studio import main; main()"
    folder = str(photo_paths[0].parent)
    served = {"LOCAL_FILES_SERVING_ENABLED": "true", "LOCAL_FILES_DOCUMENT_ROOT": folder}
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [tool("label-studio-ml"), "-c", code, "--port", str(port), "--model", "centre-box"],
            env=os.environ | served | {f"LABEL_STUDIO_{name}": value for name, value in served.items()},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(1500):  # five minutes, on a machine that others use
            assert process.poll() is None, log.read_text()[-3000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").read()
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        else:
            pytest.fail(f"the server does not answer: {log.read_text()[-3000:]}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def post(address: str, **content: Any) -> dict[str, Any]:
    request = urllib.request.Request(
        address, json.dumps(content).encode(), headers={"Content-Type": "application/json"}
    )
    answer: dict[str, Any] = json.loads(urllib.request.urlopen(request, timeout=120).read())
    return answer


def predictions(server: str, config: str, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Label Studio does when a person opens a task: it sets the backend up for the project, then asks."""
    post(f"{server}/setup", project="1.2", schema=config, hostname="", access_token="")
    results: list[dict[str, Any]] = post(
        f"{server}/predict", tasks=asked, project="1.2", label_config=config
    )["results"]
    return results


def tasks(paths: list[Path], key: str) -> list[dict[str, Any]]:
    return [{"id": n, "data": {key: f"/data/local-files/?d={quote(p.name)}"}} for n, p in enumerate(paths)]


def test_predictions_over_http(server, photo_paths):
    results = predictions(server, INTERFACE, tasks(photo_paths[:2], "image"))
    for path, result in zip(photo_paths, results, strict=False):
        assert result == json.loads(json.dumps(load("centre-box").discover(path).to_label_studio()))
    assert {region["from_name"] for region in results[0]["result"]} == {"brush", "box"}


def test_an_interface_with_other_names(server, photo_paths):
    (region,) = predictions(server, RENAMED, tasks(photo_paths[:1], "photo"))[0]["result"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("strokes", "picture", "brushlabels")


def test_a_project_without_the_label_is_told_so(server, photo_paths):
    config = RENAMED.replace('"object"', '"dog"')
    with pytest.raises(urllib.error.HTTPError) as fault:
        predictions(server, config, tasks(photo_paths[:1], "photo"))
    assert "no BrushLabels or RectangleLabels with the label 'object'" in fault.value.read().decode()

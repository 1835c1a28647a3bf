"""Photographs from an S3 server on this machine, against the same ones as files: ``python -m benchmarks store``.

The server is moto's, in a process of its own. Either side lists the photographs, reads them, finds their objects with
the embedded model and writes everything.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.subjects import photographs
from benchmarks.timing import Pair, compare
from slotlight import load
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.results import ResultFolder
from slotlight.images.sources import survey_sources

COUNT = 32
BUCKET = "s3://photographs"


@contextmanager
def s3_server() -> Iterator[str]:
    """An S3 server, and the environment in which s3fs finds it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        while server.poll() is None:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()


def run() -> Iterator[Pair]:
    """On the clock, and in the processor time of the process that looks."""
    import s3fs

    files = photographs(COUNT)
    folder = files[0].parent
    model = load()
    with s3_server() as url:
        store = s3fs.S3FileSystem(endpoint_url=url)
        store.mkdir(BUCKET)
        store.put(f"{folder}/", f"{BUCKET}/{folder.name}/", recursive=True)
        what = f"discover {COUNT} photographs from a local S3 server, against files"
        for clock, of in (
            (time.perf_counter, ""),
            (time.process_time, ", processor time without the server's"),
        ):
            yield compare(
                what + of,
                lambda: discover(model, f"{BUCKET}/{folder.name}"),
                lambda: discover(model, str(folder)),
                units=COUNT,
                rounds=3,
                clock=clock,
            )


def discover(model: Discoverer, name: str) -> None:
    """As `slotlight discover` does it, without the start of the process."""
    with TemporaryDirectory() as out:
        found = survey_sources([name]).photographs
        results = ResultFolder(Path(out), found, {"model": model.name})
        lines = discover_entries(model, results.left, results.pictures, batch_size=8, seed=0)
        assert sum(not line.cause for line in results.take(lines)) == len(found)
        results.finish()
        results.close()

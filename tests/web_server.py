"""A web server of one's own: it gives files and parts of files, and fails in the ways that servers do."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class WebServer(ThreadingHTTPServer):
    """Serves a folder. The first part of a path may ask for trouble.

    ``/flaky/2/a.jpg`` fails twice before it gives ``a.jpg``; ``/forbidden/…`` is refused; ``/slow/…`` never answers;
    ``/cut/…`` breaks off in the middle; ``/whole/…`` knows no parts of files.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.asked: Counter[str] = Counter()
        self.bytes_sent = 0
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        trouble, _, rest = self.path.lstrip("/").partition("/")
        name = self.path.lstrip("/")
        if trouble == "flaky":
            times, _, name = rest.partition("/")
            if self.server.asked[self.path] <= int(times):
                return self._refuse(503)
        elif trouble in ("forbidden", "slow", "cut", "whole"):
            name = rest
        if trouble == "forbidden":
            return self._refuse(403)
        if trouble == "slow":
            self.server.stopped.wait(20)
            return self._refuse(504)
        file = self.server.folder / name.partition("?")[0]
        if not file.is_file():
            return self._refuse(404)
        content, status = file.read_bytes(), 200
        wanted = self.headers.get("Range")
        if wanted and trouble != "whole":
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            content, status = content[int(first) : int(last) + 1], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Accept-Ranges", "none" if trouble == "whole" else "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{file.stat().st_size}")
        self.end_headers()
        if not body:
            return None
        if trouble == "cut":
            content = content[: len(content) // 2]
            self.close_connection = True
        self.server.bytes_sent += len(content)
        self.wfile.write(content)
        return None

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[WebServer]:
    """A server of a folder for the length of a ``with``."""
    server = WebServer(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""A hub on this machine: as much of the Hugging Face hub's HTTP interface as its own client needs to push and fetch."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_of_the_test"


@dataclass
class Repository:
    """Its commits, oldest first: the files of each, by commit."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: bool = False

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """A commit and its files; ``main`` is the newest."""
        if revision == "main" and self.commits:
            return list(self.commits.items())[-1]
        return (revision, self.commits[revision]) if revision in self.commits else None


@dataclass
class Hub:
    """What the server holds.

    Attributes:
        url: Where it listens.
        requests: The method and path of all that was asked.
    """

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._resolve(with_body=False)

    def do_GET(self) -> None:
        self._resolve(with_body=True)

    def do_POST(self) -> None:
        self.hub.requests.append(f"POST {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        if path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._json({"error": "Invalid username or password."}, 401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif re.fullmatch(r"/api/models/[^/]+/[^/]+/preupload/main", path):
            files = json.loads(body)["files"]
            modes = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]
            self._json({"files": modes})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            self._commit(match[1], body)
        else:
            self._json({"error": f"this hub knows no {path}"}, 501)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        self.hub.repositories.setdefault(name, Repository(private=asked.get("visibility") == "private"))
        self._json({"url": f"{self.hub.url}/{name}", "name": name})

    def _commit(self, name: str, body: bytes) -> None:
        repository = self.hub.repositories[name]
        newest = repository.at("main")
        files = dict(newest[1]) if newest else {}
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        commit = hashlib.sha1(body).hexdigest()
        repository.commits[commit] = files
        url = f"{self.hub.url}/{name}/commit/{commit}"
        self._json({"success": True, "commitOid": commit, "commitUrl": url})

    def _resolve(self, *, with_body: bool) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path.split("?")[0])
        repository = self.hub.repositories.get(match[1]) if match else None
        if match is None or repository is None or repository.private:
            self._missing("RepoNotFound")
            return
        state = repository.at(match[2])
        if state is None:
            self._missing("RevisionNotFound")
            return
        commit, files = state
        if match[3] not in files:
            self._missing("EntryNotFound", commit)
            return
        content = files[match[3]]
        self.send_response(200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def _missing(self, code: str, commit: str | None = None) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, value: Any, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that listens for the length of a ``with``."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()

"""Real servers of the pages, and a real Chromium that looks at them.

The tests that need these are slow, and skipped where Gradio, Playwright or Chromium is absent. docs/page.md says how to
run them.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

START_S = 240


class Server:
    """``slotlight ARGUMENTS``, serving.

    Args:
        arguments: Of the command line.
        home: Where its temporary files go, and its log.
    """

    def __init__(self, *arguments: str | Path, home: Path) -> None:
        pytest.importorskip("gradio")
        self.temporary = home / "temporary"
        self.temporary.mkdir()
        self.log = home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "slotlight", *map(str, arguments)],
                env=os.environ | {"TMPDIR": str(self.temporary), "GRADIO_ALLOWED_PATHS": "/"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + START_S
        while not (found := re.search(r"Open (http\S+) in", self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, "it does not start"
            time.sleep(0.2)
        self.url = found[1]

    def stop(self) -> int:
        """Stop it as Ctrl-C does, and give its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Server]]:
    """Starts servers, and ends those that a test left."""
    servers: list[Server] = []

    def begin(*arguments: str | Path) -> Server:
        servers.append(Server(*arguments, home=tmp_path_factory.mktemp("server")))
        return servers[-1]

    yield begin
    for server in servers:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium; install Debian's package chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A tab in which everything that goes elsewhere than to this machine is noted in ``page.elsewhere``."""
    tab = browser.new_page(viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(120_000)
    tab.elsewhere, tab.faults = [], []
    own = re.compile(r"(https?://127\.0\.0\.1:\d+/|data:|blob:)")
    tab.on("request", lambda asked: None if own.match(asked.url) else tab.elsewhere.append(asked.url))
    tab.on("pageerror", lambda fault: tab.faults.append(str(fault)))
    yield tab
    tab.close()

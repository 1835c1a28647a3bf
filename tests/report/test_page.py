import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PROTOCOLS = ("paper", "detection", "saliency")  # those of the page


def test_page_needs_no_network(page: Path) -> None:
    text = page.read_text()
    sources = re.findall(r"(?:src|href)=\"([^\"]*)", text) + re.findall(r"url\(([^)]*)", text)
    assert len(sources) > 20
    assert all(source.startswith(("data:image/webp;base64,", "#")) for source in sources)
    assert "<script" not in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


def test_page_says_what_every_number_depends_on(page: Path) -> None:
    text = re.sub(r"base64,[^\"]*", "", page.read_text())
    for expected in (
        *PROTOCOLS,
        "synthetic all",
        "6 photographs",
        "2 seeds",
        "native size",
        "320×320",
        "kmeans-colour",
    ):
        assert expected in text
    assert "slotlight evaluate --data synthetic &lt;&amp;&gt;" in text
    assert text.count('class="selection"') == 4 * len(PROTOCOLS)
    assert "Segments that ignore the photograph" in text


def test_page_opens_in_a_browser(page: Path, tmp_path: Path) -> None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(names)} is on this machine")
    quiet = [
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    flags = [
        "--headless",
        "--no-sandbox",
        "--no-first-run",
        "--disable-sync",
        "--window-size=1100,1600",
        *quiet,
    ]
    profile, picture = f"--user-data-dir={tmp_path / 'profile'}", tmp_path / "page.png"
    command = [browser, *flags, profile, f"--screenshot={picture}", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    assert shown.stdout.count("<section") == len(PROTOCOLS) + 2
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500  # photographs are there
    coloured = np.ptp(pixels.astype(int), axis=2).max(axis=1) > 40
    assert coloured.mean() > 0.2  # and the page is styled down its length

"""For mkdocs: pages of the site that lie elsewhere in the repository, and links to what the site has no page of.

The README, the model's card and the like stay where one looks for them, and their links work there as well as here.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.utils import get_relative_url

ROOT = Path(__file__).parents[1]
DOCS = Path(__file__).parent
ELSEWHERE = {
    "index.md": "README.md",
    "card.md": "src/slotlight/pretrained/README.md",
    "recipes.md": "recipes/README.md",
    "comparison.md": "recipes/COMPARISON.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changes.md": "CHANGELOG.md",
}
"""Pages of the site by the files that they are."""

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Add the pages of docs/ that the navigation does not name to its tasks."""
    named = set(_pages(config.nav))
    (tasks,) = (section["Tasks"] for section in config.nav if "Tasks" in section)
    tasks += sorted(path.name for path in DOCS.glob("*.md") if path.name not in named)
    return config


def _pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for item in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(item)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie elsewhere."""
    for page, source in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn each link that would work in the repository into one that works on the site."""
    here = (ROOT / ELSEWHERE.get(page.file.src_uri, f"docs/{page.file.src_uri}")).parent
    pages = {ROOT / source: name for name, source in ELSEWHERE.items()}

    def mended(link: re.Match[str]) -> str:
        picture, text, path, anchor = link[1], link[2], link[3], link[4] or ""
        target = (here / path).resolve()
        if not target.exists():
            return link[0]  # mkdocs names it, and the strict build fails
        if target.is_relative_to(DOCS):
            name = target.relative_to(DOCS).as_posix()
        elif target in pages:
            name = pages[target]
        else:
            return text
        return f"{picture}[{text}]({get_relative_url(name, page.file.src_uri)}{anchor})"

    return LINK.sub(mended, markdown)

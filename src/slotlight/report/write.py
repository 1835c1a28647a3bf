"""The readable forms of an evaluation in its folder: ``report.md`` and ``report.html``.

The results are on disk already (``report.json``, ``per_image/``). A form is written whole or not at all, and one that
cannot be written never ends a finished evaluation.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import SlotlightError
from slotlight.evaluation.result import Evaluation
from slotlight.files import write_text
from slotlight.report.markdown import to_markdown
from slotlight.report.page import to_html


def write_report(evaluation: Evaluation, out: Path, discoverers: Sequence[Discoverer]) -> list[str]:
    """Write ``report.md`` and ``report.html``.

    Args:
        evaluation: What `slotlight.evaluate` returned.
        out: The folder that it wrote to.
        discoverers: The models whose photographs and faults are shown.

    Returns:
        A sentence for each form that was not written.
    """
    forms: dict[str, Callable[[], str]] = {
        "report.md": lambda: to_markdown(evaluation),
        "report.html": lambda: to_html(evaluation, discoverers),
    }
    failures = []
    for name, render in forms.items():
        try:
            write_text(out / name, [render()])
        except (OSError, SlotlightError) as error:
            failures.append(f"{out / name} was not written: {error}")
    return failures

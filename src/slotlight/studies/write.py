"""What a study leaves in its folder: the values, and the answer as a page, as Markdown and as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from slotlight.evaluation.protocols import find_protocol
from slotlight.files import write_text, writing_to
from slotlight.report.page import page_templates
from slotlight.report.terminal import show_estimate
from slotlight.studies import plot
from slotlight.studies.answer import answers, below_floors, claim_verdict
from slotlight.studies.declaration import Measure
from slotlight.studies.pace import PACES
from slotlight.studies.pictures import pictures_of
from slotlight.studies.result import Row, StudyResult
from slotlight.studies.work import Work

OUTPUTS = (
    *("photographs", "features", "trainings", "measured"),
    *("report.html", "report.md", "report.json", "per_image.csv", PACES),
)
"""Everything that a study writes in its folder."""


def write_study(result: StudyResult, out: Path, work: Work) -> None:
    """Write ``per_image.csv``, ``report.json``, ``report.md`` and ``report.html``, each whole or not at all.

    Raises:
        OutputError: The folder cannot be written.
    """
    with writing_to(out):
        result.write_values(out / "per_image.csv")
        write_text(out / "report.json", [json.dumps(to_json(result), indent=1), "\n"])
        write_text(out / "report.md", [to_markdown(result)])
        write_text(out / "report.html", [to_html(result, work)])


def to_html(result: StudyResult, work: Work) -> str:
    """The page, which needs no network."""
    return (
        page_templates()
        .get_template("study.html")
        .render(
            result=result,
            answers=answers(result),
            claim=claim_verdict(result),
            floors=below_floors(result),
            plots=plot.plots_of(result),
            geometry=plot,
            meanings={measure.name: meaning(measure) for measure in result.measures},
            pictures=pictures_of(result, work),
        )
    )


def to_markdown(result: StudyResult) -> str:
    """The answer and the table, to be pasted into a page of documentation."""
    facts = "; ".join(f"{name}: {fact}" for name, fact in result.facts.items())
    names = [measure.name for measure in result.measures]
    lines = [
        *(f"### {result.study.name}: {result.study.question}", ""),
        *(f"- {sentence}" for sentence in answers(result)),
        *("", f"{result.study.claim} **{claim_verdict(result)}** {below_floors(result)}".rstrip(), ""),
        f"{len(result.photographs):,} photographs of {result.data}; {result.trainings} trainings of each arm; {facts}.",
        *("", "| | " + " | ".join(f"{m.name} (`{m.protocol}`)" for m in result.measures) + " |"),
        "|---" * (len(names) + 1) + "|",
        *(_line(row, names) for row in result.rows),
        *(f"- left out: {cause}" for cause in result.left_out),
        *("", f"```\n{result.command}\n```", "", f"Slotlight {result.version}, {result.device}.", ""),
    ]
    return "\n".join(lines)


def to_json(result: StudyResult) -> dict[str, Any]:
    """Every number of the page; what is undefined is null."""
    names = [measure.name for measure in result.measures]
    content = {
        "study": result.study.name,
        "question": result.study.question,
        "claim": result.study.claim,
        "answers": answers(result),
        "claim_verdict": claim_verdict(result),
        "below_floors": below_floors(result),
        "data": result.data,
        "photographs": len(result.photographs),
        "trainings": result.trainings,
        "facts": result.facts,
        "measures": [
            {"name": m.name, "protocol": m.protocol, "meaning": meaning(m)} for m in result.measures
        ],
        "rows": [
            {
                "name": row.name,
                "is_floor": row.is_floor,
                "is_supervised": row.is_supervised,
                "estimates": [asdict(row.estimate(name)) for name in names],
                "training_means": {name: row.means(name).tolist() for name in names},
            }
            for row in result.rows
        ],
        "comparisons": [asdict(c) | {"is_shown": c.test.is_shown} for c in result.comparisons],
        "spread_p_values": result.spreads,
        "left_out": result.left_out,
        "command": result.command,
        "version": result.version,
        "device": result.device,
    }
    plain: dict[str, Any] = _without_nan(content)
    return plain


def meaning(measure: Measure) -> str:
    """What a measure means, in one sentence."""
    metrics = {metric.name: metric.meaning for metric in find_protocol(measure.protocol).metrics}
    return measure.meaning or metrics[measure.name]


def _line(row: Row, names: list[str]) -> str:
    name = f"{row.name} (floor)" if row.is_floor else f"**{row.name}**"
    return (
        "| " + " | ".join([name, *(show_estimate(row.estimate(n)).replace("\n", " ") for n in names)]) + " |"
    )


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value

"""A `Report` → one ``report.html`` that needs no network: tables, curves, photographs, faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from jinja2 import Environment, StrictUndefined

from slotlight.datasets import Dataset, LabelKind
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import OutputError, SlotlightError
from slotlight.evaluation.protocols import PROTOCOLS
from slotlight.evaluation.runner import Run
from slotlight.evaluation.tables import Figure, Report, Table
from slotlight.images import RGBImage
from slotlight.report import charts
from slotlight.report.charts import Chart, charts_of
from slotlight.report.diagnostics import Finding, diagnose
from slotlight.report.galleries import Gallery, example_picture, make_gallery

_LOOKED_AT = 32
"""Photographs in which faults are looked for."""


@dataclass(frozen=True)
class ShownFinding:
    """A finding and its photographs, as data URLs."""

    finding: Finding
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """All findings about one model."""

    model: str
    findings: tuple[ShownFinding, ...]


@dataclass(frozen=True)
class Section:
    """One protocol's part of the page."""

    table: Table
    charts: tuple[Chart, ...]
    galleries: tuple[Gallery, ...]


def write_report(report: Report, out: Path, discoverers: Sequence[Discoverer], dataset: Dataset) -> None:
    """Write ``report.html``.

    Args:
        report: The tables.
        out: The folder that `slotlight.evaluate` wrote to.
        discoverers: The models whose photographs and faults are shown.
        dataset: What they were measured on.

    Raises:
        OutputError: It cannot be written.
    """
    sections = [_section(table, out, discoverers, dataset) for table in report.tables]
    page = render(report, sections, _diagnoses(discoverers, dataset, report.tables[0].images))
    try:
        (out / "report.html").write_text(page)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}; choose another --out.") from None


def render(report: Report, sections: Sequence[Section], diagnoses: Sequence[Diagnosis]) -> str:
    """The page's HTML."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = _percent
    environment.filters["points"] = _points
    environment.globals["interval_bar"] = _interval_bar
    template = environment.from_string((files("slotlight") / "report/page.html").read_text())
    return template.render(
        report=report,
        sections=sections,
        diagnoses=diagnoses,
        colours=_colours(report),
        chart=charts,
        date=datetime.now(UTC).date().isoformat(),
    )


def _section(table: Table, out: Path, discoverers: Sequence[Discoverer], dataset: Dataset) -> Section:
    protocol = PROTOCOLS[table.protocol]
    asked_for = range(table.images + len(table.skipped))
    galleries = []
    for discoverer in discoverers:
        run = Run(discoverer, (protocol,), 0, dataset, asked_for, out)
        galleries.append(make_gallery(discoverer, dataset, protocol, run.measured(protocol)))
    colours = {row.model: number for number, row in enumerate(table.rows)}
    return Section(table, tuple(charts_of(table.rows, colours)), tuple(galleries))


def _diagnoses(discoverers: Sequence[Discoverer], dataset: Dataset, count: int) -> list[Diagnosis]:
    photographs, backgrounds = [], []
    step = max(1, count // _LOOKED_AT)
    for index in range(0, count, step)[:_LOOKED_AT]:
        try:
            photographs.append(dataset[index].read_image())
        except SlotlightError:  # listed among those left out
            continue
        backgrounds.append(_background(dataset, index))
    shown = []
    for discoverer in discoverers:
        findings = diagnose(discoverer, photographs, backgrounds)
        shown.append(Diagnosis(discoverer.name, tuple(_shown(finding, photographs) for finding in findings)))
    return shown


def _background(dataset: Dataset, index: int) -> Bool[np.ndarray, "height width"] | None:
    if LabelKind.FOREGROUND not in dataset.label_kinds:
        return None
    try:
        foreground = dataset[index].read_labels(frozenset({LabelKind.FOREGROUND})).foreground
    except SlotlightError:
        return None
    return None if foreground is None else foreground == 0


def _shown(finding: Finding, photographs: Sequence[RGBImage]) -> ShownFinding:
    pictures = tuple(example_picture(photographs[e.photograph], e) for e in finding.examples)
    return ShownFinding(finding, pictures)


def _colours(report: Report) -> dict[str, int]:
    return {row.model: number for number, row in enumerate(report.tables[0].rows)}


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "−")


def _interval_bar(figure: Figure) -> str:
    """The CSS that places an interval on a scale from 0 to 1."""
    if figure.interval is None:
        return ""
    low, high = (min(max(v, 0.0), 1.0) for v in (figure.interval.low, figure.interval.high))
    return f"left:{100 * low:.1f}%;width:{max(100 * (high - low), 1):.1f}%"

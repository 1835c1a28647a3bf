"""An `Evaluation` → one ``report.html`` that needs no network: tables, curves, photographs, faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from jaxtyping import Bool
from jinja2 import Environment

from slotlight.datasets import Dataset, LabelKind
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import SlotlightError
from slotlight.evaluation.result import Evaluation, ProtocolResult
from slotlight.evaluation.tables import Estimate, Table
from slotlight.images import RGBImage
from slotlight.report import charts
from slotlight.report.charts import Chart, charts_of
from slotlight.report.diagnostics import Finding, diagnose
from slotlight.report.galleries import Gallery, example_picture, make_gallery
from slotlight.report.reliability import ReliabilityRows, reliability_rows
from slotlight.report.templates import templates
from slotlight.report.terminal import points

_DIAGNOSED = 32
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
    reliability: ReliabilityRows | None
    galleries: tuple[Gallery, ...]


def to_html(evaluation: Evaluation, discoverers: Sequence[Discoverer]) -> str:
    """The page: every table with its curves, photographs and faults of the given models."""
    sections = [_section(result, discoverers, evaluation.dataset) for result in evaluation.results]
    diagnoses = _diagnoses(discoverers, evaluation.dataset, _places(evaluation.results[0]))
    return (
        page_templates()
        .get_template("page.html")
        .render(
            evaluation=evaluation,
            sections=sections,
            diagnoses=diagnoses,
            colours={row.model: number for number, row in enumerate(evaluation.tables[0].rows)},
            chart=charts,
            date=datetime.now(UTC).date().isoformat(),
        )
    )


def page_templates() -> Environment:
    """The templates of this folder, and how numbers are written in them."""
    environment = templates("report")
    environment.filters["percent"] = _percent
    environment.filters["points"] = points
    environment.globals["interval_bar"] = _interval_bar
    return environment


def _section(result: ProtocolResult, discoverers: Sequence[Discoverer], dataset: Dataset) -> Section:
    galleries = tuple(make_gallery(discoverer, dataset, result) for discoverer in discoverers)
    colours = {row.model: number for number, row in enumerate(result.table.rows)}
    table = result.table
    return Section(table, tuple(charts_of(table.rows, colours)), reliability_rows(table), galleries)


def _places(result: ProtocolResult) -> list[int]:
    """Where in the dataset the photographs are in which faults are looked for, spread evenly."""
    measured = list(result.values[0].seeds[0])
    return measured[:: max(1, len(measured) // _DIAGNOSED)][:_DIAGNOSED]


def _diagnoses(discoverers: Sequence[Discoverer], dataset: Dataset, places: Sequence[int]) -> list[Diagnosis]:
    photographs, backgrounds = [], []
    for index in places:
        try:
            photographs.append(dataset[index].read_image())
        except SlotlightError:  # it has gone since it was measured
            continue
        backgrounds.append(_background(dataset, index))
    if not photographs:
        return []
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


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f}"


def _interval_bar(estimate: Estimate) -> str:
    """The CSS that places an interval on a scale from 0 to 1."""
    if estimate.interval is None:
        return ""
    low, high = (min(max(v, 0.0), 1.0) for v in (estimate.interval.low, estimate.interval.high))
    return f"left:{100 * low:.1f}%;width:{max(100 * (high - low), 1):.1f}%"

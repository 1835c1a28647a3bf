"""What a study does between its plan and its result: features, every training, every measurement; one bar over all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from slotlight.backbones import Backbone
from slotlight.baselines import BASELINES, build_baseline
from slotlight.config import ModelConfig, TrainConfig
from slotlight.datasets import Dataset
from slotlight.detector.segmenter import DetectorSegmenter
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.floors import floors_beneath
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.protocols import find_protocol
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.run import evaluate
from slotlight.features.cache import cache_features
from slotlight.features.dataset import FeatureCache
from slotlight.model.checkpoint import load_model
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import build_slot_model
from slotlight.progress import ProgressReport
from slotlight.studies.corruptions import CorruptedDataset
from slotlight.studies.declaration import DETECTOR, Measure, Shift, Study
from slotlight.studies.labelled.detector import load_supervised_detector
from slotlight.studies.labelled.lessons import Lesson, read_lesson
from slotlight.studies.labelled.training import load_head, seconds_a_head_step, train_head
from slotlight.studies.options import StudyOptions
from slotlight.studies.pace import in_equal_time, kept_paces
from slotlight.studies.plan import Reading, Training, as_read, as_trained
from slotlight.studies.result import BASE
from slotlight.studies.size import Size, seconds_a_photograph, seconds_a_step
from slotlight.training.train import train_on


@dataclass(frozen=True)
class Work:
    """Everything that a study needs to be carried out.

    Attributes:
        asked: The study.
        readings: Its plan.
        measures: What is measured.
        options: How large it is.
        dataset: What it is measured on.
        files: What is trained on.
        model: The base model.
        training: How it is trained, with the first seed.
        backbone: Whose features all arms share.
        out: The folder, claimed.
        taught: The photographs whose labels teach supervised arms, where there are such; none of the dataset's.
        domains: What arms of a domain are trained on, by its name.
    """

    asked: Study
    readings: tuple[Reading, ...]
    measures: tuple[Measure, ...]
    options: StudyOptions
    dataset: Dataset
    files: list[Path]
    model: ModelConfig
    training: TrainConfig
    backbone: Backbone
    out: Path
    taught: Dataset | None = None
    domains: Mapping[str, list[Path]] = field(default_factory=dict)

    def carry_out(self) -> dict[Shift | None, Evaluation]:
        """Train and measure whatever is not finished; an evaluation for each thing that is done to photographs."""
        if self.asked.equal_time:
            return replace(self, readings=self._timed()).carry_out_as_planned()
        return self.carry_out_as_planned()

    def carry_out_as_planned(self) -> dict[Shift | None, Evaluation]:
        """The same with the steps that the plan has."""
        unfinished = self._unfinished()
        kinds = dict.fromkeys((one.model, one.learner) for one in unfinished)
        paces = {kind: self._pace(*kind) for kind in kinds}
        size = self._size(unfinished, paces)
        with ProgressReport(f"{self.asked.name}, seconds of work", round(size.seconds)) as report:
            report.say(f"{self.asked.name}: {size.in_words()}")
            bar = _Bar(report)
            for training in unfinished:
                with bar.part(training.folder, paces[training.model, training.learner]) as on_step:
                    self._train(training, on_step)
            return {shift: self._measure(shift, bar, size.photograph_s) for shift in self.shifts}

    def _timed(self) -> tuple[Reading, ...]:
        base = as_trained(self.model)
        trainings = [stage for reading in self.readings for stage in reading.training.stages]
        models = dict.fromkeys([base, *(training.model for training in trainings)])
        return in_equal_time(self.readings, base, kept_paces(self.out, list(models), self._pace))

    def _pace(self, model: ModelConfig, learner: str | None = None) -> float:
        if learner:
            return seconds_a_head_step(learner, self.training, self.backbone.dim, self.features.grid)
        return seconds_a_step(model, self.training, self.features, self.backbone.dim, self.backbone.device)

    @cached_property
    def features(self) -> FeatureCache:
        """What all arms are trained on."""
        return cache_features(
            self.files,
            self.out / "features",
            self.backbone,
            image_size=self.model.backbone.image_size,
            precision=self.training.precision,
        )

    @cached_property
    def lesson(self) -> Lesson:
        """What supervised arms learn from."""
        if self.taught is None:
            raise ValueError("the study has no photographs whose labels teach")
        size = self.model.backbone.image_size
        return read_lesson(self.taught, self.backbone, image_size=size, precision=self.training.precision)

    @cached_property
    def shifts(self) -> tuple[Shift | None, ...]:
        """What is done to the photographs that are measured, each once."""
        return tuple(dict.fromkeys(arm.shift for arm in self.asked.arms))

    @cached_property
    def floors(self) -> tuple[Discoverer, ...]:
        """What stands beside the arms; the base model before training among them, and clusters in its slots' place."""
        beside = self._baselines(self.asked.beside)
        if self.asked.floors is not None:
            return self._baselines(self.asked.floors) + beside
        base = build_slot_model(self.model, self.backbone.dim, self.features.grid).to(self.backbone.device)
        return (*floors_beneath([Discoverer(ModelSegmenter(BASE, self.backbone, base))]), *beside)

    def _baselines(self, names: tuple[str, ...]) -> tuple[Discoverer, ...]:
        own = {name: self.backbone if BASELINES[name].needs_backbone else None for name in names}
        return tuple(Discoverer(build_baseline(name, backbone)) for name, backbone in own.items())

    def dataset_under(self, shift: Shift | None) -> Dataset:
        """The photographs as arms of this shift are measured on."""
        return self.dataset if shift is None else CorruptedDataset(self.dataset, shift)

    def discoverer(self, reading: Reading) -> Discoverer:
        """A trained model as an arm reads it."""
        home, learner = self._home(reading.training), reading.training.learner
        if learner == DETECTOR:
            return Discoverer(self._detector(reading.name))
        if learner:
            head = load_head(home, name=reading.name, backbone=self.backbone, model=self.model)
            return Discoverer(head)
        found = load_model(home, name=reading.name, backbone=self.backbone, device=self.backbone.device)
        found.model.config = as_read(found.model.config, reading.model)
        return Discoverer(found)

    def _detector(self, name: str) -> DetectorSegmenter:
        if self.options.detector is None:
            raise ValueError("the study has no detector")
        return load_supervised_detector(self.options.detector, name=name, device=self.backbone.device)

    def _home(self, training: Training) -> Path:
        return self.out / "trainings" / training.folder

    def _unfinished(self) -> list[Training]:
        trainings = dict.fromkeys(stage for reading in self.readings for stage in reading.training.stages)
        own = [one for one in trainings if one.learner != DETECTOR]
        return [one for one in own if not (self._home(one) / "config.json").is_file()]

    def _size(self, unfinished: list[Training], paces: dict[tuple[ModelConfig, str | None], float]) -> Size:
        protocols = [find_protocol(name) for name in self._protocols]
        photographs = min(len(self.dataset), self.options.measured or len(self.dataset))
        looks = (len(self.readings) + len(self.floors) * len(self.shifts)) * self.asked.draws
        seconds = seconds_a_photograph(self.floors[-1], self.dataset, protocols)
        # A detector takes far longer than anything else.
        detectors = [self.discoverer(one) for one in self.readings if one.training.learner == DETECTOR]
        slow = [seconds_a_photograph(one, self.dataset, protocols) for one in detectors]
        return Size(
            trainings=len(unfinished),
            steps=sum(one.training.steps for one in unfinished),
            training_s=sum((one.training.steps * paces[one.model, one.learner] for one in unfinished), 0.0),
            photographs=photographs * looks,
            photograph_s=(sum(slow, 0.0) + (looks - len(slow)) * seconds) / looks,
        )

    @property
    def _protocols(self) -> list[str]:
        return list(dict.fromkeys(measure.protocol for measure in self.measures))

    def _train(self, training: Training, on_step: Callable[[int], None]) -> None:
        if training.learner:
            home, kind = self._home(training), training.learner
            train_head(self.lesson, kind, home, training.training, self.backbone, on_step)
            return
        first = self._home(training.first) if training.first else None
        train_on(
            self.domains[training.domain] if training.domain else self.files,
            self._home(training),
            training.model,
            replace(training.training, first_stage=first),
            device=self.backbone.device,
            cache=self.out / "features",
            on_step=on_step,
        )

    def _measure(self, shift: Shift | None, bar: "_Bar", seconds: float) -> Evaluation:
        name = "as they are" if shift is None else f"{shift.kind}-{shift.severity}"
        with bar.part(f"measuring photographs, {name}", seconds) as count:
            looks = iter(range(1, 2**63))
            return evaluate(
                [self.discoverer(reading) for reading in self.readings if reading.arm.shift == shift],
                self.dataset_under(shift),
                self._protocols,
                out=self.out / "measured" / name.replace(" ", "-"),
                floors=self.floors,
                options=EvaluationOptions(
                    seeds=self.asked.draws,
                    limit=self.options.measured,
                    batch_size=self.options.batch_size,
                    on_error=self.options.on_error,
                ),
                command=f"slotlight study {self.asked.name}",
                on_photograph=lambda: count(next(looks)),
            )


class _Bar:
    """Work of several kinds in one bar, by the seconds that each was measured to take."""

    def __init__(self, report: ProgressReport) -> None:
        self.report, self.before = report, 0.0

    @contextmanager
    def part(self, name: str, seconds_each: float) -> Iterator[Callable[[int], None]]:
        """A part; give it the number of its pieces that are done."""
        done = 0

        def count(pieces: int) -> None:
            nonlocal done
            done = pieces
            self.report.update(round(self.before + pieces * seconds_each), name)

        yield count
        self.before += done * seconds_each

"""Every study is sound: its contrasts name arms, its measures exist, its quick form answers something."""

import pytest

from slotlight.config import preset
from slotlight.errors import UnknownNameError
from slotlight.evaluation.protocols import find_protocol
from slotlight.studies import STUDIES, find_study
from slotlight.studies.corruptions import CORRUPTIONS
from slotlight.studies.declaration import Study
from slotlight.studies.plan import plan

studies = pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))


@studies
def test_contrasts_name_arms(study: Study) -> None:
    for form in (study, study.shortened()):
        names = [arm.name for arm in form.arms]
        assert len(set(names)) == len(names)
        assert form.contrasts
        assert {name for pair in form.contrasts for name in (pair.arm, pair.against)} <= {*names}
    assert set(study.quick) <= {arm.name for arm in study.arms}
    assert study.shortened().name == f"{study.name} (quick)"


@studies
def test_measures_are_their_protocols(study: Study) -> None:
    for measure in study.measures:
        metrics = find_protocol(measure.protocol).metrics
        known = {metric.name for metric in metrics if not metric.pooled}
        assert measure.name in known or (measure.value is not None and measure.meaning)


@studies
def test_arms_differ_and_shifts_exist(study: Study) -> None:
    model, _ = preset("study")
    changed = {(arm.change(model), arm.shift, arm.learner) for arm in study.arms}
    assert len(changed) == len(study.arms)
    assert {arm.shift.kind for arm in study.arms if arm.shift} <= {*CORRUPTIONS}


def test_trainings_are_shared_by_what_only_reads_them() -> None:
    model, training = preset("study")
    trained = {
        name: len({reading.training.folder for reading in plan(study.arms, model, training, 2)})
        for name, study in STUDIES.items()
    }
    assert trained == {
        "masking": 6,
        "mask-ratio": 22,
        "heads": 10,
        "matching": 2,
        "slots": 10,
        "small-objects": 6,
        "shift": 2,
        "supervised": 9,
        "stability": 4,
        "methods": 16,
    }


def test_an_unknown_study_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'masking'"):
        find_study("masing")

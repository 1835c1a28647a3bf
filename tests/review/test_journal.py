from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviews import opened, press, saved
from slotlight.review.journal import JOURNAL
from slotlight.review.state import KEYS


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.sampled_from(list(KEYS)), max_size=25), cut=st.integers(0, 60))
def test_a_kill_at_any_moment_loses_at_most_the_last_key(found, keys, cut):
    """The record without its end is a review without its last changes; the rest goes on as it was."""
    folder = opened(found, start_over=True)
    press(folder, *keys)
    left, at = dict(folder.review.changed), folder.review.at
    folder.close()
    again = opened(found)
    assert (again.review.changed, again.review.at) == (left, at)
    again.close()
    record = found / JOURNAL
    lines = record.read_bytes().splitlines(keepends=True)
    if len(lines) > 1:
        record.write_bytes(b"".join(lines[:-1]) + lines[-1][: min(cut, len(lines[-1]) - 2)])
        short = opened(found)
        press(short, "ArrowDown", "d")
        left = dict(short.review.changed)
        short.close()
        again = opened(found)
        assert again.review.changed == left
        again.close()


def test_it_goes_on_where_the_person_left_off_and_knows_what_is_unsaved(found):
    folder = opened(found)
    press(folder, "d", "ArrowRight", "ArrowRight")
    assert not folder.journal.is_saved
    folder.close()
    folder = opened(found)
    assert folder.review.photograph == 3
    assert not folder.journal.is_saved
    folder.save()
    folder.close()
    folder = opened(found)
    assert folder.journal.is_saved
    press(folder, "ArrowLeft")
    assert folder.journal.is_saved
    assert saved(folder)["info"]["reviewed"] == [1, 2, 3]

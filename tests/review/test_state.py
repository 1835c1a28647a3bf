"""The state of a review: whatever a person presses, nothing that was found is lost, and undo leads all the way back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from slotlight.review.state import KEYS, Piece, Review, merged, share_out, untouched, with_kept

FOUND = {7: [1, 2, 3, 4], "b": [], 9: [5], 2: [10, 11]}
CHANGING = ("d", "k", "m")
few = settings(max_examples=40, deadline=None)
presses = st.lists(st.sampled_from([*KEYS, "x", "s"]), max_size=40)


def pressed(keys, found=FOUND) -> Review:
    review = Review(found)
    for key in keys:
        review.press(key)
    return review


def everything(review):
    return {photograph: review.pieces(photograph) for photograph in review.photographs}


@few
@given(presses)
def test_whatever_is_pressed_what_was_found_is_shared_out(keys):
    review = pressed(keys)
    for photograph, objects in FOUND.items():
        pieces = review.pieces(photograph)
        assert share_out(pieces, objects)
        firsts = [objects.index(piece.members[0]) for piece in pieces]
        assert firsts == sorted(firsts)
    assert 0 <= review.at < len(FOUND)
    assert 0 <= review.selected <= max(0, len(review.pieces()) - 1)
    assert review.marked is None or review.marked < len(review.pieces())
    assert review.photograph in review.seen


@few
@given(presses)
def test_undo_leads_all_the_way_back(keys):
    review = pressed(keys)
    while not review.press("u"):
        pass
    assert everything(review) == {photograph: untouched(objects) for photograph, objects in FOUND.items()}
    assert not review.changed


@few
@given(presses, st.sampled_from(CHANGING))
def test_undo_takes_back_one_change_and_shows_where(keys, key):
    review = pressed(keys)
    before, at, changes = everything(review), review.at, review.changes
    review.press(key)
    if review.changes > changes:
        review.press("ArrowRight")
        review.press("u")
        assert review.at == at
    assert everything(review) == before


@few
@given(presses)
def test_the_same_keys_lead_to_the_same_state(keys):
    first, second = pressed(keys), pressed(keys)
    assert everything(first) == everything(second)
    assert (first.at, first.selected, first.marked) == (second.at, second.selected, second.marked)


@few
@given(presses)
def test_what_was_restored_is_what_was_left(keys):
    left = pressed(keys)
    again = Review(FOUND)
    assert all(again.restore(photograph, pieces) for photograph, pieces in everything(left).items())
    assert everything(again) == everything(left)


@few
@given(st.integers(1, 6), st.data())
def test_merging(count, data):
    pieces = untouched(range(count))
    first, second = (data.draw(st.integers(0, count - 1)) for _ in range(2))
    if first == second:
        return
    both = merged(with_kept(pieces, first, False), first, second)
    assert both == merged(with_kept(pieces, first, False), second, first)
    assert Piece(tuple(sorted((first, second)))) in both
    assert share_out(both, range(count))
    assert len(both) == count - 1


def test_what_does_not_fit_is_not_restored():
    review = Review(FOUND)
    assert not review.restore(7, untouched([1, 2]))
    assert not review.restore(7, untouched([1, 2, 3, 3]))
    assert not review.restore("gone", ())
    assert not review.changed


def test_what_is_said():
    review = Review(FOUND)
    assert "first photograph" in review.press("ArrowLeft")
    assert "nothing to undo" in review.press("u")
    assert "another object" in review.press("m")
    assert "merged with itself" in review.press("m")
    review.press("ArrowRight")
    assert "Nothing was found" in review.press("d")


def test_a_dropped_object_can_be_kept_again():
    review = pressed(["ArrowDown", "d"])
    assert [piece.is_kept for piece in review.pieces()] == [True, False, True, True]
    review.press("k")
    assert not review.changed

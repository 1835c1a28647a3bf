import pytest

from slotlight import errors
from slotlight.errors import SlotlightError, UnknownNameError


def test_every_error_is_a_slotlight_error() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 5
    assert all(issubclass(kind, SlotlightError) for kind in kinds)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "dino-vits61",
            "There is no backbone 'dino-vits61'; did you mean 'dino-vits16'? Valid: dino-vits16, mae.",
        ),
        ("nothing like it", "There is no backbone 'nothing like it'. Valid: dino-vits16, mae."),
        ("", "There is no backbone ''. Valid: dino-vits16, mae."),
    ],
)
def test_an_unknown_name_is_told_the_nearest_and_the_valid_ones(name: str, says: str) -> None:
    assert str(UnknownNameError("backbone", name, ["mae", "dino-vits16"])) == says


def test_two_names_that_are_as_near() -> None:
    error = UnknownNameError("kind", "vit-a", (name for name in ["vit-b", "vit-c", "other"]))
    assert "did you mean 'vit-b' or 'vit-c'?" in str(error) or "did you mean 'vit-c' or 'vit-b'?" in str(
        error
    )

import pytest

from slotlight.errors import ImageError
from slotlight.training.by_products import ByProducts


def test_each_loss_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    by_products = ByProducts()
    for product, fault in (
        ("logs", OSError("full")),
        ("logs", OSError("full")),
        ("a picture", ImageError("gone.")),
    ):
        with by_products.attempt(product):
            raise fault
    assert caplog.messages == [
        "Training goes on without logs: full",
        "Training goes on without a picture: gone",
    ]


def test_a_fault_in_the_code_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), ByProducts().attempt("logs"):
        raise ZeroDivisionError

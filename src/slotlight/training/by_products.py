"""What a run writes for people to look at: losing it must never cost the run."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from slotlight.errors import SlotlightError, printable

_LOG = logging.getLogger(__name__)


class ByProducts:
    """Lets the training go on when one of its by-products fails, and says so once for each.

    Example:
        >>> by_products = ByProducts()
        >>> with by_products.attempt("the contact sheet"):
        ...     raise OSError("No space left on device")
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    @contextmanager
    def attempt(self, product: str) -> Iterator[None]:
        """Whatever keeps a by-product from being made ends this block, and nothing more."""
        try:
            yield
        except (OSError, SlotlightError) as fault:
            if product not in self._told:
                sentence = f"Training goes on without {product}: {str(fault).rstrip('.')}"
                _LOG.warning("%s", printable(sentence))
            self._told.add(product)

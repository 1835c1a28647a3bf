"""Random maps of slots and labels, and every metric of them."""

import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

SHAPE = (2, 4, 5)


def maps(highest: int, *, void: bool = False) -> st.SearchStrategy[Tensor]:
    values = st.integers(0, highest)
    cells = st.one_of(values, st.just(255)) if void else values
    return arrays("uint8", SHAPE, elements=cells, fill=st.nothing()).map(torch.from_numpy)

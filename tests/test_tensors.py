import torch

from slotlight.tensors import rand_index, tensors_digest


def test_a_digest_is_of_names_shapes_kinds_and_values_in_any_order() -> None:
    one = {"a": torch.zeros(2), "b": torch.ones(1)}
    assert tensors_digest(one) == tensors_digest(dict(reversed(one.items())))
    others = [
        {"a": torch.zeros(2), "c": torch.ones(1)},
        {"a": torch.zeros(2, 1), "b": torch.ones(1)},
        {"a": torch.zeros(2, dtype=torch.int32), "b": torch.ones(1)},
        {"a": torch.tensor([0.0, 1e-30]), "b": torch.ones(1)},
    ]
    assert len({tensors_digest(tensors) for tensors in (one, *others)}) == 5
    assert tensors_digest(one, "bf16") != tensors_digest(one)


def test_the_rand_index_of_equal_trivial_and_absent_partitions() -> None:
    counts = torch.tensor([[[3, 0], [0, 2]], [[5, 0], [0, 0]], [[0, 0], [0, 0]]])
    equal, trivial, absent = rand_index(counts)
    assert equal == trivial == 1
    assert absent.isnan()

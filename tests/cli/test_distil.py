import pytest


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--teacher", "votting"), "did you mean 'voting'"),
        (("--teacher", "centre-box"), "makes no proposals"),
        (("--sizes", "16"), "each must be at least 64 pixels"),
        (("--resume",), "holds no run to resume"),
    ],
)
def test_what_cannot_teach_is_one_sentence(run, trip, options, says):
    status, _, err = run("distil", trip / "pics", "--out", trip / "out", "--device", "cpu", *options)
    assert (status, err.splitlines()[-1].count("slotlight: ")) == (2, 1)
    assert says in err

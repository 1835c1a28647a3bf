import pytest


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--model", "tokencut"), "tokencut is not a folder"),
        (("--limit", "0"), "limit is 0; it must be at least 1"),
        (("--model", "embedded", "--weights", "x"), "does not use weights"),
    ],
)
def test_what_cannot_be_calibrated_is_one_sentence(run, tmp_path, options, says):
    status, _, err = run("calibrate", "--data", "synthetic", "--out", tmp_path / "out", *options)
    assert (status, err.count("\n")) == (2, 1)
    assert says in err
    assert not (tmp_path / "out").exists()

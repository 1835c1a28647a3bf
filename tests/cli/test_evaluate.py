import pytest


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--devices", "0"), "devices is 0; it must be at least 1"),
        (("--devices", "9999"), "devices is 9999, but this machine has"),
        (("--device", "cpu:0"), "no device 'cpu:0'"),
        (("--masks", "masks", "--annotations", "x.json"), "leave one of them out"),
        (("--mask-kind", "instances"), "needs masks"),
    ],
)
def test_options_of_evaluate_have_bounds(run, trip, options, says):
    data = "synthetic" if "device" in options[0] else str(trip / "pics")
    arguments = ("--data", data, "--protocol", "corloc", "--model", "centre-box", "--out", trip / "out")
    status, _, err = run("evaluate", *arguments, *options)
    assert (status, err.count("\n")) == (2, 1)
    assert says in err

import csv


def test_groups_are_told_and_named(run, trip):
    found, out = trip / "found", trip / "groups"
    assert run("discover", trip / "pics", "--out", found, "--model", "tiles", "--min-score", "0")[0] == 0
    args = ("groups", found, "--out", out, "--groups", "2", "--device", "cpu")
    status, said, err = run(*args)
    assert (status, err) == (0, "")
    assert "7 objects in 2 groups" in said
    assert [row["group"] for row in csv.DictReader((out / "names.csv").open())] == ["1", "2"]
    (out / "names.csv").write_text("group,name\n1,[bold]\n2,\n")
    status, said, _ = run(*args)
    assert status == 0
    assert "[bold]" in said
    assert "(left out)" in said


def test_what_cannot_be_grouped_is_one_sentence(run, trip):
    for options, says in (
        (("--groups", "0"), "groups is 0; it must be at least 1"),
        ((), "holds no finished discovery"),
    ):
        status, _, err = run("groups", trip / "pics", "--out", trip / "groups", *options)
        assert status > 0
        assert (err.count("\n"), says in err) == (1, True)

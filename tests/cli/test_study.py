def test_without_a_name_the_questions_are_listed(run):
    status, said, err = run("study")
    assert (status, err) == (0, "")
    for name in ("masking", "heads", "matching"):
        assert name in said


def test_what_cannot_be_studied_is_one_sentence(run, tmp_path):
    for arguments, says in (
        (("maskin",), "did you mean 'masking'"),
        (("masking", "--seeds", "0"), "seeds is 0; it must be at least"),
    ):
        status, _, err = run("study", *arguments, "--out", tmp_path / "out")
        assert (status, err.count("\n")) == (2, 1)
        assert says in err
    assert not (tmp_path / "out").exists()

from slotlight.files import pretrained


def test_what_cannot_be_pushed_is_one_sentence(run, tmp_path):
    for folder, repo, says in (
        (pretrained(), "owls", "does not name a repository"),
        (tmp_path, "someone/owls", "is not a model folder"),
    ):
        status, _, err = run("push", folder, repo)
        assert (status, err.count("\n")) == (2, 1)
        assert says in err

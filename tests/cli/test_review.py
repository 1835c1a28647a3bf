from importlib.util import find_spec


def test_what_cannot_be_reviewed_is_one_sentence(run, tmp_path):
    status, _, err = run("review", tmp_path, "--port", "0")
    assert (status, err.count("\n")) == (2, 1)
    assert "port is 0" in err
    status, _, err = run("review", tmp_path)
    assert err.count("\n") == 1
    if find_spec("gradio"):
        assert (status, "has finished" in err) == (1, True)
    else:
        assert (status, "need Gradio" in err) == (2, True)
    assert not list(tmp_path.iterdir())

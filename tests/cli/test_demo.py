from importlib.util import find_spec

import pytest


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--port", "0"), "port is 0; it must be from 1 to 65535"),
        pytest.param(
            ("--max-mb", "0"),
            "max_mb is 0; it must be at least 1",
            marks=pytest.mark.skipif(find_spec("gradio") is None, reason="Gradio is not installed"),
        ),
        pytest.param(
            (),
            "need Gradio; run pip install 'slotlight[demo]'",
            marks=pytest.mark.skipif(find_spec("gradio") is not None, reason="Gradio is installed"),
        ),
    ],
)
def test_what_cannot_be_served_is_one_sentence(run, options, says):
    status, _, err = run("demo", *options)
    assert (status, err.count("\n")) == (2, 1)
    assert says in err

"""What is said without the extra."""

from importlib.util import find_spec

import pytest

from slotlight.errors import ConfigError
from slotlight.page.server import require_gradio


@pytest.mark.skipif(find_spec("gradio") is not None, reason="Gradio is installed")
def test_without_the_extra_one_sentence_says_what_to_install():
    with pytest.raises(ConfigError, match=r"need Gradio; run pip install 'slotlight\[demo\]'"):
        require_gradio()

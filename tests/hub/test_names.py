import pytest

from slotlight.errors import ConfigError
from slotlight.files import pretrained
from slotlight.hub.pushing import push_model


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("repo", ["owls", "a/b/c", "a/b@main", "", "some one/owls"])
def test_names_that_are_none(repo: str) -> None:
    with pytest.raises(ConfigError, match="does not name a repository"):
        push_model(pretrained(), repo)

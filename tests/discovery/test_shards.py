import pytest

from slotlight.discovery.shards import Shard, image_ids
from slotlight.errors import ConfigError


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "3/", "-1/3", "a/b", "1/3/5", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ConfigError, match="such as 3/16"):
        Shard.parse(text)


def test_every_photograph_has_one_shard_and_keeps_it():
    files = [f"photographs/{number}.jpg" for number in range(2000)]
    ids, more = image_ids(files), image_ids([*files, *(f"new/{number}.jpg" for number in range(500))])
    shards = [Shard(number, 7) for number in range(1, 8)]
    owners = {file: [shard for shard in shards if shard.has(number)] for file, number in ids.items()}
    assert all(len(found) == 1 for found in owners.values())
    assert min(sum(found == [shard] for found in owners.values()) for shard in shards) > 200
    assert {file: more[file] for file in files} == ids


def test_ids_are_distinct_and_fit_into_53_bits(monkeypatch):
    ids = image_ids(f"{number}.jpg" for number in range(1000))
    assert all(1 <= number < 2**53 for number in ids.values())
    monkeypatch.setattr("slotlight.discovery.shards._ID_BITS", 4)  # hashes meet
    met = image_ids(f"{number}.jpg" for number in range(1000))
    assert len(set(met.values())) == 1000
    assert met == image_ids(f"{number}.jpg" for number in reversed(range(1000)))


def test_a_name_that_is_no_text_has_an_id():
    assert image_ids(["\udcff.jpg"])["\udcff.jpg"] > 0

import slotlight
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.floors import floors_beneath
from thirds import Thirds


def test_what_is_evaluated_anyway_is_no_floor_and_features_have_their_own() -> None:
    plain = ["whole-image", "centre-box", "tiles", "kmeans-colour"]
    assert [floor.name for floor in floors_beneath([Discoverer(Thirds())])] == plain
    embedded = slotlight.load("tokencut")
    names = [floor.name for floor in floors_beneath([embedded, slotlight.load("tiles")])]
    assert [name for name in names if "@" not in name] == ["whole-image", "centre-box", "kmeans-colour"]
    assert {"kmeans-features@embedded", "spectral-features@embedded"} < set(names)

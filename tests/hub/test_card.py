"""What a card says of a model's scores."""

from slotlight.files import pretrained
from slotlight.hub.card import model_card
from slotlight.model.checkpoint import read_config


def test_a_card_says_whose_labels_scores_were_fitted_to() -> None:
    config = read_config(pretrained())
    card = model_card("someone/owls", config, licence=None, evaluation=None)
    assert "| scores | probabilities of being right, fitted to labels of VOC2012 dev, detection |" in card
    del config["calibration"]
    assert "probabilities" not in model_card("someone/owls", config, licence=None, evaluation=None)

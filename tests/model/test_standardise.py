"""Features less the training photographs' mean, over one deviation."""

import torch

from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.model.slot_model import build_slot_model
from slotlight.model.standardise import Standardise


def test_what_was_measured_has_mean_nought_and_deviation_one_whatever_the_batches() -> None:
    features = 50 + 7 * torch.randn(30, 16, 8, generator=torch.Generator().manual_seed(0))
    one, many = Standardise(8), Standardise(8)
    one.measure([features])
    many.measure(features.split(4))
    torch.testing.assert_close(one.deviation, many.deviation)
    scaled = one(features)
    torch.testing.assert_close(scaled.mean(dim=(0, 1)), torch.zeros(8), atol=1e-4, rtol=0)
    torch.testing.assert_close(scaled.std(), torch.tensor(1.0), atol=1e-3, rtol=0)


def test_features_all_alike_stay_finite() -> None:
    standardise = Standardise(3)
    standardise.measure([torch.ones(2, 4, 3)])
    assert standardise(torch.ones(2, 4, 3)).isfinite().all()


def test_a_model_reads_the_same_at_any_scale_and_offset() -> None:
    features = torch.randn(6, 25, 12, generator=torch.Generator().manual_seed(0))
    found = []
    for given in (features, 30 * features + torch.arange(12)):
        torch.manual_seed(0)
        config = ModelConfig(
            standardise=True,
            masking=MaskingConfig(kind="none"),
            slots=SlotConfig(
                heads=2, slots=3, projection_hidden=24, mlp_hidden=8, queries="patches", start="kmeans"
            ),
            decoder=DecoderConfig(hidden=8),
            masks_from="attention",
        )
        model = build_slot_model(config, 12, (5, 5)).eval()
        assert isinstance(model.standardise, Standardise)
        model.standardise.measure([given])
        found.append(model.segment_features(given, (5, 5)).masks)
    torch.testing.assert_close(*found, atol=1e-3, rtol=0)

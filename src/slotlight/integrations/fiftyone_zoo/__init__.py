"""A model source of FiftyOne's zoo: FiftyOne copies this folder and calls these two functions."""

from slotlight.integrations.fiftyone_zoo.zoo import download_model, load_model

__all__ = ["download_model", "load_model"]

"""A detector that learns objects from a model's own regions, without a label."""

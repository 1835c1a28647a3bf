"""A model as one graph, from a photograph's pixels to its objects: written by torch, run without it."""

"""Photographs → a model folder."""

"""Photographs → objects → a folder of results."""

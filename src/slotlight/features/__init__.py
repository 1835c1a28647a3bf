"""Patch features of many photographs: streamed, and cached on disk."""

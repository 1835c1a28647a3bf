"""How fast Slotlight is: every figure a ratio of two things timed in turn in one run."""

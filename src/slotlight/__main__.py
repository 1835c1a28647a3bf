"""``python -m slotlight``: the command line."""

from slotlight.cli import main

main()

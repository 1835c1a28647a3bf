"""``python -m slotlight``: the command line."""

from slotlight.cli.main import main

main()

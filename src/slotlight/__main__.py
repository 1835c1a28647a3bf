"""``slotlight`` and ``python -m slotlight``: the command line."""

import signal


def main() -> None:
    """Import and run the command line; a signal before or after it ends the process without a traceback."""
    _by_default()
    from slotlight.cli.main import main as run

    try:
        run()
    finally:
        _by_default()


def _by_default() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in a shell's background job
            signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main()

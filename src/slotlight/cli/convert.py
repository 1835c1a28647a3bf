"""``slotlight convert``: a finished run → other formats, without the model."""

from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from slotlight.config import FormatConfig


def convert(
    found: Positional[Path],
    *,
    out: Path,
    formats: OmitArgPrefixes[FormatConfig] = FormatConfig(),  # noqa: B008
    start_over: bool = False,
) -> int:
    """Write other formats of the objects that a finished run has found; the model is not needed.

    Args:
        found: The folder that `slotlight discover` or `slotlight merge` wrote.
        out: The folder to write to: a new or empty one, or that of the same conversion.
        formats: Formats to write.
        start_over: Delete what another conversion wrote to OUT first.
    """
    from rich.console import Console
    from rich.text import Text

    from slotlight.discovery.converting import convert_run
    from slotlight.formats.registry import FORMATS

    count = convert_run(found, out, formats, start_over=start_over)
    written = ", ".join(str(out / FORMATS[name].output) for name in formats.format)
    Console().print(Text(f"{count} photograph{'' if count == 1 else 's'}: {written}"), soft_wrap=True)
    return 0

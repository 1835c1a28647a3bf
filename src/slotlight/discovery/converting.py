"""A finished run → other formats of the same objects, without the model."""

from pathlib import Path

from slotlight.config import FormatConfig
from slotlight.discovery.record import PROGRESS, whole_lines
from slotlight.discovery.results import FAILURES, found_in, of_model
from slotlight.errors import OutputError
from slotlight.files import begin_run, is_claimed, run_identity, writing_to
from slotlight.formats.classes import Classes
from slotlight.formats.registry import OUTPUTS, check_installed, write_formats


def convert_run(
    folder: Path,
    out: Path,
    formats: FormatConfig,
    *,
    classes: Classes | None = None,
    start_over: bool = False,
) -> int:
    """Write other formats of what a run has found.

    Args:
        folder: What `slotlight discover` or `slotlight merge` wrote; it is read, never changed.
        out: A new or empty folder, or one of an earlier conversion of the same run to the same formats.
        formats: Which.
        classes: Of the objects, where they have any; converted again, the formats follow their names.
        start_over: Delete what another conversion wrote there.

    Returns:
        How many photographs have objects looked for.

    Raises:
        ConfigError: An extra is missing, or a photograph lies elsewhere than the formats' root.
        OutputError: The folder holds no finished run, or the other cannot be written.
    """
    identity = (run_identity(folder) if is_claimed(folder) else None) or {}
    if "overlays" not in identity:
        raise OutputError(f"{folder} holds no objects; name a folder that `slotlight discover` wrote.")
    if not (folder / FAILURES).is_file():
        raise OutputError(f"The run in {folder} is not finished; run its `slotlight discover` again.")
    check_installed(formats.format)
    offsets, end = {}, 0
    for line in whole_lines(folder / PROGRESS):
        formats.file_name(line.names["file"])
        offsets[line.file] = end
        end += len(line.encoded())
    found = found_in(folder, of_model(identity), offsets, formats)
    found = found if classes is None else classes.applied(found)
    grouping = {} if classes is None else {"groups": classes.origin}
    asked = {"converted": True} | of_model(identity) | formats.identity() | grouping
    with begin_run(out, asked, outputs=OUTPUTS, start_over=start_over), writing_to(out):
        write_formats(found, out, formats)
    return sum(1 for _ in found.photographs())

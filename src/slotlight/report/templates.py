"""Templates of the package's pages."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates(folder: str) -> Environment:
    """The templates of a folder of the package; all that they show is escaped."""
    return Environment(
        loader=PackageLoader("slotlight", folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

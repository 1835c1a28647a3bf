"""``slotlight models``: everything that finds objects, by name."""

from slotlight.config import BACKBONES, EMBEDDED, EMBEDDED_MILLION_PARAMS


def models() -> int:
    """List models, baselines and backbones with their size, licence and whether their weights are on this machine."""
    from rich.console import Console
    from rich.table import Table

    from slotlight.backbones import weights_on_machine
    from slotlight.baselines import BASELINES

    console = Console()
    table = Table(title="Models (--model)", title_justify="left")
    for column in ("name", "description"):
        table.add_column(column)
    table.add_row(EMBEDDED, "the model in the package")
    table.add_row(
        "instances",
        "the package's detector, and normalised cuts, that vote for regions; instances@FOLDER: a detector of one's own",
    )
    table.add_row("FOLDER", "a folder that `slotlight train` or `slotlight distil` wrote")
    for name, baseline in BASELINES.items():
        table.add_row(f"{name}@BACKBONE" if baseline.needs_backbone else name, baseline.summary)
    console.print(table)
    table = Table(title="Backbones (--backbone, @BACKBONE)", title_justify="left")
    for column in ("name", "parameters", "licence", "on this machine"):
        table.add_column(column, no_wrap=column == "name")
    own = f"{EMBEDDED_MILLION_PARAMS:.1f} M"
    table.add_row(EMBEDDED, own, "Apache-2.0", "yes" if weights_on_machine(EMBEDDED) else "no")
    for name, entry in BACKBONES.items():
        here = "yes" if weights_on_machine(name) else "no"
        table.add_row(name, f"{entry.million_params:.1f} M", entry.licence, here)
    console.print(table)
    console.print("Other weights come from the hub, or from a file with --weights FILE.")
    console.print("Any other timm ViT or ConvNet works by its timm name.")
    return 0

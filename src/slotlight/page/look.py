"""What the pages share: their colours, their templates."""

from functools import cache
from pathlib import Path
from typing import Any

from slotlight.report.templates import templates

_FONT = ("system-ui", "Segoe UI", "DejaVu Sans", "sans-serif")
_MONO = ("ui-monospace", "DejaVu Sans Mono", "monospace")
_GREEN = ("#f0f8f6", "#e5f1ee", "#c4e2da", "#96cdbf", "#5fc9b3", "#2f9a86", "#0f6a5b", "#0c584c", "#0a463d")
_GREY = ("#fbfaf8", "#f7f6f3", "#e2e0da", "#c9c7c0", "#9a9ca4", "#63666f", "#464951", "#31353d", "#1c1f25")
_DARKEST = ("#08382f", "#062a24"), ("#181a1f", "#14161a")


_templates = cache(templates)  # read once


def html(template: str, **values: Any) -> str:
    r"""A piece of a page.

    Example:
        >>> html("said.html", sentences=["a <b> is not an image."])
        '<div class="said" role="alert">\n<p>a &lt;b&gt; is not an image.</p>\n</div>'
    """
    return _templates("page").get_template(template).render(**values)


def appearance() -> dict[str, Any]:
    """What `gradio.Blocks.launch` takes to make a page look as the reports do; no font comes from elsewhere."""
    import gradio

    green = gradio.themes.Color(*_GREEN, *_DARKEST[0], name="slotlight")
    grey = gradio.themes.Color(*_GREY, *_DARKEST[1], name="slotlight-grey")
    theme = gradio.themes.Base(
        primary_hue=green,
        secondary_hue=green,
        neutral_hue=grey,
        font=_FONT,
        font_mono=_MONO,
        radius_size="lg",
    ).set(
        body_background_fill="#f7f6f3",
        body_background_fill_dark="#14161a",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1c1f25",
        block_border_width="1px",
        block_border_color="#e2e0da",
        block_border_color_dark="#31353d",
        button_primary_background_fill="#0f6a5b",
        button_primary_background_fill_hover="#0c584c",
        button_primary_background_fill_dark="#5fc9b3",
        button_primary_background_fill_hover_dark="#96cdbf",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#14161a",
        slider_color="#0f6a5b",
        slider_color_dark="#5fc9b3",
    )
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return {"theme": theme, "css": css}

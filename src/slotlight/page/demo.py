"""The page of ``slotlight demo``: photographs in, objects beside them, sliders, a zip in any format."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL.Image import Image

from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import ImageError
from slotlight.formats.registry import FORMATS, is_installed
from slotlight.page.findings import (
    EVERYTHING,
    MOST_OBJECTS,
    Finding,
    Look,
    folder_for_a_while,
    look_at,
    write_zip,
)
from slotlight.page.following import video_tab
from slotlight.page.look import appearance, html

_NOTHING = Look((), ())
_EMPTY = (
    "Drop photographs on the left",
    "Their objects appear here: outlines, boxes, scores. No labels, no words to type.",
)
_KEPT_S = 3600  # a session's pictures and uploads, after it was last touched


class Demo:
    """What the page does, apart from how it is laid out.

    Args:
        discoverer: A loaded model, whose rule is left aside.
        folder: Where zips are put.
    """

    def __init__(self, discoverer: Discoverer, folder: Path) -> None:
        self.folder = folder
        self.discoverer = Discoverer(discoverer.segmenter, rule=EVERYTHING)
        self.info = {
            "model": discoverer.name,
            "fingerprint": discoverer.segmenter.fingerprint(),
            "description": "Objects found without labels by Slotlight",
        }

    def look(self, uploads: Sequence[str] | None, before: Look) -> Look:
        """Find the objects in uploads, but for those that were found before."""
        known = {finding.path: finding for finding in before.findings}
        paths = list(dict.fromkeys(map(Path, uploads or ())))
        look = look_at(self.discoverer, [path for path in paths if path not in known])
        found = known | {finding.path: finding for finding in look.findings}
        return Look(tuple(found[path] for path in paths if path in found), look.faults)

    def picture(
        self, look: Look, chosen: int, min_score: int | float, max_objects: int | float
    ) -> tuple[Image | None, str]:
        """The overlay and the table of one photograph."""
        if not look.findings:
            return None, ""
        one = look.findings[min(chosen, len(look.findings) - 1)]
        count = one.count(min_score, int(max_objects))
        height, width = one.size
        table = html(
            "objects.html",
            name=one.name,
            width=width,
            height=height,
            rows=one.rows(count),
            more=len(one.scores) - count,
        )
        return one.overlay(count), table

    def strip(self, look: Look, min_score: int | float, max_objects: int | float) -> list[tuple[Image, str]]:
        """Small overlays of all photographs, to choose from."""
        return [(_thumbnail(one, one.count(min_score, int(max_objects))), one.name) for one in look.findings]

    def zip(
        self,
        look: Look,
        min_score: int | float,
        max_objects: int | float,
        formats: Sequence[str] = ("coco",),
    ) -> str:
        """A zip of what is shown, of all photographs, in some formats."""
        file = folder_for_a_while(self.folder, "zip-", _KEPT_S) / "slotlight-objects.zip"
        info = self.info | {"min_score": min_score, "max_objects": int(max_objects)}
        write_zip(file, look.findings, min_score, int(max_objects), info, formats)
        return str(file)


def _thumbnail(one: Finding, count: int) -> Image:
    picture = one.overlay(count)
    picture.thumbnail((320, 320))
    return picture


def build_demo(
    discoverer: Discoverer, folder: Path, *, is_private: bool, limits: str
) -> tuple[Any, dict[str, Any]]:
    """Lay the page out.

    Args:
        discoverer: What finds objects.
        folder: For its files.
        is_private: Whether it is served to this machine alone.
        limits: What an upload may have, in words.

    Returns:
        Gradio's blocks, and what their `launch` takes for the looks.
    """
    import gradio as gr

    demo = Demo(discoverer, folder)
    rule = discoverer.rule
    where = (
        "Your photographs stay on this machine."
        if is_private
        else "Photographs go to the machine that serves this page."
    )
    plain = partial(gr.HTML, apply_default_css=False)
    with gr.Blocks(title="Slotlight", analytics_enabled=False, delete_cache=(600, _KEPT_S)) as blocks:
        look = gr.State(_NOTHING, time_to_live=_KEPT_S)
        chosen = gr.State(0, time_to_live=_KEPT_S)
        plain(html("top.html", title="Objects in your photographs, found without a label", text=where))
        with gr.Tab("Photographs"), gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=290):
                files = gr.File(file_count="multiple", label="Photographs", height=210, elem_id="files")
                plain(f'<p class="count">{limits}</p>')
                said = plain(visible=False, elem_id="said")
                score = gr.Slider(0, 1, rule.min_score, step=0.01, label="Least score", elem_id="score")
                number = gr.Slider(
                    1,
                    MOST_OBJECTS,
                    rule.max_objects,
                    step=1,
                    label="Most objects in a photograph",
                    elem_id="number",
                )
                formats = gr.Dropdown(
                    choices=[name for name in FORMATS if name != "parquet-blocks" and is_installed(name)],
                    value=["coco"],
                    multiselect=True,
                    label="Formats",
                    elem_id="formats",
                )
                save = gr.Button("Download objects", variant="primary", interactive=False, elem_id="save")
                ready = gr.DownloadButton(visible="hidden", elem_id="ready")
            with gr.Column(scale=5, min_width=320):
                empty = plain(html("empty.html", title=_EMPTY[0], text=_EMPTY[1]))
                picture = gr.Image(
                    visible=False,
                    format="jpeg",
                    interactive=False,
                    show_label=False,
                    buttons=["fullscreen"],
                    elem_id="picture",
                )
                strip = gr.Gallery(
                    visible=False,
                    format="jpeg",
                    columns=8,
                    height=132,
                    rows=1,
                    object_fit="cover",
                    allow_preview=False,
                    show_label=False,
                    buttons=[],
                    elem_id="strip",
                )
                table = plain(visible=False, elem_id="table")
        with gr.Tab("Video"):
            video_tab(discoverer, folder, kept_s=_KEPT_S)

        def shown(now: Look, at: int, least: float, most: float) -> list[Any]:
            image, text = demo.picture(now, at, least, most)
            has_any, has_several = bool(now.findings), len(now.findings) > 1
            return [
                gr.HTML(visible=not has_any),
                gr.Image(image, visible=has_any),
                gr.Gallery(demo.strip(now, least, most) if has_several else [], visible=has_several),
                gr.HTML(text, visible=has_any),
                gr.Button(interactive=has_any),
            ]

        def found(uploads: list[str] | None, before: Look, least: float, most: float) -> list[Any]:
            now = demo.look(uploads, before)
            first = next((at for at, one in enumerate(now.findings) if one not in before.findings), 0)
            faults = gr.HTML(html("said.html", sentences=now.faults), visible=bool(now.faults))
            return [now, first, faults, *shown(now, first, least, most)]

        def chose(event: gr.SelectData, now: Look, least: float, most: float) -> list[Any]:
            return [event.index, *demo.picture(now, event.index, least, most)]

        def packed(now: Look, least: float, most: float, names: list[str]) -> str:
            try:
                return demo.zip(now, least, most, names)
            except ImageError:
                raise gr.Error(
                    "An upload has expired; drop the photographs again.", print_exception=False
                ) from None

        page = [empty, picture, strip, table, save]
        private: dict[str, Any] = {"api_visibility": "private"}
        files.change(found, [files, look, score, number], [look, chosen, said, *page], **private)
        quick = private | {"show_progress": "hidden"}
        for slider in (score, number):
            slider.change(shown, [look, chosen, score, number], page, trigger_mode="always_last", **quick)
        strip.select(chose, [look, score, number], [chosen, picture, table], **quick)
        save.click(packed, [look, score, number, formats], ready, **private).success(
            js="() => setTimeout(() => document.querySelector('#ready').click(), 150)", **private
        )
    return blocks, appearance()

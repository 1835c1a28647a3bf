"""An uploaded video → its objects, followed: the tab of `slotlight demo` for videos."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import SlotlightError, VideoError, printable
from slotlight.page.findings import folder_for_a_while
from slotlight.page.look import html
from slotlight.video.reading import FrameReader, VideoSource
from slotlight.video.run import ANNOTATED, TRACKS_CSV, TRACKS_JSON, track_video

MOST_FRAMES = 600
"""A page is for a look: longer videos are for `slotlight track`."""

NOT_INSTALLED = "Videos need PyAV; end the page, run pip install 'slotlight[video]', and start it again."

_LIMIT = f"The first {MOST_FRAMES:,} frames; longer videos are for `slotlight track`."
_EMPTY = "Drop a video on the left", "Its objects appear here, each with a number and a colour that it keeps."


@dataclass(frozen=True)
class Followed:
    """What became of a video.

    Attributes:
        annotated: The video with its objects.
        zipped: It, ``tracks.json`` and ``tracks.csv``.
        text: How many objects were followed through how many frames.
        note: What was unusual about the video; empty if nothing was.
    """

    annotated: Path
    zipped: Path
    text: str
    note: str


def follow(
    discoverer: Discoverer,
    upload: Path,
    folder: Path,
    *,
    min_score: int | float,
    every: int,
    kept_s: int,
    on_frame: Callable[[int, int], None] = lambda _, __: None,
) -> Followed:
    """Find and follow the objects of a video, as `slotlight track` does.

    Args:
        discoverer: What finds them.
        upload: The video.
        folder: Results are put below it; earlier ones that are older than ``kept_s`` seconds are deleted.
        min_score: See `ObjectRule`.
        every: Look at the first of so many frames.
        kept_s: See ``folder``.
        on_frame: Called with how many frames are done, and how many there are.

    Raises:
        VideoError: Videos cannot be read here, or this one cannot.
    """
    if find_spec("av") is None:
        raise VideoError(NOT_INSTALLED)
    reader = FrameReader(replace(VideoSource.file(upload), name=upload.name), every)
    expected = min(reader.expected or MOST_FRAMES, MOST_FRAMES)
    out = folder_for_a_while(folder, "video-", kept_s)
    tracked = track_video(
        Discoverer(discoverer.segmenter, rule=replace(discoverer.rule, min_score=min_score)),
        reader,
        out,
        max_frames=MOST_FRAMES,
        on_frame=lambda done: on_frame(done, expected),
    )
    zipped = out / "slotlight-tracks.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as target:
        for name in (ANNOTATED, TRACKS_JSON, TRACKS_CSV):
            target.write(out / name, name)
    longer = f" Only the first {MOST_FRAMES:,} were looked at." if reader.expected > MOST_FRAMES else ""
    text = f"{tracked.tracks:,} objects were followed through {tracked.frames:,} frames.{longer}"
    return Followed(out / ANNOTATED, zipped, text, tracked.note)


def video_tab(discoverer: Discoverer, folder: Path, *, kept_s: int) -> None:
    """Lay the tab out, inside Gradio's blocks.

    Args:
        discoverer: What finds objects.
        folder: For its files.
        kept_s: How many seconds results are kept.
    """
    import gradio as gr

    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=290):
            upload = gr.File(label="A video", height=210, elem_id="video-file")
            gr.HTML(f'<p class="count">{_LIMIT}</p>', apply_default_css=False)
            least = discoverer.rule.min_score
            score = gr.Slider(0, 1, least, step=0.01, label="Least score", elem_id="video-score")
            every = gr.Slider(1, 30, 1, step=1, label="Look at every n-th frame", elem_id="video-every")
            start = gr.Button("Follow objects", variant="primary", interactive=False, elem_id="video-start")
            save = gr.DownloadButton("Download tracks", visible=False, elem_id="video-save")
        with gr.Column(scale=5, min_width=320):
            said = gr.HTML(visible=False, elem_id="video-said", apply_default_css=False)
            shown = gr.Video(
                visible=False,
                interactive=False,
                show_label=False,
                autoplay=True,
                loop=True,
                elem_id="video-shown",
            )
            text = gr.HTML(
                html("empty.html", title=_EMPTY[0], text=_EMPTY[1]),
                elem_id="video-text",
                apply_default_css=False,
            )

    def run(path: str, min_score: int | float, step: int | float, progress: Any = gr.Progress()) -> list[Any]:  # noqa: B008
        def tell(done: int, expected: int) -> None:
            progress((done, max(done, expected)), desc="Following objects", unit="frames")

        try:
            found = follow(
                discoverer,
                Path(path),
                folder,
                min_score=min_score,
                every=int(step),
                kept_s=kept_s,
                on_frame=tell,
            )
        except SlotlightError as fault:
            sentence = str(fault).replace(printable(path), printable(Path(path).name))
            faults = gr.HTML(html("said.html", sentences=[sentence]), visible=True)
            return [faults, gr.Video(visible=False), gr.HTML(""), gr.DownloadButton(visible=False)]
        return [
            gr.HTML(html("said.html", sentences=[found.note]), visible=bool(found.note)),
            gr.Video(str(found.annotated), visible=True),
            gr.HTML(f'<p class="count">{found.text}</p>'),
            gr.DownloadButton(value=str(found.zipped), visible=True),
        ]

    private: dict[str, Any] = {"api_visibility": "private"}
    upload.change(lambda path: gr.Button(interactive=bool(path)), upload, start, **private)
    start.click(run, [upload, score, every], [said, shown, text, save], show_progress_on=text, **private)

"""The page of ``slotlight review``: keys go in, the picture and the list of objects come out."""

import io
import threading
from base64 import b64encode
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from slotlight.errors import SlotlightError
from slotlight.page.look import appearance, html
from slotlight.review.folder import ReviewFolder
from slotlight.review.picture import Sheet, draw, piece_at
from slotlight.review.state import KEYS

_SAVE = "s"
_SIGNS = {"ArrowDown": "↓", "ArrowUp": "↑", "ArrowRight": "→", "ArrowLeft": "←", "Escape": "esc"}


class ReviewPage:
    """What the page asks for; each answer is all that it shows.

    Args:
        folder: The review.
    """

    def __init__(self, folder: ReviewFolder) -> None:
        self.folder, self.review = folder, folder.review
        self._turn = threading.Lock()
        self._sheet, self._of = Sheet.of(folder), self.review.at

    def press(self, key: str) -> dict[str, Any]:
        """Do what a key says; ``s`` saves, keys that mean nothing just show."""
        if key == _SAVE:
            return self._answer(lambda: f"Saved to {self.folder.save()}.")
        return self._answer(lambda: self.folder.press(str(key)))

    def select(self, number: int) -> dict[str, Any]:
        """Select an object by its place in the list, from 0."""
        return self._answer(lambda: self.review.select(int(number)))

    def point(self, at: list[float]) -> dict[str, Any]:
        """Select the object at a point of the picture."""

        def choose() -> None:
            number = piece_at(self._sheet, self.review, int(at[0]), int(at[1]))
            if number is not None:
                self.review.select(number)

        return self._answer(choose)

    def go_to(self, at: int) -> dict[str, Any]:
        """Look at a photograph by its place, from 0."""
        return self._answer(lambda: self.folder.go_to(int(at)))

    def _answer(self, act: Any) -> dict[str, Any]:
        with self._turn:
            try:
                said, is_fault = act() or "", False
            except SlotlightError as fault:
                said, is_fault = str(fault), True
            if self._of != self.review.at:
                self._sheet, self._of = Sheet.of(self.folder), self.review.at
            return self._view(said or self._sheet.fault, is_fault or bool(self._sheet.fault and not said))

    def _view(self, note: str, is_fault: bool) -> dict[str, Any]:
        seen, count = len(self.review.seen), len(self.folder)
        is_saved = self.folder.journal.is_saved
        return {
            "name": self.folder.photograph.name,
            "place": f"{self.review.at + 1} of {count}, {seen} looked at",
            "at": self.review.at,
            "picture": self._picture(),
            "pieces": html("pieces.html", pieces=self._pieces()),
            "note": note,
            "is_fault": is_fault,
            "saved": "nothing to save" if is_saved else "not saved yet: press s",
            "is_saved": is_saved,
        }

    def _picture(self) -> str:
        file = io.BytesIO()
        draw(self._sheet, self.review).save(file, "JPEG", quality=88)
        return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"

    def _pieces(self) -> list[dict[str, Any]]:
        if not self._sheet.masks:
            return []
        return [
            {
                "colour": "#{:02x}{:02x}{:02x}".format(*self._sheet.colour(piece)),
                "score": round(100 * self._sheet.score(piece)),
                "parts": len(piece.members),
                "is_kept": piece.is_kept,
                "is_selected": number == self.review.selected,
                "is_marked": number == self.review.marked,
            }
            for number, piece in enumerate(self.review.pieces())
        ]


def build_review(folder: ReviewFolder) -> tuple[Any, dict[str, Any]]:
    """Lay the page out.

    Args:
        folder: The review.

    Returns:
        Gradio's blocks, and what their `launch` takes for the looks.
    """
    import gradio as gr

    page = ReviewPage(folder)
    keys = [(key, _SIGNS.get(key, key), meaning) for key, meaning in (KEYS | {_SAVE: "save"}).items()]
    script = (Path(__file__).parent / "review.js").read_text(encoding="utf-8")
    with gr.Blocks(title=f"Slotlight: {folder.folder.name}", analytics_enabled=False) as blocks:
        gr.HTML(
            html_template=html("review.html", photographs=len(folder), keys=keys),
            js_on_load=script,
            server_functions=[_plain(act) for act in (page.press, page.select, page.point, page.go_to)],
            apply_default_css=False,
            elem_id="review",
        )
    return blocks, appearance()


def _plain(act: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """A method as a function, which Gradio can put its marks on."""

    @wraps(act)
    def function(value: Any) -> dict[str, Any]:
        return act(value)

    return function

"""The badge of a run: a small SVG with the class and the grade, to be shown on other sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.lab.model import Grade
from relay.protocol.lab.markup import element, text

if TYPE_CHECKING:
    from relay.domain.lab.grading import Assessment

_COLOURS: Final = {
    Grade.A: "#1f6f54",
    Grade.B: "#3d6b1f",
    Grade.C: "#7a5a00",
    Grade.D: "#8a4b00",
    Grade.E: "#9a3412",
    Grade.F: "#a11d1d",
}
"""Each has a contrast of more than 4.5 to white."""
_CHARACTER: Final = 6.6
"""Width in pixels of a character at 11 px, on average."""
_SPACE: Final = 14


def badge(found: Assessment) -> str:
    """Draw a badge, such as `FEP-b53d Carrier | A`."""
    label = f"FEP-b53d {found.conformance}"
    left = round(len(label) * _CHARACTER) + _SPACE
    right = round(_CHARACTER) + _SPACE
    words = f"{label}: grade {found.grade}, {'reached' if found.conforms else 'not reached'}"
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "width": str(left + right),
        "height": "20",
        "role": "img",
        "aria-label": words,
    }
    boxes = (_box(0, left, "#3a434d", label), _box(left, right, _COLOURS[found.grade], found.grade))
    return element("svg", attributes, element("title", {}, text(words)), *boxes) + "\n"


def _box(x: int, width: int, colour: str, words: str) -> str:
    place = {"x": str(x + width / 2), "y": "14", "text-anchor": "middle"}
    font = {"fill": "#fff", "font-family": "Verdana, DejaVu Sans, sans-serif", "font-size": "11"}
    box = element("rect", {"x": str(x), "width": str(width), "height": "20", "fill": colour})
    return box + element("text", place | font, text(words))

"""SVG: boxes, words and arrows, with a style sheet for light, dark and print (for the pictures of §2).

    canvas.box(x, y, width, height, "used", fact="object 0x22040", value="used", words=["0x040", "used"])

    <g class="snm-used" data-fact="object 0x22040" data-value="used"><title>...</title><rect/><text/></g>

Every box that shows a fact carries its name and value, so that tests and scripts
can read a picture. A picture is 760 units wide and scales with its column. It
follows the reader's system, or else the page: an ancestor with
``data-theme="dark"`` or the class ``dark`` (``light``) takes precedence. Words or
the stroke of its edge say what a box is; colour is never the only sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

__all__ = ["STYLE", "WIDTH", "Canvas"]

WIDTH = 760  #: width of a picture, in its own units
CHARACTER = 0.61  # width of a monospaced character, as a fraction of the font size
LIGHT = {
    "paper": "#ffffff",
    "ink": "#1f2328",
    "dim": "#59636e",
    "line": "#818b98",
    "used": "#a8cdfa",
    "free": "#ffffff",
    "bump": "#f0f2f5",
    "header": "#e4d7f5",
    "home": "#fbe3b5",
    "changed": "#bc4c00",
}
DARK = {
    "paper": "#0d1117",
    "ink": "#e6edf3",
    "dim": "#9198a1",
    "line": "#6e7681",
    "used": "#1b4b91",
    "free": "#0d1117",
    "bump": "#1c222b",
    "header": "#4b3674",
    "home": "#6b4a0a",
    "changed": "#ffa657",
}


def _colours(colours: dict[str, str]) -> str:
    """Return declarations of colours for everything inside."""
    return "".join(f"--snm-{name}:{value};" for name, value in colours.items())


#: The style sheet of all pictures.
STYLE = (
    f".snm{{{_colours(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{.snm{{{_colours(DARK)}}}}}"
    f":is([data-theme=light],.light,[data-jp-theme-light=true]) .snm,.snm.light{{{_colours(LIGHT)}}}"
    f":is([data-theme=dark],.dark,[data-jp-theme-light=false]) .snm,.snm.dark{{{_colours(DARK)}}}"
    f"@media print{{.snm.snm{{{_colours(LIGHT)}}}}}"
    "svg.snm{max-width:100%;height:auto;background:var(--snm-paper);"
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    ".snm text{fill:var(--snm-ink)}.snm .snm-dim{fill:var(--snm-dim)}.snm .snm-bold{font-weight:700}"
    ".snm rect{stroke:var(--snm-line);stroke-width:1;fill:var(--snm-paper)}"
    ".snm .snm-used>rect{fill:var(--snm-used)}.snm .snm-free>rect{fill:var(--snm-free);stroke-width:1.6}"
    ".snm .snm-bump>rect{fill:var(--snm-bump);stroke-dasharray:2 3}"
    ".snm .snm-header>rect{fill:var(--snm-header)}.snm .snm-home>rect{fill:var(--snm-home);stroke-width:2}"
    ".snm .snm-fill>rect{fill:var(--snm-used);stroke:none}.snm .snm-bar>rect{fill:var(--snm-dim);stroke:none}"
    ".snm .snm-changed>rect{stroke:var(--snm-changed);stroke-width:3;stroke-dasharray:none}"
    ".snm .snm-mark{fill:var(--snm-changed);font-weight:700}"
    ".snm path{fill:none;stroke:var(--snm-dim);stroke-width:1.4}.snm path.snm-head{fill:var(--snm-dim);stroke:none}"
)


class Canvas:
    """A sheet on which a picture is drawn, from top to bottom.

    Args:
        changed: names of the facts to mark.

    Attributes:
        bottom: where the next part of the picture can begin.
    """

    def __init__(self, changed: frozenset[str] = frozenset()) -> None:
        self.changed = changed
        self.bottom = 10.0
        self._parts: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        kind: str,
        *,
        fact: str = "",
        value: str = "",
        words: Sequence[str] = (),
        size: float = 11,
        data: dict[str, str] | None = None,
    ) -> None:
        """Draw a box with a few lines of words in its middle. Words too long for it appear only in its tooltip."""
        changed = fact in self.changed
        marks = {"fact": fact, "value": value} | (data or {}) | ({"changed": "true"} if changed else {})
        attributes = "".join(f" data-{name}={quoteattr(text)}" for name, text in marks.items() if text)
        parts = [f'<g class="snm-{kind}{" snm-changed" if changed else ""}"{attributes}>']
        if fact:
            parts.append(f"<title>{escape(f'{fact}: {value}')}</title>")
        parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2"/>')
        step = size + 3
        line = y + height / 2 - step * len(words) / 2 + size
        for index, word in enumerate(words):
            if len(word) * size * CHARACTER <= width - 2:
                parts.append(
                    f'<text x="{x + width / 2:g}" y="{line + index * step:g}" text-anchor="middle" '
                    f'font-size="{size:g}">{escape(word)}</text>'
                )
        if changed and height >= 16:
            parts.append(f'<text class="snm-mark" x="{x + width - 11:g}" y="{y + 15:g}" font-size="14">*</text>')
        self._parts.append("".join(parts) + "</g>")
        self.reach(y + height)

    def words(self, x: float, y: float, text: str, *, size: float = 12, kind: str = "", anchor: str = "start") -> None:
        """Write words on the baseline ``y``."""
        style = f' class="snm-{kind}"' if kind else ""
        self._parts.append(
            f'<text{style} x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}">{escape(text)}</text>'
        )
        self.reach(y)

    def lines(self, text: str, *, x: float = 10, kind: str = "dim", size: float = 12, gap: float = 6) -> None:
        """Write words below everything drawn so far, over as many lines as they need."""
        most = int((WIDTH - x - 10) / (size * CHARACTER))
        line = ""
        y = self.bottom + gap
        for word in text.split(" "):
            if line and len(line) + 1 + len(word) > most:
                y += size + 4
                self.words(x, y, line, size=size, kind=kind)
                line = word
            else:
                line = f"{line} {word}" if line else word
        self.words(x, y + size + 4, line, size=size, kind=kind)

    def arrow(self, x1: float, y1: float, x2: float, y2: float, *, bend: float = 0) -> None:
        """Draw an arrow from one point to another, whose middle is ``bend`` units off the straight line."""
        middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2 - 2 * bend
        self._parts.append(f'<path d="M{x1:g} {y1:g}Q{middle_x:g} {middle_y:g} {x2:g} {y2:g}"/>')
        dx, dy = x2 - middle_x, y2 - middle_y
        length = (dx * dx + dy * dy) ** 0.5 or 1.0
        dx, dy = 7 * dx / length, 7 * dy / length
        self._parts.append(
            f'<path class="snm-head" d="M{x2:g} {y2:g}L{x2 - dx + dy / 2:g} {y2 - dy - dx / 2:g}'
            f'L{x2 - dx - dy / 2:g} {y2 - dy + dx / 2:g}Z"/>'
        )

    def reach(self, y: float) -> None:
        """Record that the drawing extends down to ``y``."""
        self.bottom = max(self.bottom, y)

    def svg(self, title: str, description: str, *, styled: bool = True) -> str:
        """Return the sheet as SVG, as high as its contents."""
        height = self.bottom + 12
        style = f"<style>{STYLE}</style>" if styled else ""
        return (
            f'<svg class="snm" xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(title)} '
            f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}">'
            f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{style}{''.join(self._parts)}</svg>"
        )

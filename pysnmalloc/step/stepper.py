"""The stepper: frames as one self-contained piece of HTML, with previous, next and play (§2).

    ┌ title ────────────────────────────── 3 / 12 ┐     keys: ← → Home End, space plays
    │ ◀ previous   ▶ play   next ▶   ───●────      │     #id-3 in the address: step 3
    │ Object pushed: the object at 0x22040 ...     │
    │ [picture with the changes marked]            │
    └──────────────────────────────────────────────┘

It needs neither a network nor a server, so it works in a notebook, in a page of
documentation and as a saved file, and several fit on one page. Without its script,
or on paper, the frames appear one below another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from ..pictures import STYLE as PICTURES
from .frame import Frame

__all__ = ["Stepper", "page"]

STYLE = """
.snm-stepper{max-width:800px;margin:1em 0;padding:12px 16px;border:1px solid var(--snm-line);border-radius:6px;
  background:var(--snm-paper);color:var(--snm-ink);font:15px/1.5 system-ui,sans-serif;text-align:left}
.snm-stepper:focus-visible{outline:3px solid var(--snm-changed);outline-offset:2px}
.snm.snm-stepper :is(p,ol,ul){margin:.4em 0;padding:0}
.snm.snm-stepper :is(h3,h4){margin:.2em 0;padding:0;font-family:inherit;font-size:1.05em;font-weight:600;color:inherit}
.snm-controls{display:flex;flex-wrap:wrap;align-items:center;gap:8px;margin:6px 0}
.snm-controls[hidden]{display:none}
.snm-controls button,.snm-controls a{font:inherit;font-size:.9em;color:var(--snm-ink);background:var(--snm-bump);
  border:1px solid var(--snm-line);border-radius:4px;padding:2px 10px;cursor:pointer;text-decoration:none}
.snm-controls button:disabled{color:var(--snm-dim);cursor:default;border-style:dashed}
.snm-controls input{flex:1 1 100px;min-width:80px;accent-color:var(--snm-changed)}
.snm-controls output{font-variant-numeric:tabular-nums}
.snm.snm-stepper .snm-frames{list-style:none}
.snm-frame{scroll-margin-top:8em}
.snm-frame[hidden]{display:none}
.snm-frame svg.snm{display:block;margin:6px 0}
.snm.snm-stepper code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;
  font-size:.87em;background:none;color:inherit;border:0;padding:0;overflow-wrap:anywhere}
.snm.snm-stepper pre{font-size:.87em;line-height:1.35;overflow-x:auto;background:var(--snm-bump);color:inherit;
  border:1px solid var(--snm-line);border-radius:4px;padding:6px 10px;margin:6px 0}
.snm-meta{color:var(--snm-dim);font-size:.9em}
.snm-changes{font-size:.87em;padding-left:0;list-style:none}
.snm.snm-stepper .snm-changes li{list-style:none}
.snm-changes li::before{content:"* ";color:var(--snm-changed);font-weight:700}
.snm-live{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media print{.snm-controls{display:none}.snm-frame[hidden]{display:list-item}.snm-frame{break-inside:avoid;
  border-top:1px solid var(--snm-line)}}
"""
TOLD = 20  # steps in plain text
PAGE_STYLE = (
    ":root{color-scheme:light dark}body{margin:1em auto;max-width:840px;padding:0 8px;background:Canvas}"
    "body>h1{font:600 1.3em system-ui,sans-serif}"
)


@dataclass(frozen=True)
class Stepper:
    """Frames to step through.

    Args:
        frames: at least one.
        title: of the frames.
        id: its name in a page: letters, digits and hyphens; default: one computed from the contents.
        note: text below the controls.

    Raises:
        ValueError: if there is no frame, or the id cannot be part of an address.
    """

    frames: Sequence[Frame]
    title: str
    id: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Check the fields, and set a missing id."""
        if not self.frames:
            raise ValueError("a stepper needs a frame, but no event has one")
        if not self.id:
            text = self.title + "".join(f"{frame.title}{frame.words}" for frame in self.frames)
            object.__setattr__(self, "id", "steps-" + sha256(text.encode()).hexdigest()[:8])
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", self.id) is None:
            raise ValueError(f"id={self.id!r}: an id starts with a letter and consists of letters, digits and hyphens")

    def html(self) -> str:
        """Return the HTML: style, frames, script."""
        return f"<style>{PICTURES}{STYLE}</style>{self.body()}<script>{_script()}</script>"

    def body(self) -> str:
        """Return the HTML without style and script, for a page that has them."""
        count, title = len(self.frames), escape(self.title)
        frames = "".join(self._frame(number, frame) for number, frame in enumerate(self.frames, start=1))
        note = f'<p class="snm-meta">{escape(self.note)}</p>' if self.note else ""
        return (
            f'<div class="snm snm-stepper" id="{self.id}" tabindex="0" role="group" aria-roledescription="stepper" '
            f'aria-label="{title}"><h3>{title}</h3>'
            '<div class="snm-controls" hidden>'
            '<button type="button" data-role="previous">◀ previous</button>'
            '<button type="button" data-role="play" aria-pressed="false">▶ play</button>'
            '<button type="button" data-role="next">next ▶</button>'
            f'<input type="range" data-role="range" min="1" max="{count}" value="1" aria-label="step">'
            f'<output data-role="place">1 / {count}</output>'
            f'<a data-role="link" href="#{self.id}-1" aria-label="link to this step">#</a></div>{note}'
            f'<p class="snm-live" aria-live="polite"></p><ol class="snm-frames">{frames}</ol></div>'
        )

    def _frame(self, number: int, frame: Frame) -> str:
        """Return the HTML of a frame."""
        changed = "".join(f"<li><code>{escape(line)}</code></li>" for line in frame.changes)
        parts = [
            f'<li class="snm-frame" id="{self.id}-{number}"><h4>{escape(frame.title)}</h4>',
            f'<p class="snm-words">{escape(frame.words)}</p>',
            *frame.pictures,
            f'<ul class="snm-changes" aria-label="changes">{changed}</ul>' if changed else "",
            _meta(frame),
        ]
        return "".join(parts) + "</li>"

    def page(self) -> str:
        """Return a whole page."""
        return page([self], self.title)

    def save(self, path: str | Path) -> None:
        """Write a self-contained page to a file."""
        Path(path).write_text(self.page(), encoding="utf-8")

    def __repr__(self) -> str:
        """Return plain text where there is no HTML: one line per step, without the pictures."""
        count = len(self.frames)
        head = f"{self.title}: {count} step{'s' * (count != 1)}; .save(path) writes them as a page with pictures"
        told = enumerate(self.frames[:TOLD], start=1)
        lines = [f"{number:4}  {frame.title}: {' '.join(frame.words.split())}" for number, frame in told]
        return "\n".join([head, *lines, *([f"      ... and {count - TOLD} more"] if count > TOLD else [])])

    def _repr_html_(self) -> str:
        """Return the HTML for a notebook."""
        return self.html()


def page(steppers: Iterable[Stepper], title: str) -> str:
    """Return a whole page of steppers with distinct ids.

    Raises:
        ValueError: if two ids are equal.
    """
    steppers = list(steppers)
    ids = [stepper.id for stepper in steppers]
    if len(ids) != len(set(ids)):
        raise ValueError(f"two steppers of the page have the same id: {', '.join(ids)}; give each its own")
    body = "".join(stepper.body() for stepper in steppers)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{PAGE_STYLE}{PICTURES}{STYLE}</style></head><body>{body}<script>{_script()}</script></body></html>\n"
    )


def _meta(frame: Frame) -> str:
    """Return the section and the lines of code."""
    lines = []
    if frame.section:
        lines.append(escape(frame.section))
    if frame.source:
        lines.append(f"<code>{escape(frame.source)}</code>")
    text = " · ".join(lines)
    caller = f"called by <code>{escape(frame.caller)}</code>" if frame.caller else ""
    return "".join(f'<p class="snm-meta">{line}</p>' for line in (text, caller) if line)


def _script() -> str:
    """Return the script, which sets up every stepper of the page."""
    return files(__package__).joinpath("stepper.js").read_text(encoding="utf-8")

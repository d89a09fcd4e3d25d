"""Findings and results as self-contained HTML: no network, no script (§2.2).

    finding_html, told_html, result_html    a fragment, with its style; a notebook shows it
    page                                    fragments as a whole page, to be saved

Words carry all information; colours only help. Every cell
has its headings (``scope``), the table a caption; on a narrow screen lanes are laid
one under the other, each with its thread's name. Light or dark is the reader's choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape
from importlib.resources import files
from zlib import crc32

from .finding import Finding, Step
from .result import Result
from .rows import Row, rows
from .told import Told
from .wording import OLD, Note, Story, command, facts, how_to_read, notes, outcome_rows, sites

__all__ = ["finding_html", "page", "result_html", "told_html"]

OUTCOMES = 12
HUES = 6  # colours for threads, see story.css
_STEP = re.compile(r"step (\d+)")


def finding_html(finding: Finding, name: str | None = None) -> str:
    """Show a finding, step by step; ``name`` of the scenario on the command line, if it is not its own."""
    return _whole(_story(Story.of(finding), name))


def told_html(told: Told, name: str | None = None) -> str:
    """Show an execution that was told, wrong or not; arguments as for ``finding_html``."""
    return _whole(_story(Story.of(told), name))


def result_html(result: Result, name: str | None = None) -> str:
    """Show a result: the verdict, what was done for it, the outcomes, every finding."""
    return _whole(_result(result, name))


def page(html: str, title: str) -> str:
    """Return a whole page around fragments; it has their style once."""
    html = html.replace(f"<style>{_style()}</style>\n", "")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_style()}</style>\n</head>\n"
        f'<body class="pysn-page">\n<main>\n{html}\n</main>\n</body>\n</html>\n'
    )


@lru_cache(maxsize=1)
def _style() -> str:
    """The style sheet."""
    return (files(__package__) / "story.css").read_text(encoding="utf-8")


def _whole(parts: Iterable[str]) -> str:
    """A fragment with its style."""
    return "\n".join([f"<style>{_style()}</style>", '<div class="pysn">', *parts, "</div>"])


def _result(result: Result, name: str | None) -> Iterator[str]:
    """The parts of a result."""
    sign = "✓" if result.ok else "✗"
    yield f'<section class="{"fine" if result.ok else "wrong"}">'
    yield f'<h2><span aria-hidden="true">{sign}</span> {escape(result.verdict)}</h2>'
    yield _chips([result.scenario, f"model {result.model}"])
    yield '<dl class="facts">'
    yield from (f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts(result))
    yield "</dl>"
    if result.outcomes:
        yield from _outcomes(result)
    yield "</section>"
    for finding in result.findings:
        yield from _story(Story.of(finding), name)


def _outcomes(result: Result) -> Iterator[str]:
    """The table of outcomes."""
    heads, rows, more = outcome_rows(result, OUTCOMES)
    yield '<div class="scroll" role="region" tabindex="0" aria-label="Outcomes"><table class="outcomes">'
    yield f"<caption>Outcomes: what the threads returned{f'; {more:,} more are not shown' if more else ''}</caption>"
    yield "<thead><tr>" + "".join(f'<th scope="col">{escape(head)}</th>' for head in heads) + "</tr></thead><tbody>"
    for row in rows:
        cells = "".join(f"<td><code>{escape(cell)}</code></td>" for cell in row[:-1])
        yield f'<tr>{cells}<td class="number">{escape(row[-1])}</td></tr>'
    yield "</tbody></table></div>"


def _story(story: Story, name: str | None) -> Iterator[str]:
    """The parts of a finding: a headline, the steps, and how to go on."""
    told = story.told
    sign, mood = ("✗", "wrong") if story.kind else ("✓", "fine")
    yield f'<section class="{mood}">'
    yield f'<h3><span aria-hidden="true">{sign}</span> {escape(story.headline)}</h3>'
    yield _chips(story.about)
    if story.dump:
        yield f"<pre>{escape(chr(10).join(story.dump))}</pre>"
    yield from _Lanes(story).table()
    if story.note:
        yield f'<p class="note">{escape(story.note)}</p>'
    yield '<div class="how">'
    yield f"<p>{escape(how_to_read(told.model))}</p>"
    yield from _sites(told.steps)
    yield f"<p>Schedule: <code>{escape(told.schedule)}</code></p>"
    yield f"<p>Once more:</p><pre>{escape(command(told, name))}</pre>"
    yield "</div></section>"


def _chips(words: Iterable[str]) -> str:
    """A few facts in a row."""
    return '<ul class="chips">' + "".join(f"<li>{escape(word)}</li>" for word in words) + "</ul>"


def _sites(steps: tuple[Step, ...]) -> Iterator[str]:
    """The places in the source, folded away."""
    yield "<details><summary>Sites of these steps, as for <code>--weaken</code></summary><ul>"
    yield from (f"<li><code>{escape(site)}</code>: {where}</li>" for site, where in sites(steps).items())
    yield "</ul></details>"


class _Lanes:
    """The table of steps, a column for each thread.

    Attributes:
        key: what the ids of this table's rows begin with.
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        self.told = story.told
        told = story.told
        self.key = f"pysn-{crc32(f'{told.scenario}/{told.model}/{story.kind}/{told.schedule}'.encode()):08x}"
        self.drawn = bool(told.before) or any(step.drawing for step in told.steps)

    def table(self) -> Iterator[str]:
        """Yield the table. Roles are given by name: on a narrow screen rows are no rows to the browser."""
        caption = f"{self.told.scenario}, model {self.told.model}: {self.story.headline}"
        yield '<div class="scroll" role="region" tabindex="0" aria-label="Steps"><table class="steps" role="table">'
        yield f"<caption>Steps of {escape(caption)}</caption>"
        yield from self._head()
        yield '<tbody role="rowgroup">'
        if self.drawn:
            idle = '<td role="cell" class="idle"></td>' * len(self.told.threads)
            yield f'<tr role="row" class="start"><th role="rowheader" scope="row">start</th>{idle}'
            yield self._after(list(self.told.before)) + "</tr>"
        for row in rows(self.told.before, self.told.steps):
            yield from self._row(row)
        if self.story.kind:
            span = len(self.told.threads) + self.drawn
            yield '<tr role="row" class="end"><th role="rowheader" scope="row">end</th>'
            wrong = f'<span aria-hidden="true">✗</span> {escape(self.story.headline)}'
            yield f'<td role="cell" colspan="{span}">{wrong}</td></tr>'
        yield "</tbody></table></div>"

    def _head(self) -> Iterator[str]:
        """The headings."""
        yield '<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">step</th>'
        for lane, thread in enumerate(self.told.threads):
            hue = f"hue{lane % HUES}"
            yield f'<th role="columnheader" scope="col" class="lane {hue}">{escape(thread)}</th>'
        if self.drawn:
            yield '<th role="columnheader" scope="col">structure after it</th>'
        yield "</tr></thead>"

    def _row(self, row: Row) -> Iterator[str]:
        """A step in its lane."""
        step = row.step
        said = notes(step)
        old = ' class="old"' if any(note.old for note in said) else ""
        yield f'<tr role="row" id="{self.key}-{step.number}"{old}>'
        yield f'<th role="rowheader" scope="row">{step.number}</th>'
        for lane, thread in enumerate(self.told.threads):
            if thread != step.thread:
                yield '<td role="cell" class="idle"></td>'
                continue
            yield f'<td role="cell" class="act hue{lane % HUES}" data-thread="{escape(thread)}">'
            yield f'<code class="op">{escape(step.operation)}</code><code class="line">{escape(step.line)}</code>'
            yield "".join(map(self._note, said))
            yield f'<span class="again">⋮ {escape(row.again)}</span></td>' if row.again else "</td>"
        if self.drawn:
            yield self._after(row.drawing)
        yield "</tr>"

    def _note(self, note: Note) -> str:
        """What a step read or wrote, with links to the steps it names."""
        old = f'<br><strong class="mark">{OLD}</strong> {self._linked(note.old)}' if note.old else ""
        return f'<span class="note"><i>{escape(note.verb)}</i> {self._linked(note.text)}{old}</span>'

    def _linked(self, text: str) -> str:
        """Escaped text in which steps are links."""
        return _STEP.sub(rf'<a href="#{self.key}-\1">step&nbsp;\1</a>', escape(text))

    def _after(self, lines: list[str]) -> str:
        """The cell of the structure."""
        if not lines:
            return '<td role="cell" class="same"></td>'
        return f'<td role="cell" class="after"><pre>{escape(chr(10).join(lines))}</pre></td>'

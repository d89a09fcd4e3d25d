"""A replay's result as text: tables of at most 80 columns, and the chunk map.

The law: numbers are right-aligned, with their unit in the heading or after them;
colour alone carries no meaning; no number is cut, however narrow the terminal (see
``tables``). This module and ``tables`` are the only ones of the package ``replay``
that need rich, and only the command line imports them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from .chunkmap import ChunkMap, draw
from .demand import ClassUse
from .result import ReplayResult
from .tables import Records, SideBySide, whole
from .traces.trace import Kind

__all__ = ["bytes_text", "print_result"]

WIDTH = 80
LEAST = 36  # columns of a table, so that the tables on the left are equally wide
CLASSES_SHOWN = 12
OWNERS_SHOWN = 3
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STYLES = {
    "superslab": "green",
    "medium": "cyan",
    "large": "magenta",
    "jump": "magenta",
    "free": "dim",
    "mixed": "yellow",
}
CALL_NAMES = {Kind.ALIGNED: "aligned_alloc"}


def bytes_text(size: int | None) -> str:
    """Return a number of bytes with its unit: ``1.5 MiB``."""
    if size is None:
        return "unknown"
    value, unit = float(size), 0
    while abs(value) >= 1024 and unit < len(UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{size:,} B" if unit == 0 else f"{value:,.1f} {UNITS[unit]}"


def _exact(size: int) -> str:
    """Return a number of bytes without superfluous decimals."""
    return bytes_text(size).replace(".0 ", " ")


def print_result(console: Console, result: ReplayResult) -> None:
    """Print the report of a replay."""
    width = min(console.width, WIDTH)
    for part in _parts(result, width):
        console.print(part, width=width, crop=False)


def _parts(result: ReplayResult, width: int) -> Iterator[RenderableType]:
    """Yield the report, part by part."""
    yield whole(result.trace, "bold")
    yield Rule()
    yield Text(_setting(result))
    for note in result.notes:
        yield Text(f"Note: {note}.", style="italic")
    yield Text()
    yield SideBySide(_calls(result), _memory(result))
    yield Text()
    yield SideBySide(_messages(result), _atomics(result))
    yield Text()
    yield _classes(result)
    yield Text()
    yield _left(result)
    yield Text()
    yield _chunks(result, width)


def _setting(result: ReplayResult) -> str:
    """Describe what was replayed, and how."""
    threads = f"{result.threads:,} thread{'s' * (result.threads != 1)}"
    order = "in recorded order" if result.order == "recorded" else "with real threads"
    contents = "contents verified" if result.verified else "contents not verified"
    checked = ", checked mode" if result.checked else ""
    addresses = (
        f"\n{result.addresses_compared:,} addresses match the recorded ones." if result.addresses_compared else ""
    )
    return (
        f"{result.format.capitalize()} of {threads}, replayed {order}, {contents}.\n"
        f"Configuration {result.config}: {_exact(result.chunk_size)} chunks, {_exact(result.remote_cache)} remote "
        f"cache, decommit {result.decommit}{checked}.{addresses}"
    )


def _table(title: str, *columns: str) -> Records:
    """Return an empty table; all columns but the first are numbers."""
    return Records(*columns, title=title, least=LEAST)


def _calls(result: ReplayResult) -> Records:
    """Return the table of calls by kind."""
    table = _table("Calls", "call", "number")
    for kind, count in result.calls.items():
        if count or kind in (Kind.MALLOC, Kind.FREE):
            table.add_row(CALL_NAMES.get(kind, kind.name.lower()), f"{count:,}")
    table.add_row("freed by another thread", f"{result.messages.remote_frees:,}")
    table.add_section()
    table.add_row("all calls", f"{result.total_calls:,}")
    table.add_row("time in calls", f"{result.seconds:,.3f} s")
    rate = result.calls_per_second
    table.add_row("calls per second", "–" if rate is None else f"{rate:,.0f}")
    return table


def _memory(result: ReplayResult) -> Records:
    """Return the table of peaks."""
    peaks = result.peaks
    table = _table("Memory", "peak of", "size")
    table.add_row("live, as requested", bytes_text(peaks.requested))
    table.add_row("live, as rounded", bytes_text(peaks.rounded))
    table.add_row("committed", bytes_text(peaks.committed))
    table.add_row("resident", bytes_text(peaks.resident))
    table.add_section()
    share = result.fragmentation
    table.add_row("internal fragmentation", "–" if share is None else f"{100 * share:.1f} %")
    return table


def _messages(result: ReplayResult) -> Records:
    """Return the table of remote deallocation."""
    messages = result.messages
    table = _table("Messages (§2.2)", "event", "number")
    table.add_row("sent", f"{messages.sent:,}")
    table.add_row("received by the owner", f"{messages.received:,}")
    table.add_row("forwarded on the way", f"{messages.forwarded:,}")
    table.add_row("in flight at the end", f"{messages.in_flight:,}")
    table.add_row("of these, in remote caches", f"{messages.cached:,}")
    table.add_row("posts of a remote cache", f"{messages.posts:,}")
    table.add_row("lists sent", f"{messages.batches:,}")
    table.add_section()
    table.add_row("messages per list", _ratio(messages.messages_per_batch, 1))
    table.add_row("hops per message", _ratio(messages.hops_per_message, 2))
    return table


def _atomics(result: ReplayResult) -> Records:
    """Return the table of atomic operations by kind."""
    atomics, per_free = result.messages.atomics, result.messages.per_remote_free()
    table = _table("Atomics, total and per remote free", "kind", "number", "per free")
    for field in fields(atomics):
        name = field.name.replace("_", "-")
        ratio = None if per_free is None else per_free[field.name]
        table.add_row(name, f"{getattr(atomics, field.name):,}", _ratio(ratio, 4))
    table.add_section()
    ratio = None if per_free is None else sum(per_free.values())
    table.add_row("all", f"{atomics.total:,}", _ratio(ratio, 4))
    return table


def _ratio(value: float | None, digits: int) -> str:
    """Return a ratio, or a dash for None."""
    return "–" if value is None else f"{value:,.{digits}f}"


def _classes(result: ReplayResult) -> Records:
    """Return the table of allocations by size class: the classes with the most bytes, by size."""
    shown = sorted(result.classes, key=lambda use: use.rounded, reverse=True)[:CLASSES_SHOWN]
    others = [use for use in result.classes if use not in shown]
    title = f"Allocations by size class{f' (the {CLASSES_SHOWN} with the most bytes)' if others else ''}"
    table = _table(title, "class", "object size", "objects", "requested", "rounded", "unused")
    for use in sorted(shown, key=lambda use: use.size):
        name = "large" if use.sizeclass is None else str(use.sizeclass)
        table.add_row(name, bytes_text(use.size), *_amounts([use]))
    table.add_section()
    if others:
        table.add_row(f"{len(others)} others", "", *_amounts(others))
    table.add_row("all", "", *_amounts(result.classes))
    return table


def _amounts(uses: Sequence[ClassUse]) -> tuple[str, str, str, str]:
    """Return the sums in the columns that size classes share."""
    requested, rounded = sum(use.requested for use in uses), sum(use.rounded for use in uses)
    unused = f"{100 * (1 - requested / rounded):.1f} %" if rounded else "–"
    return f"{sum(use.objects for use in uses):,}", bytes_text(requested), bytes_text(rounded), unused


def _left(result: ReplayResult) -> Text:
    """Describe the objects left live and the messages left in queues."""
    stays = result.home.in_flight
    home = "every freed object came home"
    if stays:
        stay = "which stays in its queue" if stays == 1 else "each of which stays in its queue"
        home = f"every freed object came home except {stays:,}, {stay} as the newest message (Figure 3)"
    return Text(
        f"The program left {result.left_live:,} objects live, {bytes_text(result.left_live_bytes)} as requested. "
        f"After all messages were posted and received, the heap counted {result.home.live:,} live objects: {home}."
    )


def _chunks(result: ReplayResult, width: int) -> RenderableType:
    """Return the chunk map at the end, with its legend."""
    numbers = [allocator.number for allocator in result.statistics.allocators]
    drawn = draw(result.chunks, numbers, width - len(_address(0)) - 2)
    count = f"{len(result.chunks):,} chunk{'s' * (len(result.chunks) != 1)}"
    fold = f", {drawn.folded:,} per letter" if drawn.folded > 1 else ""
    title = Text(f"Chunks at the end of the trace ({count} of {_exact(result.chunk_size)}{fold})", style="bold")
    lines = [Text("  ").append_text(_map_row(row.address, drawn, index)) for index, row in enumerate(drawn.rows)]
    return Group(title, *lines, *_legend(drawn), Text())


def _map_row(address: int, drawn: ChunkMap, index: int) -> Text:
    """Return one line of the map."""
    text = Text(_address(address), style="dim")
    for cell in drawn.rows[index].cells:
        text.append(cell.text, style=STYLES[cell.kind] + (" not dim" if cell.kind != "free" else ""))
        text.append(" " if len(cell.text) > 1 else "")
    return text


def _address(address: int) -> str:
    """Return the label of a line of the map."""
    return f"{address:#011x} "


def _legend(drawn: ChunkMap) -> Iterator[Text]:
    """Yield the lines of the legend."""
    yield Text("  " + ", ".join(drawn.legend))
    if drawn.owners and any(cell.kind in ("superslab", "medium") for row in drawn.rows for cell in row.cells):
        named = [f"{letter} = {number}" for number, letter in drawn.owners.items()]
        shown = named[:OWNERS_SHOWN]
        more = f", ... ({len(named):,} in all)" if len(named) > len(shown) else ""
        yield Text("  digit: tenths of the chunk in use; #: full")
        yield Text("  last letter: owner; " + ", ".join(shown) + more)

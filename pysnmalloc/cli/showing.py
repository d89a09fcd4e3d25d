"""What ``pysnmalloc show`` shows: the traces that ship, or a look at calls of a recorded program.

Earlier calls are replayed unrecorded, and the calls to show are recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from rich.console import Console

from ..allocator import PAPER_PARTS, Parts
from ..config import Config
from ..heap import Heap
from ..recording.recording import Recording
from ..replay import PROGRAMS, Trace, TraceError
from ..replay.engine import config_of
from ..replay.player import Player, Session
from ..replay.report import WIDTH
from ..replay.sampling import available, sampling_for
from ..replay.tables import Records
from ..step import Look, look
from .streams import say

__all__ = ["list_shipped", "look_at_calls"]

STRETCH = 5000  # calls between two reports of progress


def list_shipped(console: Console) -> None:
    """Print the traces that ship with the package."""
    table = Records("trace", "threads", "calls", "program", words=(3,))
    for each in PROGRAMS:
        table.add_row(each.name, f"{each.threads:,}", f"{each.calls:,}", each.program)
    console.print(table, width=min(console.width, WIDTH), crop=False)
    console.print()
    say("To show a call: pysnmalloc show python-json --at 50. To replay: pysnmalloc replay python-json.")


def look_at_calls(
    trace: Trace,
    at: int,
    to: int,
    config: Config | None,
    progress: Callable[[str, float], None],
    parts: Parts = PAPER_PARTS,
) -> Look:
    """Replay a program up to call ``at``, counted from 1, and look at calls ``at`` to ``to``.

    Raises:
        TraceError: if the program has no such calls.
        ReplayError: if a call fails.
    """
    for option, call in (("--at", at), ("--to", to)):
        if not 1 <= call <= len(trace.ops):
            raise TraceError(trace.name, 0, f"a call from 1 to {len(trace.ops):,}", f"{option} {call:,}")
    if to < at:
        raise TraceError(trace.name, 0, f"--to {at:,} or later, because --at is {at:,}", f"--to {to:,}")
    recording = Recording()
    recording.on = False
    with Heap(config if config is not None else config_of(trace), record=recording, parts=parts) as heap:
        session = Session(trace, heap, verify=False, compare=False, sampling=sampling_for(trace, available()))
        allocators = {thread: heap.acquire(number) for thread, number in enumerate(trace.allocator_numbers)}
        player = Player(session, trace.ops, allocators)
        for start in range(0, at - 1, STRETCH):
            player.play(start, min(start + STRETCH, at - 1))
            progress(PurePath(trace.name).name, start / at)
        recording.on = True
        player.play(at - 1, to)
        seen = look(heap, recording.events)
        line = trace.ops[at - 1].line
        return replace(seen, title=f"{PurePath(trace.name).name}, line {line}: {seen.title}")

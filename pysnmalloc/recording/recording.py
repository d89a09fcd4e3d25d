"""A recording: every event of one heap, in order, kept, counted, filtered and saved (§2.1 to §2.8).

    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        heap.free(heap.malloc(100))
    recording.counts()["ObjectBumped"]          1
    recording.select(ObjectBumped)              the events of a kind, of an allocator, of a range ...
    recording.save("heap.jsonl")                a header, then one event per line

The law: the stores of all events, one after the other on zeroed memory, are the
heap's bytes, but for what programs wrote into their objects. An event's tick is
its place; of an exchange, a link and a stack's compare-exchange, ticks are in the
order in which they happened, also with many threads.

Left out: forks. A child's events stay in the child.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from ..config import Config, Decommit
from ..errors import ConfigError, RecordingError
from .events import Event, Stamp
from .events.lines import dump_event, parse_event, touches

__all__ = ["Origin", "Recording", "new_recording", "recorded"]

FORMAT = "pysnmalloc events"
VERSION = 1

Json = dict[str, object]


class Origin(NamedTuple):
    """The heap that a recording is of: all that its first bytes depend on.

    Attributes:
        config: the heap's constants.
        reserve: bytes of address space.
        decommit: when pages go back to the operating system (§2.9).
    """

    config: Config
    reserve: int
    decommit: Decommit


class Recording:
    """The events of one heap. Any thread may add to it.

    Args:
        limit: how many events to keep; the later ones are counted in ``dropped``, and not kept.

    Attributes:
        events: all of them, by tick.
        origin: the heap it is of, None before the first event.
        dropped: how many events came after the limit.
        on: whether events are kept now; one that was off has a gap, and is not ``whole``.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.events: list[Event] = []
        self.origin: Origin | None = None
        self.limit = limit
        self.dropped = 0
        self.on = self.whole = True
        self.lock = threading.RLock()
        self._heap: object = None
        self._ticks = self._calls = self._threads = 0
        self._local = threading.local()
        _recordings.add(self)

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __repr__(self) -> str:
        of = self.origin.config.name if self.origin is not None else "no heap yet"
        return f"<Recording of {of}, {len(self):,} events>"

    # For the recorder.

    def attach(self, heap: object, origin: Origin) -> None:
        """Say which heap it is of.

        Raises:
            RecordingError: when it is another's already.
        """
        with self.lock:
            if self.origin is not None and self._heap is not heap:
                raise RecordingError(f"{self!r} is another heap's; give each heap a Recording of its own")
            self._heap, self.origin = heap, origin

    def stamp(self, allocator: int, call: int) -> Stamp:
        """Return the next stamp. Call it with the lock held, up to ``append``."""
        self._ticks += 1
        return Stamp(self._ticks, self._thread(), allocator, call)

    def append(self, event: Event) -> None:
        """Keep an event, or count it as dropped."""
        if self.limit is not None and len(self.events) >= self.limit:
            self.dropped += 1
        else:
            self.events.append(event)

    def next_call(self) -> int:
        """Number a call that begins."""
        with self.lock:
            self._calls += 1
            return self._calls

    def _thread(self) -> int:
        """The calling thread's number, from 1 in order of appearance."""
        number: int | None = getattr(self._local, "number", None)
        if number is None:
            self._threads += 1
            number = self._local.number = self._threads
        return number

    # For all who look.

    @property
    def tick(self) -> int:
        """The last event's tick: a stretch that begins now is ``step(recording, first=recording.tick + 1)``."""
        return self._ticks

    def counts(self) -> Counter[str]:
        """Count the events by kind."""
        return Counter(event.kind for event in self.events)

    def select(
        self,
        *kinds: type[Event],
        allocator: int | None = None,
        thread: int | None = None,
        call: int | None = None,
        touching: int | range | None = None,
    ) -> tuple[Event, ...]:
        """Return the events that fit all that is given.

        Args:
            kinds: of any of these classes.
            allocator: made by the allocator of this number.
            thread: made by this thread.
            call: part of this call.
            touching: that name an address, or store to one, in this range of addresses (or at this one).
        """
        area = range(touching, touching + 1) if isinstance(touching, int) else touching
        return tuple(
            event
            for event in self.events
            if (not kinds or isinstance(event, kinds))
            and allocator in (None, event.at.allocator)
            and thread in (None, event.at.thread)
            and call in (None, event.at.call)
            and (area is None or touches(event, area))
        )

    # Files.

    def lines(self) -> Iterator[str]:
        """Yield the lines of the file: a header, and the events as JSON.

        Raises:
            RecordingError: when nothing was recorded, or with a gap.
        """
        if self.origin is None:
            raise RecordingError("nothing was recorded: make a heap with Heap(..., record=recording), and call it")
        if not self.whole:
            raise RecordingError("this recording has a gap, since it was switched off for a while; save a whole one")
        config, reserve, decommit = self.origin
        header = {"format": FORMAT, "version": VERSION, "config": asdict(config)}
        yield json.dumps(header | {"reserve": reserve, "decommit": decommit.value}, ensure_ascii=False)
        for event in self.events:
            yield json.dumps(dump_event(event), ensure_ascii=False)

    def save(self, path: str | Path) -> None:
        """Write the recording to a file, as JSON lines."""
        Path(path).write_text("".join(line + "\n" for line in self.lines()), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read a file that ``save`` wrote.

        Raises:
            RecordingError: naming the line that is not as it must be.
        """
        return cls.parse(Path(path).read_text(encoding="utf-8").splitlines(), str(path))

    @classmethod
    def parse(cls, lines: Iterable[str], name: str = "<lines>") -> Recording:
        """Read the lines of a file. Errors as ``load``."""
        recording, number = cls(), 0
        for number, line in enumerate(lines, start=1):
            try:
                data = json.loads(line)
                if not isinstance(data, dict):
                    raise RecordingError("this line is no JSON object")
                if number == 1:
                    recording.origin = _parse_header(data)
                else:
                    recording.events.append(parse_event(data))
                    recording._ticks = recording.events[-1].at.tick
            except (ValueError, KeyError, TypeError) as error:
                raise RecordingError(f"{name}, line {number}: {error}; save it anew with Recording.save") from error
        if not number:
            raise RecordingError(f"{name} is empty; a recording begins with a line that says “{FORMAT}”")
        return recording


def _parse_header(data: Json) -> Origin:
    """Return what the first line says."""
    if data.get("format") != FORMAT or data.get("version") != VERSION:
        raise RecordingError(f"the first line does not say “{FORMAT}”, version {VERSION}: this is no recording")
    config, reserve = data["config"], data["reserve"]
    if not isinstance(config, dict) or type(reserve) is not int:
        raise RecordingError("the first line has no config and reserve")
    try:
        return Origin(Config(**config), reserve, Decommit(data["decommit"]))
    except ConfigError as error:
        raise RecordingError(str(error)) from error


# Heaps that others make, such as those of a script.


@contextmanager
def recorded(limit: int | None = None) -> Iterator[list[Recording]]:
    """Record every heap that is made in the block, by whatever thread, but for checked ones.

    Yields a list to which each heap adds its recording; ``limit`` is that of each.
    """
    made = list[Recording]()

    def make() -> Recording:
        made.append(Recording(limit))
        return made[-1]

    _makers.append(make)
    try:
        yield made
    finally:
        _makers.remove(make)


_makers: list[Callable[[], Recording]] = []


def new_recording() -> Recording | None:
    """Return a recording for a heap that is being made, if it is made inside of ``recorded``."""
    return _makers[-1]() if _makers else None


# A fork copies a lock that another thread may hold; the child gets new ones.

_recordings: weakref.WeakSet[Recording] = weakref.WeakSet()


def _renew_locks() -> None:
    """Let the child's recordings be used."""
    for recording in _recordings:
        recording.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)

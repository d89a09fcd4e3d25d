"""A recording: every event of one heap, in order, kept, counted, filtered and saved (§2.1 to §2.8).

    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        heap.free(heap.malloc(100))
    recording.counts()["ObjectBumped"]          1
    recording.select(ObjectBumped)              the events of one kind, allocator, range ...
    recording.save("heap.jsonl")                a header, then one event per line

The law: the stores of all events, applied in order to zeroed memory, produce the
heap's bytes, except for the bytes that programs wrote into their objects. An event's
tick is its position. Even with several threads, exchanges, links and compare-exchanges
have their ticks in the order in which they happened.

After a fork, a child's events stay in the child process. If another thread was lost,
which may have changed bytes and not yet said so, the child's recording has a gap.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from ..config import Config, Decommit
from ..errors import ConfigError, RecordingError, integer
from ..interruption import Rank, held_over_forks
from .events import Event, Stamp
from .events.lines import dump_event, parse_event, touches

__all__ = ["Origin", "Recording", "new_recording", "recorded"]

FORMAT = "pysnmalloc events"
VERSION = 1

Json = dict[str, object]


class Origin(NamedTuple):
    """The recorded heap: everything on which its initial bytes depend.

    Attributes:
        config: the heap's constants.
        reserve: bytes of address space.
        decommit: when pages go back to the operating system (§2.9).
    """

    config: Config
    reserve: int
    decommit: Decommit


class Recording:
    """The events of one heap. Any thread may add events.

    A pickle or a copy is a snapshot: it has the events so far, and no heap adds more to it.

    Args:
        limit: the number of events to keep; None for no limit. Later events are only counted, in ``dropped``.

    Attributes:
        events: all events, by tick.
        origin: the recorded heap; None before the first event.
        dropped: number of events beyond the limit.
        on: whether events are kept now. A change made while it is false leaves a gap, and ``whole`` becomes false.
            A forked child that lost a thread has a gap, too.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.events: list[Event] = []
        self.origin: Origin | None = None
        self.limit = None if limit is None else integer(limit, "Recording", "limit")
        self.dropped = 0
        self.on = self.whole = True
        self.lock = threading.RLock()
        self._heap: object = None
        self._ticks = self._calls = self._threads = 0
        self._local = threading.local()
        held_over_forks(self, [(Rank.RECORDING, self.lock)])

    def __getstate__(self) -> dict[str, object]:
        """Return a snapshot, without what belongs to this process: the heap, the lock, the threads' numbers."""
        with self.lock:
            kept = {name: value for name, value in vars(self).items() if name not in ("lock", "_heap", "_local")}
            return kept | {"events": self.events.copy()}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Become the snapshot."""
        self.__init__()  # type: ignore[misc]  # an object that pickle or copy made
        vars(self).update(state)

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __repr__(self) -> str:
        of = self.origin.config.name if self.origin is not None else "no heap yet"
        return f"<Recording of {of}, {len(self):,} events>"

    # For the recorder.

    def attach(self, heap: object, origin: Origin) -> None:
        """Set the heap to record.

        Raises:
            RecordingError: if the recording already belongs to another heap.
        """
        with self.lock:
            if self.origin is not None and self._heap is not heap:
                raise RecordingError(f"{self!r} belongs to another heap; give each heap its own Recording")
            self._heap, self.origin = heap, origin

    def stamp(self, allocator: int, call: int) -> Stamp:
        """Return the next stamp. Hold the lock from this call until ``append``."""
        self._ticks += 1
        return Stamp(self._ticks, self._thread(), allocator, call)

    def append(self, event: Event) -> None:
        """Keep an event, or count it as dropped."""
        if self.limit is not None and len(self.events) >= self.limit:
            self.dropped += 1
        else:
            self.events.append(event)

    def next_call(self) -> int:
        """Return the number of a new call."""
        with self.lock:
            self._calls += 1
            return self._calls

    def _thread(self) -> int:
        """Return the calling thread's number, from 1 in order of appearance."""
        number: int | None = getattr(self._local, "number", None)
        if number is None:
            self._threads += 1
            number = self._local.number = self._threads
        return number

    # For observers.

    @property
    def tick(self) -> int:
        """The last event's tick. ``step(recording, first=recording.tick + 1)`` shows what happens from now on."""
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
        """Return the events that meet every given condition.

        Args:
            kinds: the event belongs to one of these classes.
            allocator: the allocator with this number made the event.
            thread: the thread with this number made the event.
            call: the event is part of the call with this number.
            touching: the event names or stores to this address, or an address in this range.
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
        """Yield the lines of the file: a header, then the events as JSON.

        Raises:
            RecordingError: if nothing was recorded, or the recording has a gap.
        """
        if self.origin is None:
            raise RecordingError("nothing was recorded: make a heap with Heap(..., record=recording) and use it")
        if not self.whole:
            raise RecordingError(
                "this recording has a gap, because it was switched off for a while, or its process was forked while "
                "other threads used the heap; record again"
            )
        config, reserve, decommit = self.origin
        header = {"format": FORMAT, "version": VERSION, "config": asdict(config)}
        yield json.dumps(header | {"reserve": reserve, "decommit": decommit.value}, ensure_ascii=False)
        for event in self.events:
            yield json.dumps(dump_event(event), ensure_ascii=False)

    def save(self, path: str | Path) -> None:
        """Write the recording to a file, as JSON lines. Raises as ``lines`` does."""
        Path(path).write_text("".join(line + "\n" for line in self.lines()), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read a file that ``save`` wrote.

        Raises:
            RecordingError: if the file is empty, or a line is invalid. The message names the line.
        """
        return cls.parse(Path(path).read_text(encoding="utf-8", errors="replace").splitlines(), str(path))

    @classmethod
    def parse(cls, lines: Iterable[str], name: str = "<lines>") -> Recording:
        """Read the lines of a file. Raises as ``load`` does."""
        recording, number = cls(), 0
        for number, line in enumerate(lines, start=1):
            try:
                data = json.loads(line)
                if not isinstance(data, dict):
                    raise RecordingError("this line is not a JSON object")
                if number == 1:
                    recording.origin = _parse_header(data)
                else:
                    recording.events.append(parse_event(data))
                    recording._ticks = recording.events[-1].at.tick
            except (ValueError, TypeError) as error:
                raise RecordingError(f"{name}, line {number}: {error}; save it again with Recording.save") from None
        if not number:
            raise RecordingError(f"{name} is empty; a recording begins with a line that says “{FORMAT}”")
        return recording


def _parse_header(data: Json) -> Origin:
    """Return the origin that the first line describes."""
    if data.get("format") != FORMAT or data.get("version") != VERSION:
        raise RecordingError(f"the first line does not say “{FORMAT}”, version {VERSION}, so it cannot be read")
    config, reserve, decommit = map(data.get, ("config", "reserve", "decommit"))
    if not isinstance(config, dict) or type(reserve) is not int or decommit is None:
        raise RecordingError("the first line lacks a valid config, reserve or decommit")
    try:
        return Origin(Config(**config), reserve, Decommit(decommit))
    except ConfigError as error:
        raise RecordingError(str(error)) from None


# Recordings of heaps that other code makes, such as a script.


@contextmanager
def recorded(limit: int | None = None) -> Iterator[list[Recording]]:
    """Record every heap that any thread makes while the block runs, except for checked heaps.

    Yields a list to which each heap adds its recording. ``limit`` is the limit of each recording.
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
    """Return a recording for a new heap while a ``recorded`` block runs, otherwise None."""
    return _makers[-1]() if _makers else None

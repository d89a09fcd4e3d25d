"""A look at one call: its changes, and the heap after it (§2.1 to §2.8).

    heap after the call ──► rewound: its stores undone ──► pictures before
                       └──► redone, event by event     ──► pictures after, and the changes

Afterwards the heap is as it was. No other thread may use it meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from ..errors import RecordingError
from ..heap import Heap
from ..pictures import Picture, changes
from ..recording.events import Called, Event, Returned
from ..recording.recording import Recording
from .film import Film, Scene, default_camera
from .frame import Frame
from .replica import Replica, Rewound
from .stepper import Stepper

__all__ = ["Look", "look", "look_at"]


@dataclass(frozen=True)
class Look:
    """The effects of a call.

    Attributes:
        title: the call.
        events: of the call.
        pictures: the heap map and the structures of the events afterwards, each with the names of its changes.
        frames: one per event.
    """

    title: str
    events: tuple[Event, ...]
    pictures: tuple[tuple[Picture, frozenset[str]], ...]
    frames: tuple[Frame, ...]

    def text(self, width: int = 80, *, colour: bool = False) -> str:
        """Return the call, its events in words, and the pictures."""
        lines = [self.title, ""]
        for number, event in enumerate(self.events, start=1):
            lines += _wrapped(f"{number:3}. {event.in_words()} ({event.section})", width)
        pictures = [picture.text(width, changed, colour=colour) for picture, changed in self.pictures]
        return "\n".join(lines) + "\n\n" + "\n\n".join(pictures)

    def stepper(self) -> Stepper:
        """Return the call as a stepper; its last frame has all pictures."""
        *before, last = self.frames
        drawn = tuple(picture.svg(changed, styled=False) for picture, changed in self.pictures)
        after = Frame("Afterwards", self.title, pictures=drawn, caller=last.caller)
        return Stepper([*before, last, after], title=self.title, id="call")


def _wrapped(text: str, width: int) -> list[str]:
    """Wrap a line of the list of events."""
    return wrap(text, width, subsequent_indent="     ", break_on_hyphens=False)


def look(heap: Heap, events: Sequence[Event]) -> Look:
    """Look at the last call of a heap.

    Args:
        heap: after the call.
        events: of the call, in order.
    """
    events = tuple(events)
    rewound = Rewound(heap, events)
    frames = Film(events, stage=rewound).frames()
    after = _pictures(heap, events)
    rewound = Rewound(heap, events)
    before = {picture.subject: picture for picture in _pictures(heap, events)}
    for event in events:
        rewound.apply(event)
    marked = tuple((p, frozenset(changes(before.get(p.subject), p))) for p in after)
    return Look(_title(events), events, marked, frames)


def _pictures(heap: Heap, events: Sequence[Event]) -> list[Picture]:
    """Return the heap map and the structures of the events, each once, in their current state."""
    scene, found = Scene(), dict[str, Picture]()
    for picture in (heap.picture.map(), *(p for event in events for p in default_camera(heap.picture, event, scene))):
        found.setdefault(picture.subject, picture)
    return list(found.values())


def _title(events: Sequence[Event]) -> str:
    """Return the call and its result as text."""
    calls = [event for event in events if isinstance(event, Called)]
    if len(calls) > 1:
        return f"calls {calls[0].at.call} to {calls[-1].at.call}"
    called = calls[0] if calls else None
    returned = next((event for event in events if isinstance(event, Returned)), None)
    if called is None:
        return events[0].in_words()
    result = f" = {returned.result:#x}" if returned is not None and returned.result else ""
    return f"call {called.at.call}, allocator {called.at.allocator}: {called.text}{result}"


def look_at(recording: Recording, tick: int) -> Look:
    """Look at the call that contains a tick of a recording, up to that tick.

    Raises:
        RecordingError: if there is no such tick.
    """
    ticks = [event.at.tick for event in recording]
    if tick not in ticks:
        last = ticks[-1] if ticks else 0
        raise RecordingError(f"there is no tick {tick}; this recording has ticks 1 to {last}")
    events = recording.events[: ticks.index(tick) + 1]
    call = events[-1].at.call
    replica = Replica(recording)
    for event in events:
        replica.apply(event)
    begin = next(place for place, event in enumerate(events) if event.at.call == call) if call else len(events) - 1
    # Events of other threads in between are undone too, so all events from there on are needed.
    seen = look(replica.heap, events[begin:])
    replica.close()
    return replace(seen, title=f"tick {tick} of {ticks[-1]}, {seen.title}")

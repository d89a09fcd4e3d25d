"""A recording in Chrome's trace format, for Perfetto and chrome://tracing (§2.1, §2.2).

    thread 1 ── allocator 1   [malloc(16) [ObjectBumped]]        [receive [Dequeued][CameHome]]
             └─ allocator 2          [free [RemoteFreed] [ListSent] [Linked]]   ▲
                                                  └─────── a message ───────────┘

Every thread is a process of the trace, and every allocator that it drives is a
track. Calls are slices that contain slices for their events. A message is a flow
from the list in which it was sent, through the allocators that forward it, to its
home. The clock counts events: one microsecond of the trace is one tick, not a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from .events import Called, CameHome, Dequeued, Event, ListSent, Returned
from .recording import Recording

__all__ = ["chrome_trace", "save_chrome_trace"]

Json = dict[str, object]


def chrome_trace(recording: Recording) -> Json:
    """Return a recording in Chrome's trace format, as values that JSON can represent."""
    config = recording.origin.config.name if recording.origin is not None else "none"
    entries = [*_tracks(recording), *_slices(recording), *_flows(recording)]
    return {
        "traceEvents": entries,
        "displayTimeUnit": "ms",
        "otherData": {"producer": "pysnmalloc", "configuration": config, "clock": "one microsecond is one event"},
    }


def save_chrome_trace(recording: Recording, path: str | Path) -> None:
    """Write a recording to a file that Perfetto opens."""
    Path(path).write_text(json.dumps(chrome_trace(recording), ensure_ascii=False), encoding="utf-8")


def _place(event: Event) -> Json:
    """Return the track and time of an event."""
    return {"pid": event.at.thread, "tid": event.at.allocator, "ts": event.at.tick}


def _tracks(recording: Recording) -> Iterator[Json]:
    """Yield the names of all threads and allocators."""
    pairs = dict.fromkeys((event.at.thread, event.at.allocator) for event in recording)
    for thread in dict.fromkeys(thread for thread, _ in pairs):
        yield {"ph": "M", "name": "process_name", "pid": thread, "args": {"name": f"thread {thread}"}}
    for thread, allocator in pairs:
        name = {"name": f"allocator {allocator}"}
        yield {"ph": "M", "name": "thread_name", "pid": thread, "tid": allocator, "args": name}


def _slices(recording: Recording) -> Iterator[Json]:
    """Yield a slice for each call, from its first to its last event, and one for each change."""
    ends = {event.at.call: event.at.tick for event in recording if event.at.call}
    for event in recording:
        if isinstance(event, Called):
            yield {
                "ph": "X",
                "name": event.text,
                "cat": "call",
                **_place(event),
                "dur": ends[event.at.call] - event.at.tick + 1,
                "args": {"caller": event.caller, "call": event.at.call},
            }
        elif not isinstance(event, Returned):
            values = {field.name: str(getattr(event, field.name)) for field in fields(event)[2:]}
            values |= {"in words": event.in_words(), "section": event.section}
            yield {"ph": "X", "name": event.kind, "cat": "event", **_place(event), "dur": 1, "args": values}


def _flows(recording: Recording) -> Iterator[Json]:
    """Follow every message from the list in which it is sent to its home."""
    flying: dict[int, int] = {}
    number = 0
    for event in recording:
        if isinstance(event, ListSent):
            for message in event.messages:
                begins = message not in flying
                if begins:
                    number += 1
                    flying[message] = number
                yield _flow("s" if begins else "t", event, flying[message])
        elif isinstance(event, Dequeued):
            for message in event.messages:
                if message in flying:
                    yield _flow("t", event, flying[message])
        elif isinstance(event, CameHome) and event.message in flying:
            yield _flow("f", event, flying.pop(event.message)) | {"bp": "e"}


def _flow(phase: str, event: Event, number: int) -> Json:
    """Return one point of a flow, in the slice of an event."""
    return {"ph": phase, "name": "message", "cat": "message", "id": number, **_place(event)}

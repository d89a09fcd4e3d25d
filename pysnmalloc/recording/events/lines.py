"""Events as JSON: one object per event. Reading an object restores the types of its fields (§2).

    {"event": "ObjectPushed", "at": [7, 1, 2, 3], "writes": [[...]], "object": 139328, "head": [193, 64], ...}

A field's declared type decides: a pair becomes a ``Change``, and four numbers become a ``Stamp`` or a ``Write``.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, get_args, get_origin, get_type_hints

from ...errors import RecordingError
from .base import Change, Event, Stamp, Write
from .kinds import EVENTS

__all__ = ["dump_event", "parse_event", "touches"]

Json = dict[str, object]


def touches(event: Event, area: range) -> bool:
    """Return whether an event names or stores to an address in a range."""
    if any(write.address < area.stop and area.start < write.address + write.width for write in event.writes):
        return True
    return any(getattr(event, name) in area for name, hint in _hints(type(event)).items() if _is_address(hint))


def _hints(kind: type[Event]) -> dict[str, object]:
    """Return the types of an event's fields, by name."""
    if kind not in _HINTS:
        hints = get_type_hints(kind, include_extras=True)
        _HINTS[kind] = {field.name: hints[field.name] for field in fields(kind)}
    return _HINTS[kind]


_HINTS: dict[type[Event], dict[str, object]] = {}


def _is_address(hint: object) -> bool:
    """Return whether a field is marked as an address."""
    return get_origin(hint) is Annotated


def dump_event(event: Event) -> Json:
    """Return an event as values that JSON can represent. JSON writes tuples as lists."""
    return {"event": event.kind} | {field.name: getattr(event, field.name) for field in fields(event)}


def parse_event(data: Json) -> Event:
    """Return the event that ``dump_event`` converted, with the declared type of every field.

    Raises:
        RecordingError: if the data is not an event.
    """
    kind = EVENTS.get(str(data.get("event")))
    if kind is None:
        raise RecordingError(f"there is no event named “{data.get('event')}”")
    hints = _hints(kind)
    if set(data) != {"event", *hints}:
        raise RecordingError(f"{kind.__name__} has the fields {', '.join(hints)}, not {', '.join(data)}")
    return kind(**{name: _parse(name, hint, data[name]) for name, hint in hints.items()})  # type: ignore[arg-type]


def _parse(name: str, hint: object, value: object) -> object:
    """Return a field's value, converted to its type."""
    if _is_address(hint):
        hint = int
    if hint in (int, str, bool):
        if type(value) is not hint:
            raise RecordingError(f"{name} is {value!r}, which is not of type {hint.__name__}")
        return value
    if not isinstance(value, list):
        raise RecordingError(f"{name} is {value!r}, which is not a list")
    if hint in (Stamp, Change, Write):
        if len(value) != len(hint._fields) or any(type(each) is not int for each in value):
            raise RecordingError(f"{name} is {value!r}, which is not a {hint.__name__}")
        return hint(*value)
    return tuple(_parse(name, get_args(hint)[0], each) for each in value)

"""A film: the frames of a recording, each with the picture of what changed (§2.1 to §2.8).

    event ──► camera: which structure changes? ──► its picture after the event,
                                                   compared with its previous picture

The default camera shows the slab, superslab, queue, buckets ... that an event
names. Another camera may show a single structure in every frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..errors import InvalidPointer, RecordingError
from ..pictures import Picture, Pictures, changes
from ..recording.events import (
    BucketAppended,
    BucketEmptied,
    Called,
    CameHome,
    ChunkLinked,
    ChunkUnlinked,
    Dequeued,
    Event,
    Exchanged,
    Forwarded,
    Linked,
    ListSent,
    MediumReturned,
    MediumTaken,
    ObjectBumped,
    ObjectPopped,
    ObjectPushed,
    PageMapChanged,
    PostBegan,
    Posted,
    Redistributed,
    RemoteFreed,
    Returned,
    SlabLinked,
    SlabReopened,
    SlabReturned,
    SlabTaken,
    SlabUnlinked,
    SlabVacated,
    StackPopped,
    StackPushed,
)
from ..recording.recording import Recording
from .frame import Frame
from .replica import Replica, Stage
from .stepper import Stepper

__all__ = ["Camera", "Film", "Scene", "step", "title_of"]

MOST = 300  # frames
SLAB = (ObjectBumped, ObjectPopped, ObjectPushed, SlabReopened, SlabVacated, SlabLinked, SlabUnlinked)
CACHE = (BucketEmptied, RemoteFreed, PostBegan, Posted, ListSent, Forwarded)
LISTS = (SlabLinked, SlabUnlinked, ChunkLinked, ChunkUnlinked, StackPushed, StackPopped)
ROW = 16  # bytes
MANY_CHANGES = 12  # lines of changes


class Scene:
    """A camera's knowledge besides the bytes: the operations in progress, from the events so far."""

    def __init__(self) -> None:
        self.rounds: dict[int, int] = {}  # of posts in progress, by allocator
        self._lists: dict[int, tuple[int, int]] = {}  # by sender: receiver and first message of its last list
        self._cut: dict[int, tuple[int, int]] = {}  # the same for lists exchanged but not linked

    def follow(self, event: Event) -> None:
        """Take in an event as it happens."""
        number = event.at.allocator
        if isinstance(event, Redistributed):
            self.rounds[number] = event.round
        elif isinstance(event, PostBegan | Posted):
            self.rounds[number] = 0
        elif isinstance(event, ListSent):
            self._lists[number] = (event.to, event.messages[0])
        elif isinstance(event, Exchanged) and number in self._lists:
            self._cut[number] = self._lists[number]

        elif isinstance(event, Linked):
            self._cut.pop(number, None)

    def receiver(self, sender: int) -> int:
        """Return the receiver of an allocator's last list; the allocator itself, if there was none."""
        return self._lists.get(sender, (sender, 0))[0]

    def sent_to(self, number: int) -> list[int]:
        """Return the first messages of lists to an allocator that are exchanged but not linked."""
        return [first for to, first in self._cut.values() if to == number]


Camera = Callable[[Pictures, Event, Scene], Sequence[Picture]]
"""Returns the pictures to show after an event."""


def default_camera(pictures: Pictures, event: Event, scene: Scene) -> Sequence[Picture]:
    """Picture the structure that an event is about; for a list, also the words that were stored."""
    try:
        picture = _about(pictures, event, scene)
    except InvalidPointer:  # a chunk that is not yet, or no longer, in the page map
        picture = pictures.map()
    if not isinstance(event, LISTS):
        return (picture,)
    rows = sorted({write.address // ROW * ROW for write in event.writes if write.width == 8})
    return (picture, *(pictures.bytes(row, ROW) for row in rows))


def _about(pictures: Pictures, event: Event, scene: Scene) -> Picture:
    """Picture the structure that an event is about."""
    number = event.at.allocator
    if isinstance(event, SLAB):
        return pictures.slab(event.slab)
    if isinstance(event, SlabTaken | SlabReturned):
        return pictures.superslab(event.superslab)
    if isinstance(event, MediumTaken | MediumReturned):
        return pictures.medium(event.slab)
    if isinstance(event, PageMapChanged):
        return pictures.pagemap()
    if isinstance(event, BucketAppended | Redistributed):
        return pictures.buckets(number, event.round)
    if isinstance(event, CACHE):
        return pictures.buckets(number, scene.rounds.get(number, 0))
    if isinstance(event, Exchanged):
        return pictures.queue(event.queue, scene.sent_to(event.queue))
    if isinstance(event, Linked):
        to = scene.receiver(number)
        return pictures.queue(to, scene.sent_to(to))
    if isinstance(event, Dequeued):
        return pictures.queue(number, scene.sent_to(number))
    return _held(pictures, event)


def _held(pictures: Pictures, event: Event) -> Picture:
    """Picture the structure that holds the object or chunk of an event; for other events, the heap map."""
    if isinstance(event, CameHome):
        return pictures.around(event.message)
    if isinstance(event, ChunkLinked | ChunkUnlinked):
        chunk = pictures.around(event.chunk)
        return pictures.superslab(event.chunk) if chunk.subject.startswith("slab") else chunk
    if isinstance(event, Called) and event.call in ("free", "realloc") and event.arguments[0]:
        return pictures.around(event.arguments[0])
    if isinstance(event, Returned) and event.result:
        return pictures.around(event.result)
    return pictures.map()


class Film:
    """The frames of a recording.

    Args:
        events: a whole recording, or events of a heap.
        stage: the heap before these events; a recording creates its own.
        camera: chooses the pictures of a frame.
        keep: chooses the events that have a frame; the others happen between frames.
        first: tick of the first event that may have a frame; ``last``: tick of the last.
        most: maximum number of frames.

    Attributes:
        left: number of events after the last frame.
    """

    def __init__(
        self,
        events: Recording | Sequence[Event],
        *,
        stage: Stage | None = None,
        camera: Camera = default_camera,
        keep: Callable[[Event], bool] | None = None,
        first: int = 1,
        last: int | None = None,
        most: int = MOST,
    ) -> None:
        self._events = events
        self._stage = stage
        self._camera = camera
        self._keep = keep
        self._range = range(first, (last if last is not None else 1 << 62) + 1)
        self._most = most
        self.left = 0

    def frames(self) -> tuple[Frame, ...]:
        """Return the frames.

        Raises:
            RecordingError: if the recording is empty.
        """
        if self._stage is not None:
            return tuple(self._roll(self._stage))
        if not isinstance(self._events, Recording):
            raise RecordingError("a film of events needs the stage on which they happen, or a whole recording")
        replica = Replica(self._events)
        try:
            return tuple(self._roll(replica))
        finally:
            replica.close()

    def _roll(self, stage: Stage) -> Iterator[Frame]:
        """Apply every event, and yield a frame for each event that is kept."""
        scene, shown, made = Scene(), dict[str, Picture](), 0
        calls = dict[int, Called]()
        for event in self._events:
            if isinstance(event, Called):
                calls[event.at.call] = event
            wanted = event.at.tick in self._range and (self._keep is None or self._keep(event))
            if wanted and made >= self._most:
                self.left += 1
                continue
            if wanted:
                for picture in self._camera(stage.heap.picture, event, scene):
                    shown.setdefault(picture.subject, picture)
            stage.apply(event)
            scene.follow(event)
            if wanted:
                pictures = self._camera(stage.heap.picture, event, scene)
                yield _frame(event, calls.get(event.at.call), pictures, shown)
                shown |= {picture.subject: picture for picture in pictures}
                made += 1


def _frame(event: Event, call: Called | None, pictures: Iterable[Picture], shown: dict[str, Picture]) -> Frame:
    """Make the frame of an event: its words, and its pictures with their changes since they were last shown."""
    drawn, lines = list[str](), list[str]()
    for picture in pictures:
        changed = changes(shown.get(picture.subject), picture)
        drawn.append(picture.svg(frozenset(changed), styled=False))
        lines += [f"{name}: {before} ⇒ {after}" for name, (before, after) in changed.items()]
    if len(lines) > MANY_CHANGES:
        lines[MANY_CHANGES - 1 :] = [f"... and {len(lines) - MANY_CHANGES + 1} more"]
    return Frame(
        title=title_of(event),
        words=event.in_words(),
        section=event.section,
        source=source_of(event),
        caller=f"allocator {call.at.allocator}: {call.caller}" if call is not None and call.caller else "",
        pictures=tuple(drawn),
        changes=tuple(lines),
    )


def title_of(event: Event) -> str:
    """Return an event's kind in words: ``Object pushed``."""
    if isinstance(event, Called):
        return event.text
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: " " + match[1].lower(), event.kind)


def source_of(event: Event) -> str:
    """Return the module, function and line of this package that made the change."""
    if isinstance(event, Called | Returned):
        return ""
    module, function, line = event.code
    return f"{module}: {function}: {line}"


def step(
    recording: Recording,
    *,
    title: str = "",
    id: str = "",
    by: str = "event",
    first: int = 1,
    last: int | None = None,
    most: int = MOST,
) -> Stepper:
    """Return a stepper for a part of a recording.

    Args:
        recording: of a heap; it may be a loaded one.
        title: of the stepper; default: the heap's configuration.
        id: of the stepper in its page, for links to steps; default: one computed from its contents.
        by: ``event``, or ``call`` for one frame per call, after it returns.
        first: tick of the first event that may have a frame.
        last: tick of the last such event; default: the end.
        most: maximum number of frames.

    Raises:
        RecordingError: if nothing was recorded.
        ValueError: if ``by`` is neither of the two.
    """
    if by not in ("event", "call"):
        raise ValueError(f"by={by!r}: choose “event” or “call”")

    def keep(event: Event) -> bool:
        return by == "event" or isinstance(event, Returned)

    film = Film(recording, keep=keep, first=first, last=last, most=most)
    frames = film.frames()
    if not title and recording.origin is not None:
        title = f"A heap with configuration “{recording.origin.config.name}”"
    note = f"{film.left:,} more steps are not shown." if film.left else ""
    return Stepper(frames, title=title, id=id, note=note)

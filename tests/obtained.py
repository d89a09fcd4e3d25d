"""An instance of every public error and record of the package, from real calls.

errors    as raised by a call, each with a note
records   of heaps, replays, the explorer, quizzes and lessons
live      what lives in its process, and records that hold such a thing
"""

from __future__ import annotations

import dataclasses
import gzip
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

import pysnmalloc as sn
from pysnmalloc.cli.reports import Report
from pysnmalloc.cli.scenarios import UnknownScenario, load
from pysnmalloc.doctor.check import Absent, make
from pysnmalloc.explore import Scenario, ScheduleError, Wrong, explore, tell
from pysnmalloc.explore.executions.broken import Broken
from pysnmalloc.explore.findings.rows import rows
from pysnmalloc.explore.findings.wording import Story, notes
from pysnmalloc.explore.realthreads import run_on_threads
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.scenarios.litmus import LITMUS
from pysnmalloc.explore.scenarios.seeded import SEEDED
from pysnmalloc.explore.schedules.playing import play
from pysnmalloc.explore.schedules.schedule import Schedule
from pysnmalloc.explore.search.exploration import Exploration
from pysnmalloc.explore.search.parallel import Job, search_part
from pysnmalloc.explore.search.search import Branch, search
from pysnmalloc.explore.search.seeds import NotTheSame, Seed
from pysnmalloc.explore.threads.misuse import NotRepeatable, ScenarioError, WrongUse
from pysnmalloc.explore.threads.run import Endless
from pysnmalloc.explore.threads.scenario import Place
from pysnmalloc.explore.threads.segment import Cells, NewCell
from pysnmalloc.explore.threads.stops import Reached
from pysnmalloc.explore.threads.tree import TooLong
from pysnmalloc.explore.turnstile import Stopped as TurnStopped
from pysnmalloc.explore.weaken import weaken_each
from pysnmalloc.inspection.laws import LAWS
from pysnmalloc.labs.arc import LABS, UnknownMilestone, milestone
from pysnmalloc.labs.folder import NoFolder, find, start
from pysnmalloc.labs.process.asking import NoAnswer
from pysnmalloc.labs.process.limits import LIMITS
from pysnmalloc.labs.process.wire import Unreadable, unpack
from pysnmalloc.lesson import predict, progress
from pysnmalloc.lesson.done.contents import TUTORIALS
from pysnmalloc.lesson.judging import Failed, Fitting, Open, call
from pysnmalloc.lesson.running.budget import Spent
from pysnmalloc.lesson.running.underway import Underway
from pysnmalloc.lesson.threads import NoThreads
from pysnmalloc.lesson.values import shown
from pysnmalloc.lesson.verdict import State, Verdict
from pysnmalloc.parts import load_parts
from pysnmalloc.quiz import TOPICS, NotANumber, judge, parse_answer, questions, session
from pysnmalloc.quiz.net import Net
from pysnmalloc.quiz.question import Dice
from pysnmalloc.quiz.slabs import SlabBench
from pysnmalloc.quiz.topics.messages import QueueBench
from pysnmalloc.quiz.topics.superslabs import SuperslabBench
from pysnmalloc.replay import (
    AddressError,
    CallError,
    ContentsError,
    Demand,
    HomeError,
    ReplayError,
    Trace,
    TraceError,
    replay,
)
from pysnmalloc.replay.chunkmap import draw
from pysnmalloc.replay.player import Session
from pysnmalloc.replay.sampling import Sampling
from pysnmalloc.replay.threads import Stopped as ReplayStopped
from pysnmalloc.replay.threads import plan
from pysnmalloc.replay.traces.foreign import PACKED
from pysnmalloc.replay.traces.formats import parse_trace
from pysnmalloc.replay.traces.shipped import PROGRAMS
from pysnmalloc.replay.traces.trace import Builder, Kind
from pysnmalloc.step import ScriptError, look_at, record_script, step
from tests.recordings import drive

__all__ = ["NOTE", "errors", "live", "records"]

DATA = Path(__file__).parent / "data"
NOTE = "a note that must survive"
E = TypeVar("E", bound=BaseException)

# Errors, by calls that raise them.


def raised(kind: type[E], call: Callable[[], object]) -> E:
    """The error that a call raises, with a note."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    caught.value.add_note(NOTE)
    return caught.value


def noted(error: E) -> E:
    """An error that has a note."""
    error.add_note(NOTE)
    return error


def leak() -> None:
    with sn.Heap(sn.CLASSROOM, checked=True) as heap:
        heap.malloc(100)
        heap.malloc(20)


def free_twice() -> None:
    heap = sn.Heap(sn.CLASSROOM, checked=True)
    p = heap.malloc(100)
    heap.free(p)
    heap.free(p)


def write_after_free() -> None:
    heap = sn.Heap(sn.CLASSROOM, checked=True)
    p, kept = heap.malloc(100), heap.malloc(100)
    view = heap.view(p)
    heap.free(p)
    view[50] = 1
    heap.check()
    heap.free(kept)


def use_by_two_threads() -> None:
    heap = sn.Heap(sn.CLASSROOM, checked=True)
    allocator = heap.acquire()
    allocator._alone("malloc(1)", allocator.malloc, 7)  # type: ignore[attr-defined]


def use_after_a_cut() -> None:
    allocator = sn.Heap(sn.CLASSROOM).acquire()
    with suppress(TimeoutError):
        allocator.section.run("malloc", None, time_is_over)
    allocator.malloc(7)


def time_is_over() -> None:
    raise TimeoutError


def use_from_inside() -> None:
    allocator = sn.Heap(sn.CLASSROOM).acquire()
    allocator.section.run("malloc", None, allocator.malloc, 7)


def use_after_close() -> None:
    heap = sn.Heap(sn.CLASSROOM)
    heap.close()
    heap.check()


def exhaust() -> None:
    with sn.Heap(sn.CLASSROOM, reserve=1 << 20) as heap:
        heap.malloc(1 << 20)


def free_nothing() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        heap.view(64)


def break_law() -> None:
    heap = sn.Heap(sn.CLASSROOM)
    heap.memory.u64[8] += 8
    heap.check()


def script(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.py"
        path.write_text(text)
        record_script(path)


SCRIPT = """
import pysnmalloc as sn
heap = sn.Heap(sn.CLASSROOM)
heap.malloc(100)
raise ValueError("no")
"""
DAMAGED = """# threads 1
m 0 64 0
m 0 64 1
f 0 0
f 0 1
"""


def damaged(damage: Callable[[sn.Heap, sn.Allocator], object]) -> None:
    """Replay a trace on a heap whose allocators are damaged first."""
    acquire = sn.Heap.acquire

    def broken(self: sn.Heap, number: int | None = None) -> sn.Allocator:
        allocator = acquire(self, number)
        damage(self, allocator)
        return allocator

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sn.Heap, "acquire", broken)
        replay(trace(DAMAGED))


def trace(text: str) -> Trace:
    """The trace of a text."""
    return parse_trace(text.encode(), "small.trace")


def misaligned(_: sn.Heap, allocator: sn.Allocator) -> None:
    malloc = allocator.malloc
    allocator.malloc = lambda size: malloc(size) + 8


def overwriting(heap: sn.Heap, allocator: sn.Allocator) -> None:
    free = allocator.free
    allocator.free = lambda p: (free(p), heap.memory.u8.__setitem__(p + 64 + 7, 0xAA))[0]


def losing(_: sn.Heap, allocator: sn.Allocator) -> None:
    allocator.free = lambda _: None


def errors() -> Iterator[BaseException]:
    """The public errors, as they are raised."""
    yield noted(sn.SnmallocError("any error"))  # only its subclasses are raised
    yield raised(sn.ConfigError, lambda: sn.CLASSROOM.replace(slab_bits=99))
    yield raised(sn.PartError, lambda: load_parts(["freelist"]))
    yield raised(sn.HeapExhausted, exhaust)
    yield raised(sn.SpaceRefused, lambda: sn.Heap(sn.CLASSROOM, reserve=1 << 60))
    yield raised(sn.HeapClosed, use_after_close)
    yield raised(sn.InvalidPointer, free_nothing)
    yield raised(sn.DoubleFree, free_twice)
    yield raised(sn.WrongThread, use_by_two_threads)
    yield raised(sn.CutOff, use_after_a_cut)
    yield raised(sn.Reentered, use_from_inside)
    yield raised(sn.WriteAfterFree, write_after_free)
    yield raised(sn.LeakError, leak)
    yield raised(sn.RecordingError, lambda: list(sn.Recording().lines()))
    yield raised(sn.LawBroken, break_law)
    yield raised(ScriptError, lambda: script(SCRIPT))
    yield raised(TraceError, lambda: trace("# threads 1\nm 0\n"))
    yield noted(ReplayError("small.trace", 3, "any error"))  # only its subclasses are raised
    yield raised(CallError, lambda: replay(trace("# threads 1\nm 0 3000000 0\n"), config=sn.CLASSROOM, reserve=1 << 20))
    yield raised(AddressError, lambda: damaged(misaligned))
    yield raised(ContentsError, lambda: damaged(overwriting))
    yield raised(HomeError, lambda: damaged(losing))
    yield raised(ScheduleError, lambda: Schedule.parse("A B*"))
    yield raised(NotTheSame, lambda: dataclasses.replace(job(), checksum="another").made_ready())
    yield raised(NewCell, lambda: Cells().want(64))
    yield raised(NotANumber, lambda: parse_answer("a dozen"))
    yield raised(UnknownScenario, lambda: load("queu"))
    yield from map(noted, (Wrong("lost message", "2 was sent"), TooLong(500), Absent("no mmap"), Open()))
    yield from map(noted, (TurnStopped(), ReplayStopped(), Reached(), WrongUse("a use"), Endless("a loop")))
    yield noted(NotRepeatable("A", "x = 1 (mine.py:3)", "a store", "a load"))  # explore makes a finding of it
    yield raised(ScenarioError, lambda: explore(Unset()))
    yield from map(noted, (Failed("fails"), Spent("takes more than 5 steps"), NoThreads(), NoAnswer("is late")))
    yield raised(Unreadable, lambda: unpack("{"))
    yield raised(UnknownMilestone, lambda: milestone("elephant"))
    yield raised(NoFolder, lambda: find(Path(tempfile.gettempdir()) / "no such folder"))


# Records.


def records() -> Iterator[object]:
    """Public records, and things that contain them."""
    yield from heaps()
    yield from explored()
    yield from others()


def job() -> Job:
    """An exploration in parts, with its cells known."""
    return Job.of(exploration(SCENARIOS["lost-update"]), SCENARIOS["lost-update"], 100)


def exploration(scenario: Scenario) -> Exploration:
    """An exploration that knows its cells, since all was explored before."""
    made = Exploration(scenario, "rc11", {}, 500)
    while True:
        made.prepare()
        try:
            for _ in search([made.empty()], lambda _: None):
                pass
            return made
        except NewCell:
            continue


def explored() -> Iterator[object]:
    """Records of the explorer."""
    scenario = SCENARIOS["lost-update"]
    result = explore(scenario, "sc")
    (finding, *_) = result.findings
    yield (result, run_on_threads(scenario, finding.schedule), Schedule.parse("A B=A1 B^0"), SEEDED, LITMUS)
    yield (list(rows(finding.before, finding.steps)), Story.of(finding), [notes(each) for each in finding.steps])
    yield (weaken_each(SCENARIOS["queue-eager"], patience=5), Report.of(result, 80, "lost-update"))
    graph = exploration(SCENARIOS["queue"]).empty()
    yield list(play(Schedule.parse("A A B"), graph, ("A", "B", "C")))
    seed = Seed.of(graph)
    parts = job()
    yield (parts, seed, search_part(parts, (Seed.of(exploration(scenario).empty()),), 3, None))


def heaps() -> Iterator[object]:
    """Records of heaps: configuration, statistics, laws, recordings, pictures, steps."""
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, decommit=sn.Decommit.SLAB, record=recording) as heap:
        work(heap)
        a, b = heap.allocators[:2]
        small, medium = a.malloc(100), a.malloc(3000)
        yield (heap.config, heap.layout, heap.statistics(), heap.chunk_map(), heap.parts, LAWS, sn.AtomicCounts())
        yield (draw(heap.chunk_map(), [1, 2]), a.metaslab.fields(a.metaslab.slab_of(small)))
        picture = heap.picture
        yield (picture.map(), picture.pagemap(), picture.superslab(small), picture.slab(small), picture.medium(medium))
        yield (picture.queue(a), picture.buckets(b), picture.bytes(small & -heap.config.chunk_size))
    yield (recording.origin, recording.events, recording.events[0].code, look_at(recording, 50))
    yield step(recording, last=5)
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, decommit=sn.Decommit.LAZY, record=recording) as heap:
        heap.free(heap.calloc(1, 9000))
        heap.free(heap.malloc(3000))
        heap.notify_low_memory()
        heap.malloc(100_000)
    yield recording.events


def work(heap: sn.Heap) -> None:
    """Make calls that cause events of nearly every kind."""
    drive(heap)
    held = {each.number: each for each in heap.allocators}
    # By their lowest digit in base 4, 2 and 6 share a bucket of 1, and 5 and 9 are in its home bucket.
    owners = [held[2], held[5], heap.acquire(6), heap.acquire(9)]
    for owner in owners:
        for _ in range(3):
            held[1].free(owner.malloc(200))
    for allocator in (held[1], *owners, *owners):
        allocator.post()
        allocator.free(allocator.malloc(200))


def beginning(name: str) -> Trace:
    """The first calls of a recorded trace. All of them would be copied thousands of times."""
    lines = gzip.decompress((DATA / name).read_bytes()).splitlines(keepends=True)
    return parse_trace(b"".join(lines[:500]), name)


def others() -> Iterator[object]:
    """Records of replays, quizzes and lessons."""
    recorded = beginning("16mib-four-cross.trace.gz")
    yield (recorded, replay(recorded), Demand.of(recorded, sn.PAPER), plan(recorded, 100))
    yield (PROGRAMS, PACKED, Sampling(1 << 16))
    builder = Builder("small.trace")
    builder.allocate(Kind.MALLOC, 2, 0, "a", 100)
    yield (builder, make("fork", lambda _: "works", lambda: True))
    asked = [next(questions(name, 1)) for name in TOPICS]
    yield ([judge(question, "12") for question in asked], session(asked, lambda _: "12", lambda _: None))
    with SlabBench.prepared(Dice("freelist", 1, 1), room=4) as slab:
        yield (slab.state(), slab.malloc())
    queue, superslab = QueueBench(48), SuperslabBench()
    superslab.malloc(100)
    yield (queue.state(), queue.malloc(), superslab.state(), superslab.steps)
    with sn.Heap(sn.CLASSROOM) as heap:
        yield Net(heap, 1, [2, 3, 6]).post(1)
    yield (predict("How many?", {"1": "yes", "2": "no"}, right=1), Verdict("0.1", State.RIGHT, "It is."))
    yield (TUTORIALS, progress(), Underway("0.1", 2.0), Fitting("a number", shown))
    yield from call(len, "length", [1, 2], wanted=3)
    with tempfile.TemporaryDirectory() as folder:
        yield (LABS, LIMITS, start(Path(folder)))


# What lives in its process.


class Unset(Scenario):
    """Its memory cannot be set up."""

    name = "unset"

    def setup(self, place: Place) -> None:
        """Ask for what is not there."""
        raise LookupError(f"there are {len(place.memory.u64):,} words, and none is meant")

    def threads(self) -> dict[str, Callable[[Place], None]]:
        """One thread that does nothing."""
        return {"A": lambda _: None}


class Racy(Scenario):
    """Two threads write a word, with nothing between them."""

    name = "racy"

    def threads(self) -> dict[str, Callable[[Place], None]]:
        """Both do the same."""
        return {"A": self.write, "B": self.write}

    def write(self, place: Place) -> None:
        """A plain store."""
        place.memory.u64[8] = 1


def live() -> Iterator[object]:
    """Live things, and records that hold one."""
    heap = sn.Heap(sn.CLASSROOM)
    heap.free(heap.malloc(100))
    yield (heap, heap.memory, heap.memory.space, heap.shared, heap.shared.commitment, heap.picture)
    yield Session(beginning("16mib-one-small.trace.gz"), heap, verify=True, compare=False)
    for scenario, schedule in (
        (Racy(), ""),
        (SCENARIOS["too-early"], "A B*2"),
        (SCENARIOS["figure-3d"], "A*2 B*4 C*2"),
    ):
        told = tell(scenario, schedule)
        assert told.broken is not None
        yield (told, told.broken, Broken(told.graph, 0))
    graph = exploration(SCENARIOS["queue"]).empty()
    yield (graph, Branch(graph, 0))

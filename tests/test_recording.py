"""Events and recordings: complete, true, the same in files, and of no cost to heaps that do not record."""

from __future__ import annotations

import inspect
import json
import threading
import warnings
from collections import defaultdict
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import pysnmalloc as sn
from pysnmalloc.hotpath.allocator import FastAllocator
from pysnmalloc.recording import events as ev
from pysnmalloc.recording.chrome import chrome_trace, save_chrome_trace
from pysnmalloc.recording.events import EVENTS, Event
from pysnmalloc.recording.events.lines import dump_event, parse_event
from pysnmalloc.recording.recorder import RecordingAllocator
from tests.patterns import settle
from tests.recordings import RESERVE, Reader, apply, drive, first_bytes, rebuilt, recorded, vars_of
from tests.test_layers import HOUSE, ORDER

PACKAGE = Path(sn.__file__).parent


# The same heap.


@pytest.mark.parametrize("config", [sn.CLASSROOM, sn.PAPER_1MIB], ids=lambda config: config.name)
@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
def test_a_recording_heap_has_the_same_addresses_and_bytes(config: sn.Config, fast: bool) -> None:
    reserve = RESERVE if config is sn.CLASSROOM else 1 << 28
    with (
        sn.Heap(config, record=sn.Recording(), reserve=reserve) as told,
        sn.Heap(config, fast=fast, reserve=reserve) as plain,
    ):
        assert drive(told) == drive(plain)
        end = told.memory.u64[8]
        assert told.memory.u8[:end] == plain.memory.u8[:end]
        told.check()
        assert told.statistics().sizeclasses == plain.statistics().sizeclasses
        assert told.committed == plain.committed


def test_the_stores_of_the_events_make_the_heaps_bytes() -> None:
    heap, recording = recorded(2000)
    assert rebuilt(recording) == bytes(heap.memory.u8)
    heap.close()


@pytest.mark.parametrize("decommit", sn.Decommit, ids=lambda each: each.value)
def test_the_stores_are_all_by_every_way_to_decommit(decommit: sn.Decommit) -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording, reserve=RESERVE, decommit=decommit) as heap:
        addresses = drive(heap, 400)
        heap.notify_low_memory()
        heap.own().calloc(9, 9)
        heap.own().calloc(3, 9000)
        assert len(addresses) > 100
        data = rebuilt(recording)
        data[128:136] = bytes(heap.memory.u8[128:136])  # the notice is the heap's, not an allocator's
        assert data == bytes(heap.memory.u8)


# What events say.


def everything() -> sn.Recording:
    """A recording with every kind of event."""
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording, reserve=RESERVE, decommit=sn.Decommit.LAZY) as heap:
        drive(heap, 800)
        alice = heap.acquire(9)
        full = [alice.malloc(500) for _ in range(2)]
        alice.free(full[0])  # a full slab gets its first object back
        alice.calloc(4, 4)
        settle(heap, heap.allocators)
        alice.free(alice.malloc(8192))
        heap.notify_low_memory()
        alice.malloc(20000)
    return recording


def test_every_kind_of_event_occurs_and_says_something() -> None:
    recording = everything()
    assert set(recording.counts()) == set(EVENTS)
    for event in recording:
        words = event.in_words()
        assert len(words.split()) > 1
        assert words.endswith(".")
        assert event.section.startswith("§2")


def test_before_and_after_are_what_the_bytes_say() -> None:
    """Follow the bytes event by event, and read the metadata word, header or queue that each names."""
    data, config = first_bytes(sn.CLASSROOM, RESERVE), sn.CLASSROOM
    seen = set[str]()
    for event in recorded(1500)[1]:
        reader = Reader(data, config)
        before = told_by(reader, event)
        apply(data, event)
        after = told_by(reader, event)
        for name, value in after.items():
            change = vars_of(event)[name]
            assert isinstance(change, ev.Change)
            assert change.after == value, (event, name)
            # `used` of a bump or pop is stored before the object's event, with it.
            assert change.before == before[name], (event, name)
            seen.add(f"{event.kind}.{name}")
    assert {"ObjectBumped.head", "ObjectPopped.used", "ObjectPushed.head", "SlabReopened.link"} <= seen
    assert {"SlabTaken.used", "SlabReturned.head", "MediumTaken.free", "MediumReturned.head"} <= seen
    assert {"Exchanged.back", "Linked.next", "Dequeued.front", "RemoteFreed.cached", "BumpMoved.bump"} <= seen


def told_by(reader: Reader, event: Event) -> dict[str, int]:
    """The values that an event's changes are about, read by hand."""
    bits = reader.config.allocator_bits
    match event:
        case ev.ObjectBumped() | ev.ObjectPopped() | ev.ObjectPushed():
            used, head, *_ = reader.metadata(event.slab)
            return {"used": used, "head": head}
        case ev.SlabReopened():
            used, head, link, *_ = reader.metadata(event.slab)
            return {"used": used, "head": head, "link": link}
        case ev.SlabVacated():
            return {"used": reader.metadata(event.slab)[0]}
        case ev.SlabTaken() | ev.SlabReturned():
            return {"head": reader.word(event.superslab + 80, 1), "used": reader.word(event.superslab + 82, 2)}
        case ev.MediumTaken() | ev.MediumReturned():
            return {"free": reader.word(event.slab + 80, 2), "head": reader.word(event.slab + 82, 1)}
        case ev.BumpMoved():
            return {"bump": reader.word(64)}
        case ev.Exchanged():
            return {"back": reader.word(event.queue << bits)}
        case ev.Linked():
            return {"next": reader.word(event.message)}
        case ev.Dequeued():
            return {"front": reader.word((event.at.allocator << bits) + 128)}
        case ev.RemoteFreed():
            return {"cached": reader.word((event.at.allocator << bits) + 136)}
        case _:
            return {}


def test_an_events_line_of_code_is_in_the_function_it_names() -> None:
    for kind in EVENTS.values():
        module, function, line = kind.code
        found: object = import_module(f"pysnmalloc.{module}")
        for part in function.split("."):
            found = getattr(found, part)
        assert callable(found)
        assert line in " ".join(inspect.getsource(found).split()), kind


def test_counters_agree_with_the_heaps_statistics() -> None:
    heap, recording = recorded()
    statistics, counts = heap.statistics(), recording.counts()
    assert counts["RemoteFreed"] - counts["Forwarded"] == statistics.sent
    assert counts["CameHome"] == statistics.received
    assert counts["Forwarded"] == statistics.forwarded
    assert counts["PostBegan"] == counts["Posted"] == statistics.posts
    assert counts["Exchanged"] == counts["ListSent"] == counts["Linked"] == statistics.batches
    assert counts["Exchanged"] == statistics.atomics.exchanges
    assert counts["SuperslabMade"] + counts["MediumslabMade"] > statistics.superslabs
    heap.close()


def test_calls_are_told_from_outside_only_and_with_their_errors() -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        allocator = heap.acquire()
        p = allocator.realloc(allocator.malloc(16), 200)
        with pytest.raises(ValueError, match="0 or more"):
            allocator.malloc(-1)
    called = [event for event in recording if isinstance(event, ev.Called)]
    returned = [event for event in recording if isinstance(event, ev.Returned)]
    assert [event.call for event in called] == ["malloc", "realloc", "malloc"]
    assert [event.at.call for event in called] == [event.at.call for event in returned] == [1, 2, 3]
    assert returned[1].result == p
    assert returned[2].error.startswith("ValueError: malloc(-1)")
    assert called[1].text == f"realloc({returned[0].result:#x}, 200)"
    assert called[0].caller == (
        "test_calls_are_told_from_outside_only_and_with_their_errors: p = allocator.realloc(allocator.malloc(16), 200)"
    )


def test_threads_are_told_apart_and_exchanges_are_in_order() -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        receiver = heap.acquire(1)
        objects = [receiver.malloc(16) for _ in range(300)]

        def send(start: int) -> None:
            with heap.allocator() as allocator:
                for address in objects[start::3]:
                    allocator.free(address)

        threads = [threading.Thread(target=send, args=(start,)) for start in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        settle(heap, [receiver])
        assert rebuilt_equals(recording, heap)
    assert {event.at.thread for event in recording} == {1, 2, 3, 4}
    assert [event.at.tick for event in recording] == list(range(1, len(recording) + 1))
    backs = defaultdict[int, list[ev.Change]](list)
    for event in recording:
        if isinstance(event, ev.Exchanged):
            backs[event.queue].append(event.back)
    assert len(backs[1]) >= 3
    for changes in backs.values():
        assert all(a.after == b.before for a, b in pairwise(changes))


def rebuilt_equals(recording: sn.Recording, heap: sn.Heap) -> bool:
    """Whether the stores of several threads, in the order of the recording, make the bytes."""
    data = bytearray(1 << 20)
    data[64:72] = heap.layout.first_chunk.to_bytes(8, "little")
    for event in recording:
        for address, width, _, after in event.writes:
            data[address : address + width] = after.to_bytes(width, "little")
    return bytes(data) == bytes(heap.memory.u8[: 1 << 20])


# Filters.


def test_filters() -> None:
    heap, recording = recorded(300)
    heap.close()
    assert recording.select() == tuple(recording)
    assert recording.select(ev.ObjectPushed) == tuple(e for e in recording if type(e) is ev.ObjectPushed)
    assert {e.at.allocator for e in recording.select(allocator=2)} == {2}
    assert recording.select(thread=2) == ()
    assert [e.kind for e in recording.select(call=1)][:1] == ["Called"]
    pushed = next(e for e in recording if isinstance(e, ev.ObjectPushed))
    touching = recording.select(touching=pushed.object)
    assert pushed in touching
    assert len(touching) < len(recording) / 4
    area = range(pushed.slab, pushed.slab + 1024)
    inside = {e.at.tick for e in recording if any(w.address in area for w in e.writes)}
    assert inside <= {e.at.tick for e in recording.select(touching=area)}


# Files.


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    recording = everything()
    recording.save(tmp_path / "all.jsonl")
    loaded = sn.Recording.load(tmp_path / "all.jsonl")
    assert loaded.events == recording.events
    assert loaded.origin == recording.origin
    assert loaded.tick == recording.tick
    first = next(event for event in loaded if isinstance(event, ev.ObjectPushed))
    assert isinstance(first.at, ev.Stamp)
    assert isinstance(first.head, ev.Change)
    assert isinstance(first.writes[0], ev.Write)
    lines = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(recording) + 1
    assert json.loads(lines[0])["config"]["name"] == "classroom"


GOOD = list(recorded(20)[1].lines())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty"),
        (["{}"], "line 1: the first line does not say"),
        (["nonsense"], "line 1: Expecting value"),
        ([GOOD[0].replace('"version": 1', '"version": 9')], "version 1"),
        ([GOOD[0].replace('"slab_bits": 10', '"slab_bits": 40')], "line 1: .*slab_bits is 40"),
        ([GOOD[0], "[1]"], "line 2: this line is not a JSON object"),
        ([GOOD[0], GOOD[1].replace("AllocatorMade", "Nothing")], "line 2: there is no event named “Nothing”"),
        ([GOOD[0], GOOD[1].replace('"address"', '"place"')], "AllocatorMade has the fields at, writes, address"),
        ([GOOD[0], GOOD[1].replace('"address": 2048', '"address": "x"')], "address is 'x', which is not of type int"),
        ([GOOD[0], GOOD[1].replace('"at": [1, ', '"at": [')], "at is .* not a Stamp"),
        ([GOOD[0], GOOD[1].replace('"writes": [', '"writes": [1, ')], "writes is 1, which is not a list"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(sn.RecordingError, match=message):
        sn.Recording.parse(lines)


def test_an_event_is_what_json_has() -> None:
    for event in everything():
        assert parse_event(json.loads(json.dumps(dump_event(event)))) == event


# Recordings.


def test_a_limit_keeps_the_first_and_counts_the_rest() -> None:
    recording = sn.Recording(limit=10)
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        for _ in range(20):
            heap.malloc(16)
    assert len(recording) == 10
    assert recording.dropped == 19 * 3 + 4 - 3
    assert [event.at.tick for event in recording] == list(range(1, 11))


def test_one_that_was_off_has_a_gap_and_is_not_saved(tmp_path: Path) -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        heap.malloc(16)
        recording.on = False
        heap.malloc(16)
        recording.on = True
        heap.malloc(16)
    assert recording.counts()["ObjectBumped"] == 2
    with pytest.raises(sn.RecordingError, match="has a gap"):
        recording.save(tmp_path / "x.jsonl")


def test_an_empty_one_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(sn.RecordingError, match="nothing was recorded"):
        sn.Recording().save(tmp_path / "x.jsonl")


def test_a_recording_is_of_one_heap() -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as one, sn.Heap(sn.CLASSROOM, record=recording) as two:
        one.malloc(16)
        with pytest.raises(sn.RecordingError, match="another heap"):
            two.malloc(16)


def test_a_heap_is_checked_or_recorded() -> None:
    with pytest.raises(sn.ConfigError, match="not both"):
        sn.Heap(sn.CLASSROOM, checked=True, record=sn.Recording())


def test_recorded_takes_every_heap_made_inside() -> None:
    with sn.recorded() as outer:
        with sn.recorded(limit=1) as inner, sn.Heap(sn.CLASSROOM) as heap:
            heap.malloc(16)
        with sn.Heap(sn.CLASSROOM, checked=True) as checked:
            checked.free(checked.malloc(16))
        with sn.Heap(sn.CLASSROOM) as other:
            other.malloc(16)
    with sn.Heap(sn.CLASSROOM) as after:
        assert after.recording is None
    assert [len(each) for each in inner] == [1]
    assert outer == [other.recording]


def test_a_forked_child_can_go_on() -> None:
    os = pytest.importorskip("os")
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap, recording.lock:
        p = heap.malloc(16)
        with warnings.catch_warnings():
            # From 3.12 on: the runner of the tests may have other threads. The child needs no lock of theirs.
            warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                heap.free(p)
                os._exit(0 if recording.counts()["SlabVacated"] == 1 else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert recording.counts()["SlabVacated"] == 0


# No cost where nothing is recorded.


def test_no_concept_and_no_module_of_the_hot_path_knows_of_events() -> None:
    before = [name for name in ORDER[: ORDER.index("recording")] if name != "errors"]
    assert {"hotpath", "parts", "allocator", "freelist", "remotecache"} <= set(before)
    arrows = [arrow for arrow in HOUSE.arrows if arrow.start and arrow.start[0] in before]
    assert len(arrows) > 50
    assert [arrow for arrow in arrows if arrow.end[:1] == ("recording",)] == []


def test_recording_changes_no_class_and_no_code_of_the_fast_path() -> None:
    """The same function objects, the same code, and the same kind of allocator, before a recording heap and after."""
    names = ("allocator", "freelist", "slab", "large", "slablist", "remotecache", "messagequeue", "memory")
    modules = [import_module(f"pysnmalloc.{name}") for name in (*names, "hotpath.allocator")]

    def everything_in() -> dict[str, object]:
        return {
            f"{module.__name__}.{name}.{key}": value
            for module in modules
            for name, kind in vars(module).items()
            if isinstance(kind, type)
            for key, value in vars(kind).items()
        }

    def code() -> tuple[object, ...]:
        with sn.Heap(sn.CLASSROOM) as heap:
            allocator = heap.acquire()
            assert type(allocator) is FastAllocator
            return allocator.malloc.__code__, allocator.free.__code__

    before = everything_in(), code()
    heap, _ = recorded(300)
    assert all(isinstance(each, RecordingAllocator) for each in heap.allocators)
    heap.close()
    assert (everything_in(), code()) == before


# Chrome's format.


def test_the_chrome_trace_has_tracks_slices_and_flows(tmp_path: Path) -> None:
    heap, recording = recorded()
    heap.close()
    save_chrome_trace(recording, tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}
    entries = trace["traceEvents"]
    for entry in entries:
        assert entry["ph"] in "MXstf"
        assert isinstance(entry["pid"], int)
        assert isinstance(entry["name"], str)
        if entry["ph"] != "M":
            assert isinstance(entry["tid"], int)
            assert isinstance(entry["ts"], int)
        if entry["ph"] == "X":
            assert entry["dur"] >= 1
        if entry["ph"] in "stf":
            assert isinstance(entry["id"], int)
    names = {(e["pid"], e.get("tid")): e["args"]["name"] for e in entries if e["ph"] == "M"}
    assert names == {(1, None): "thread 1"} | {(1, n): f"allocator {n}" for n in (1, 2, 5)}
    calls = [entry for entry in entries if entry["ph"] == "X" and entry["cat"] == "call"]
    assert len(calls) == recording.counts()["Called"]


def test_slices_nest_and_flows_run_from_post_to_home() -> None:
    heap, recording = recorded(900)
    heap.close()
    entries = chrome_trace(recording)["traceEvents"]
    assert isinstance(entries, list)
    slices = sorted((e["tid"], e["ts"], -e["dur"]) for e in entries if e["ph"] == "X")
    ends = defaultdict[int, list[int]](list)
    for track, start, length in slices:
        open_ends = ends[track]
        while open_ends and open_ends[-1] <= start:
            open_ends.pop()
        assert not open_ends or start - length <= open_ends[-1], "a slice ends behind the one around it"
        open_ends.append(start - length)
    inside = {(e["tid"], tick) for e in entries if e["ph"] == "X" for tick in range(e["ts"], e["ts"] + e["dur"])}
    flows = defaultdict[int, list[dict[str, object]]](list)
    for entry in entries:
        if entry["ph"] in "stf":
            assert (entry["tid"], entry["ts"]) in inside, "a flow has no slice to hold on to"
            flows[entry["id"]].append(entry)
    phases = ["".join(str(point["ph"]) for point in flow) for flow in flows.values()]
    assert all(each[0] == "s" and "s" not in each[1:] and "f" not in each[:-1] for each in phases)
    assert sum(each[-1] == "f" for each in phases) == recording.counts()["CameHome"]
    assert max(map(len, phases)) > 3, "some message is forwarded"
    assert all(flow[0]["tid"] != flow[-1]["tid"] for flow in flows.values() if flow[-1]["ph"] == "f")

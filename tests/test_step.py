"""Replicas, films, steppers, scripts, looks, and the paper's figures, against readings of the bytes by hand."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import pysnmalloc as sn
from pysnmalloc.explore import explore
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.recording import events as ev
from pysnmalloc.step import (
    Film,
    Frame,
    Replica,
    ScriptError,
    Stepper,
    figure,
    look,
    look_at,
    page,
    record_script,
    step,
    step_finding,
)
from tests.recordings import RESERVE, Reader, apply, first_bytes, recorded

SVG = "{http://www.w3.org/2000/svg}"


def facts(picture: str) -> dict[str, str]:
    """What an SVG's elements say."""
    elements = ElementTree.fromstring(picture).iter()
    return {e.attrib["data-fact"]: e.attrib["data-value"] for e in elements if "data-fact" in e.attrib}


def marked(picture: str) -> set[str]:
    """Names of the facts that are marked as changed."""
    return {e.attrib["data-fact"] for e in ElementTree.fromstring(picture).iter() if "data-changed" in e.attrib}


# Replicas.


def test_a_replica_has_the_bytes_after_every_event() -> None:
    heap, recording = recorded(250)
    data = first_bytes(sn.CLASSROOM, RESERVE)
    loaded = sn.Recording.parse(recording.lines())
    replica = Replica(loaded)
    for event in loaded:
        apply(data, event)
        replica.apply(event)
        if isinstance(event, ev.Returned):
            replica.heap.check()
            assert data == replica.heap.memory.u8
    assert replica.heap.memory.u8 == heap.memory.u8
    assert {a.number for a in replica.heap.allocators} == {a.number for a in heap.allocators}
    replica.close()
    heap.close()


def test_a_replica_needs_a_whole_recording() -> None:
    with pytest.raises(sn.RecordingError, match="nothing was recorded"):
        Replica(sn.Recording())
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        recording.on = False
        heap.malloc(16)
    with pytest.raises(sn.RecordingError, match="gap"):
        Replica(recording)


# Films.


def test_every_frame_shows_the_bytes_as_they_were() -> None:
    """Each slab, bucket and queue of a film is read back and compared with the bytes after its event."""
    heap, recording = recorded(120, seed=5)
    heap.close()
    frames = step(recording, most=10_000).frames
    assert len(frames) == len(recording)
    data, compared = first_bytes(sn.CLASSROOM, RESERVE), dict[str, int]()
    for event, frame in zip(recording, frames, strict=True):
        apply(data, event)
        reader = Reader(data, sn.CLASSROOM)
        assert frame.words == event.in_words()
        assert frame.section == event.section
        for picture in frame.pictures:
            title = ElementTree.fromstring(picture).attrib["aria-label"]
            found = facts(picture)
            kind = title.split()[0]
            compared[kind] = compared.get(kind, 0) + 1
            if re.match(r"(Short slab|Slab \d)", title) and "not in use" not in title:
                slab = int(re.findall(r"0x[0-9a-f]+", title)[0], 16)
                states = {f"object {address:#x}": state for address, state in reader.states(slab).items()}
                assert {name: value for name, value in found.items() if name.startswith("object")} == states
            elif kind == "Remote":
                number = int(re.findall(r"\d+", title)[0])
                for index in range(4):
                    messages = [f"{m:#x} for {reader.target(m)}" for m in reader.bucket(number, index)]
                    assert found[f"bucket {index}"] == (", ".join(messages) or "empty")
            elif kind == "Queue":
                block = int(re.findall(r"\d+", title)[0]) << 11
                assert found["front"] == f"{reader.word(block + 128):#x}"
                seen = [name for name, value in found.items() if name.startswith("message") and "cut off" not in value]
                chain = reader.chain(reader.word(block + 128))
                assert seen == [f"message {message:#x}" for message in chain][: len(seen)]
    assert all(compared[kind] > 5 for kind in ("Short", "Slab", "Remote", "Queue", "Heap", "Page", "Superslab"))


def test_what_changed_is_what_an_events_stores_changed() -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        allocator = heap.acquire()
        p, _ = allocator.malloc(16), allocator.malloc(16)
        allocator.free(p)
    frames = step(recording).frames
    pushed = next(frame for frame in frames if frame.title == "Object pushed")
    assert marked(pushed.pictures[0]) == {"used", "head", f"object {p:#x}"}
    assert [line.split(":")[0] for line in pushed.changes] == ["used", "head", f"object {p:#x}"]
    assert pushed.source == "freelist: FreeList.put: u16[word + HEAD >> 1] = freed - slab"
    assert pushed.caller.endswith("allocator.free(p)")
    linked = next(frame for frame in frames if frame.title == "Slab linked")
    rows = [name for picture in linked.pictures[1:] for name in marked(picture) if not name.startswith("bytes")]
    assert {name.split(" at ")[0] for name in rows} == {"list of class 0", "node: prev", "node: next"}
    bumped = [frame for frame in frames if frame.title == "Object bumped"]
    assert marked(bumped[1].pictures[0]) >= {"used", "head"}


def test_a_stretch_by_ticks_by_calls_and_not_too_much() -> None:
    heap, recording = recorded(50)
    heap.close()
    assert recording.tick == len(recording)
    assert [frame.words for frame in step(recording, first=10, last=14).frames] == [
        event.in_words() for event in recording.events[9:14]
    ]
    calls = step(recording, by="call")
    assert len(calls.frames) == recording.counts()["Returned"]
    some = step(recording, most=7)
    assert len(some.frames) == 7
    assert some.note == f"{len(recording) - 7:,} more steps are not shown."
    with pytest.raises(ValueError, match=r"by=.*“event” or “call”"):
        step(recording, by="minute")
    with pytest.raises(ValueError, match="needs a frame"):
        step(recording, first=10**6)
    with pytest.raises(sn.RecordingError, match="stage"):
        Film(recording.events).frames()


# Steppers.


class Tags(HTMLParser):
    """Every tag and every text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == [], "a tag is not closed"

    def handle_starttag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ("input", "meta"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def test_a_stepper_is_one_piece_that_asks_for_nothing() -> None:
    stepper = figure(1)
    for html in (stepper.html(), stepper.page()):
        tags = Tags(html)
        ids = tags.ids()
        assert ids == ["figure-1", *(f"figure-1-{n}" for n in range(1, len(stepper.frames) + 1))]
        assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in tags.tags}
        assert all("src" not in attributes for _, attributes in tags.tags)
        assert all((attributes.get("href") or "#").startswith("#") for _, attributes in tags.tags)
        assert sum(tag == "script" for tag, _ in tags.tags) == 1
        assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
        assert re.search(r"url\(|@import|fetch|XMLHttp|import\(", html) is None
    assert stepper._repr_html_() == stepper.html()


def test_a_stepper_without_html_tells_its_steps_and_no_pictures() -> None:
    stepper = figure(3)
    text = repr(stepper)
    assert "<" not in text
    assert len(text.splitlines()) == 1 + len(stepper.frames)
    assert [line.split()[0] for line in text.splitlines()[1:]] == [str(n + 1) for n in range(len(stepper.frames))]
    long = repr(Stepper([Frame("one", "Words\nof it.")] * 50, title="x"))
    assert long.startswith("x: 50 steps; ")
    assert long.endswith("  20  one: Words of it.\n      ... and 30 more")


def test_words_are_words_and_never_tags() -> None:
    evil = '<script>alert("x")</script> & "quotes"'
    stepper = Stepper([Frame(evil, evil, evil, evil, evil, (), (evil,))], title=evil, note=evil)
    assert sum(tag == "script" for tag, _ in Tags(stepper.page()).tags) == 1
    picture = sn.Heap(sn.CLASSROOM).picture.map().svg(frozenset({evil}))
    assert "<script>" not in picture


def test_names_of_steppers() -> None:
    frames = [Frame("one", "One.")]
    assert Stepper(frames, title="x").id == Stepper(frames, title="x").id != Stepper(frames, title="y").id
    with pytest.raises(ValueError, match="starts with a letter"):
        Stepper(frames, title="x", id="1 2")
    with pytest.raises(ValueError, match="give each its own"):
        page([Stepper(frames, title="x"), Stepper(frames, title="x")], "two")


def test_a_stepper_is_saved_as_a_page(tmp_path: Path) -> None:
    figure(3).save(tmp_path / "three.html")
    text = (tmp_path / "three.html").read_text(encoding="utf-8")
    assert text.startswith('<!doctype html><html lang="en">')
    assert Tags(text.removeprefix("<!doctype html>")).tags[0] == ("html", {"lang": "en"})


# The figures of the paper.


def targets(frame: Frame) -> dict[int, list[int]]:
    """The targets in the buckets of a frame, the empty ones left out."""
    found = facts(frame.pictures[0])
    each = {int(n.split()[1]): re.findall(r"for (\d+)", v) for n, v in found.items() if n.startswith("bucket")}
    return {index: list(map(int, listed)) for index, listed in each.items() if listed}


def test_figure_1() -> None:
    frames = figure(1).frames
    sent = [frame for frame in frames if frame.title == "List sent"]
    assert targets(sent[0]) == {1: [9, 5, 1, 5], 2: [2]}
    assert targets(sent[1]) == {2: [2]}
    assert facts(sent[0].pictures[0])["home"] == "0"
    last = frames[-1]
    assert facts(last.pictures[0])["front"] == facts(last.pictures[0])["back"]
    assert re.findall(r"for (\d)", facts(last.pictures[1])["bucket 1"]) == ["5", "1"]


def test_figure_2() -> None:
    frames = figure(2).frames
    assert [targets(frame) for frame in frames if frame.title == "List sent"] == [
        {1: [5, 1, 5], 3: [7]},
        {0: [1], 1: [5, 5]},
        {1: [5, 5]},
    ]
    homes = [facts(frame.pictures[0])["home"] for frame in frames]
    assert homes == ["1"] * homes.index("2") + ["2"] * homes.count("2") + ["1"]  # by the bits of the round
    assert targets(frames[-1]) == {}


def test_figure_3() -> None:
    frames = [frame for frame in figure(3).frames if frame.title in ("Exchanged", "Linked")]
    cut = [[v.endswith("cut off") for n, v in facts(f.pictures[0]).items() if n.startswith("message")] for f in frames]
    assert cut == [
        [False, *[True] * 3],  # A has exchanged
        [False, *[True] * 6],  # B has exchanged, behind A
        [False, *[True] * 6],  # B has linked, and yet nothing can be reached
        [False] * 7,  # A has linked
    ]
    assert [frame.caller.split(":")[0] for frame in frames] == [
        "allocator 2",
        "allocator 3",
        "allocator 3",
        "allocator 2",
    ]
    lists = [ElementTree.fromstring(frame.pictures[0]) for frame in frames]
    assert [sum(t.text == "cut off" for t in each.iter(f"{SVG}text")) for each in lists] == [1, 2, 1, 0]
    titles = [frame.title for frame in figure(3).frames]
    empty = titles.index("handle_message_queue()")
    assert titles[empty + 1] == "Linked", "the receiver saw nothing before A's link"
    assert titles.count("Came home") == 5
    with pytest.raises(ValueError, match="draws figures 1, 2, 3"):
        figure(4)


# Findings of the explorer.


def test_a_finding_is_stepped_through() -> None:
    result = explore(SCENARIOS["lost-update"], model="sc")
    (finding, *_) = result.findings
    stepper = step_finding(finding, id="lost")
    assert len(stepper.frames) == len(finding.steps) + 2
    for frame, atomic in zip(stepper.frames[1:], finding.steps, strict=False):
        assert frame.title == atomic.thread
        assert atomic.line in frame.source
        assert (f"reads {atomic.read}," in frame.words) == (atomic.read is not None)
    assert (stepper.frames[-1].title, stepper.frames[-1].words) == (finding.kind, finding.detail)
    assert Tags(stepper.html()).ids()[0] == "lost"


# Looks.


def test_a_look_shows_one_call_and_leaves_the_heap_as_it_was() -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording) as heap:
        allocator = heap.acquire()
        p = allocator.malloc(48)
        allocator.malloc(48)
        allocator.free(p)
        before = bytes(heap.memory.u8[: 1 << 20])
        seen = look(heap, recording.select(call=3))
        assert bytes(heap.memory.u8[: 1 << 20]) == before
        heap.check()
    assert seen.title == f"call 3, allocator 1: free({p:#x})"
    subjects = {picture.subject: changed for picture, changed in seen.pictures}
    assert subjects == {"heap map": frozenset(), f"slab {p & ~1023:#x}": frozenset({"used", "head", f"object {p:#x}"})}
    text = seen.text(80)
    assert "2. The object at" in text
    assert "*head=" in text
    assert [frame.title for frame in seen.frames] == [f"free({p:#x})", "Object pushed", "Returned"]
    assert seen.stepper().frames[-1].title == "Afterwards"


def test_a_look_at_a_loaded_recording() -> None:
    heap, recording = recorded(60)
    heap.close()
    loaded = sn.Recording.parse(recording.lines())
    for tick in (1, 40, len(loaded)):
        seen = look_at(loaded, tick)
        assert seen.title.startswith(f"tick {tick} of {len(loaded)}, ")
        assert seen.events[-1].at.tick == tick
        data = first_bytes(sn.CLASSROOM, RESERVE)
        for event in loaded.events[:tick]:
            apply(data, event)
        count = len({name for picture, _ in seen.pictures[:1] for name in picture.facts() if name.startswith("chunk")})
        reader = Reader(data, sn.CLASSROOM)
        assert count == (reader.word(64) - Reader(first_bytes(sn.CLASSROOM, RESERVE), sn.CLASSROOM).word(64)) // 8192
    with pytest.raises(sn.RecordingError, match=rf"no tick 9999; this recording has ticks 1 to {len(loaded)}"):
        look_at(loaded, 9999)


# Scripts.

SCRIPT = """
import sys
import pysnmalloc as sn
with sn.Heap(sn.CLASSROOM) as heap:
    p = heap.malloc(int(sys.argv[1]))
with sn.Heap(sn.CLASSROOM) as unused:
    pass
"""


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "program.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_script_is_recorded_as_a_program_of_its_own(tmp_path: Path) -> None:
    argv, search = sys.argv, sys.path[:]
    (recording,) = record_script(script(tmp_path, SCRIPT), ["100"])
    assert (sys.argv, sys.path) == (argv, search)
    called = next(event for event in recording if isinstance(event, ev.Called))
    assert (called.text, called.caller) == ("malloc(100)", "p = heap.malloc(int(sys.argv[1]))")


@pytest.mark.parametrize(
    ("text", "message", "recordings"),
    [
        (SCRIPT + "raise KeyError('gone')\n", "program.py, line 8, raised KeyError: 'gone'", 2),
        (SCRIPT + "sys.exit(3)\n", "program.py ended with exit code 3", 2),
        ("print(1)\n", "creates no heap that can be recorded", 0),
        ("syntax error\n", "raised SyntaxError", 0),
    ],
)
def test_a_script_that_fails_says_where(tmp_path: Path, text: str, message: str, recordings: int) -> None:
    with pytest.raises(ScriptError, match=re.escape(message)) as caught:
        record_script(script(tmp_path, text), ["100"])
    assert len(caught.value.recordings) == recordings


def test_a_script_may_leave_with_success(tmp_path: Path) -> None:
    assert len(record_script(script(tmp_path, SCRIPT + "sys.exit(0)\n"), ["16"])) == 1

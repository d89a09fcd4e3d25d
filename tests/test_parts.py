"""Another class in the place of a concept: in a heap, a replay, a stepper and the explorer; and who finds a wrong one.

The right replacements raise as soon as an observer asks them to describe themselves, so the
laws, pictures and recordings that pass here were read off the bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pysnmalloc as sn
from pysnmalloc.allocator import PAPER_PARTS, Parts
from pysnmalloc.cli import app
from pysnmalloc.explore import explore
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.scenarios.seeded import SEEDED
from pysnmalloc.hotpath import FastAllocator
from pysnmalloc.parts import load_object, load_part, load_parts
from pysnmalloc.replay import AddressError, read_trace, replay
from pysnmalloc.stack import ChunkStack
from pysnmalloc.step import Replica, step
from tests import replaced
from tests.reference import DATA, TRACES
from tests.reference import read_trace as read_reference
from tests.test_reference import configs_of
from tests.test_reference import replay as make_calls

FILE = Path(replaced.__file__)
runner = CliRunner()


def own(**classes: type) -> Parts:
    """The paper's parts but for some, which need not be subclasses."""
    return replace(PAPER_PARTS, **classes)


OWN = own(freelist=replaced.OwnFreeList, chunklist=replaced.OwnChunkList, stack=replaced.OwnStack)
REPLACED = pytest.mark.parametrize(
    "parts",
    [*(own(**{name: getattr(OWN, name)}) for name in OWN.replaced()), OWN],
    ids=[*OWN.replaced(), "all three"],
)


def work(heap: sn.Heap, calls: int = 1500) -> list[int]:
    """Make random calls by two allocators; return the addresses."""
    dice, live, seen = random.Random(5), list[int](), list[int]()
    both = heap.acquire(number=1), heap.acquire(number=2)
    for _ in range(calls):
        if live and dice.random() < 0.5:
            dice.choice(both).free(live.pop(dice.randrange(len(live))))
        else:
            size = dice.choice((16, 48, 300, 700, 3000, 9000, 40000))
            live.append(dice.choice(both).malloc(size))
            seen.append(live[-1])
    return seen


# In a heap.


@REPLACED
def test_a_heap_runs_what_was_put_in_and_the_bytes_are_the_same(parts: Parts) -> None:
    with sn.Heap(sn.CLASSROOM) as paper, sn.Heap(sn.CLASSROOM, parts=parts) as heap:
        assert work(paper) == work(heap)
        heap.check()
        assert bytes(heap.memory.u8[: 1 << 20]) == bytes(paper.memory.u8[: 1 << 20])
        assert heap.parts == parts
        if "freelist" in parts.replaced():
            freelists = [allocator.slab.freelist for allocator in heap.allocators]
            assert all(isinstance(each, replaced.OwnFreeList) and each.calls > 100 for each in freelists)


def test_the_hot_path_is_for_the_papers_parts_alone() -> None:
    with sn.Heap(sn.CLASSROOM) as paper, sn.Heap(sn.CLASSROOM, parts=OWN) as heap:
        assert isinstance(paper.acquire(), FastAllocator)
        assert not isinstance(heap.acquire(), FastAllocator)


def test_where_all_parts_are_replaced_none_of_the_papers_is_left() -> None:
    papers = {field.name: getattr(PAPER_PARTS, field.name) for field in fields(Parts)} | {
        "sizeclass": sn.SizeclassTable
    }
    with sn.Heap(
        sn.CLASSROOM, parts=own(**{name: type(f"My{name}", (kind,), {}) for name, kind in papers.items()})
    ) as heap:
        work(heap)
        kinds = {type(each) for each in inside(heap)}  # before a check, whose observers are the paper's
        heap.check()
    assert not kinds & set(papers.values())
    assert {kind.__name__ for kind in kinds} >= {f"My{name}" for name in papers}


def inside(root: object) -> list[object]:
    """The objects of the library, and containers of them, that an object holds: directly or through others."""
    found, waiting = dict[int, object](), [root]
    while waiting:
        each = waiting.pop()
        if id(each) in found:
            continue
        found[id(each)] = each
        if isinstance(each, list | tuple | dict):
            waiting += each.values() if isinstance(each, dict) else each
        elif type(each).__module__.startswith(("pysnmalloc", __name__)):
            slots = (
                getattr(each, name, None) for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ())
            )
            waiting += [*slots, *getattr(each, "__dict__", {}).values()]
    return list(found.values())


def test_an_allocator_and_a_table_of_size_classes_can_be_replaced() -> None:
    parts = Parts(allocator=replaced.CountingAllocator, sizeclass=replaced.CoarseTable)
    with sn.Heap(sn.CLASSROOM, parts=parts) as heap:
        allocator = heap.acquire()
        assert heap.usable_size(allocator.malloc(100)) == 128  # and not 112
        assert isinstance(allocator, replaced.CountingAllocator)
        assert allocator.asked == 1


def test_the_heap_asks_a_replaced_table_for_the_size_of_an_object() -> None:
    with sn.Heap(sn.CLASSROOM, parts=Parts(sizeclass=replaced.OwnSizes)) as heap:
        p, q = heap.malloc(300), heap.malloc(300)
        assert q - p == heap.usable_size(p) == len(heap.view(p)) == 336


def test_checked_mode_watches_a_replaced_part() -> None:
    heap = sn.Heap(sn.CLASSROOM, checked=True, parts=replace(OWN, allocator=replaced.CountingAllocator))
    p, q = heap.malloc(64), heap.malloc(64)
    heap.free(p)
    with pytest.raises(sn.DoubleFree):
        heap.free(p)
    own = heap.own()
    assert isinstance(own, replaced.CountingAllocator)
    assert own.asked == 2
    heap.free(q)
    heap.close()


# Wrong parts are found by the laws and by the reference traces.


def test_the_laws_find_a_free_list_that_loses_objects() -> None:
    with sn.Heap(sn.CLASSROOM, parts=Parts(freelist=replaced.LosingFreeList)) as heap:
        objects = [heap.malloc(48) for _ in range(3)]
        heap.check()
        heap.free(objects[0])
        with pytest.raises(sn.LawBroken, match="each once") as broken:
            heap.check()
        assert broken.value.section == "§2.8"


def test_the_laws_find_size_classes_that_are_not_the_papers() -> None:
    class Shifted(sn.SizeclassTable):
        """A slab begins 16 bytes too late."""

        def first_head(self, sizeclass: int, *, short: bool) -> int:
            return super().first_head(sizeclass, short=short) + 16

    with sn.Heap(sn.CLASSROOM, parts=Parts(sizeclass=Shifted)) as heap:
        heap.malloc(48)
        with pytest.raises(sn.LawBroken):
            heap.check()


@pytest.mark.parametrize("name", [name for name in TRACES if "one" in name])
def test_the_reference_traces_accept_a_right_part(name: str) -> None:
    config, _ = configs_of(name)
    with sn.Heap(config, parts=OWN) as heap:
        make_calls(read_reference(name), heap)


def test_the_reference_traces_find_a_part_that_keeps_the_laws_and_not_the_addresses() -> None:
    parts = Parts(chunklist=replaced.BackChunkList)
    with sn.Heap(sn.CLASSROOM, parts=parts) as heap:
        work(heap)
        heap.check()
    with pytest.raises(AddressError):
        replay(read_trace(str(DATA / "1mib-four-cross.trace.gz")), verify=False, parts=parts)


# In a replay.


def test_a_replay_runs_a_part_from_a_file() -> None:
    arguments = ["replay", str(DATA / "1mib-one-medium.trace.gz"), "--no-verify"]
    result = runner.invoke(app, [*arguments, "--part", f"freelist={FILE}:OwnFreeList"])
    assert result.exit_code == 0, result.output
    assert "OwnFreeList" in result.output
    losing = runner.invoke(app, [*arguments, "--part", f"freelist={FILE}:LosingFreeList"])
    assert losing.exit_code == 1
    assert "Error" in losing.output


def test_a_replay_on_real_threads_runs_a_part() -> None:
    parts = load_parts([f"freelist={FILE}:OwnFreeList", f"stack={FILE}:OwnStack"])
    result = replay(read_trace(str(DATA / "1mib-one-medium.trace.gz")), threads="real", verify=False, parts=parts)
    assert len(result.notes) == 3  # addresses were not compared, and two parts were replaced


# In a stepper.


@REPLACED
def test_a_recording_tells_of_a_replaced_part_all_that_it_stores(parts: Parts) -> None:
    def recorded(given: Parts) -> tuple[sn.Recording, bytes]:
        recording = sn.Recording()
        with sn.Heap(sn.CLASSROOM, record=recording, parts=given) as heap:
            work(heap, 300)
            return recording, bytes(heap.memory.u8[: 1 << 20])

    (recording, left), (paper, _) = recorded(parts), recorded(PAPER_PARTS)
    replica = Replica(recording)
    for event in recording:
        replica.apply(event)
    assert bytes(replica.heap.memory.u8[: 1 << 20]) == left
    replica.close()
    assert recording.counts() == paper.counts()
    assert {"ObjectPopped", "ObjectPushed", "ChunkLinked", "StackPopped"} <= set(recording.counts())


def test_a_stepper_and_a_picture_show_a_replaced_part(tmp_path: Path) -> None:
    recording = sn.Recording()
    with sn.Heap(sn.CLASSROOM, record=recording, parts=OWN) as heap:
        p, q = heap.malloc(100), heap.malloc(100)
        heap.free(p)
        with sn.Heap(sn.CLASSROOM) as paper:
            x, y = paper.malloc(100), paper.malloc(100)
            paper.free(x)
            assert str(heap.picture.slab(q)) == str(paper.picture.slab(y)) != ""
        shown = step(recording)
    assert len(shown.frames) > 5
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nimport pysnmalloc as sn\nfrom pysnmalloc.parts import load_parts\n"
        "with sn.Heap(sn.CLASSROOM, parts=load_parts([sys.argv[1]])) as heap:\n    heap.free(heap.malloc(8))\n"
    )
    part, page = f"freelist={FILE}:OwnFreeList", tmp_path / "page.html"
    result = runner.invoke(app, ["step", str(script), "-o", str(page), part])
    assert result.exit_code == 0, result.output
    assert page.exists()
    trace = str(DATA / "1mib-one-medium.trace.gz")
    looks = [runner.invoke(app, ["show", trace, "--at", "40", *more]) for more in ([], ["--part", part])]
    assert looks[0].output == looks[1].output != ""
    assert looks[1].exit_code == 0


# In the explorer.


@pytest.mark.parametrize("model", ["sc", "cpp20"])
def test_the_explorer_proves_a_stack_written_from_scratch(model: str) -> None:
    assert explore(SCENARIOS["stack"].having(own(stack=replaced.OwnStack)), model).exhausted


def test_the_explorer_finds_a_replaced_queue_that_is_wrong_where_memory_is_weak() -> None:
    broken = SCENARIOS["home"].having(Parts(messagequeue=replaced.RelaxedQueue))
    assert explore(broken, "tso").ok
    assert not explore(broken, "cpp20").ok
    assert explore(SCENARIOS["home"], "cpp20").ok, "the scenario itself is as it was"


def test_the_command_line_explores_a_part_and_says_how_to_see_it_again() -> None:
    part = f"messagequeue={FILE}:RelaxedQueue"
    for jobs in ("1", "2"):
        found = runner.invoke(app, ["explore", "home", "--part", part, "--jobs", jobs])
        assert found.exit_code == 1, found.output
        assert f"pysnmalloc explore home --part {part} --model cpp20 --replay" in found.output.replace("\n", " ")


def test_other_processes_explore_a_part_from_a_file() -> None:
    """This exploration is large enough to leave the process, and each worker must load the file first."""
    arguments = ["explore", "stack", "--part", f"stack={FILE}:OwnStack", "--json"]
    here, elsewhere = (runner.invoke(app, [*arguments, "--jobs", jobs]) for jobs in ("1", "2"))
    assert elsewhere.exit_code == 0, elsewhere.output
    assert elsewhere.output == here.output


def test_a_part_that_a_scenario_does_not_use_is_refused() -> None:
    with pytest.raises(sn.PartError, match="do not use it; they use messagequeue"):
        SCENARIOS["queue"].having(Parts(stack=ChunkStack, freelist=replaced.LosingFreeList))
    with pytest.raises(sn.PartError, match="its own atomic operations"):
        SCENARIOS["home"].having(own(atomics=type("Mine", (sn.Atomics,), {})))
    with pytest.raises(sn.PartError, match="none of the parts"):
        SCENARIOS["litmus:SB"].having(Parts(freelist=replaced.LosingFreeList))


def test_a_seeded_bug_is_a_part() -> None:
    names = {bug.part()[0] for bug in SEEDED}
    assert names == {"messagequeue", "remotecache", "allocator", "stack", "large"}


# Refused at the start, by name.


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: own(freelist=replaced.HalfFreeList), r"there is no put\(slab, freed\)"),
        (lambda: own(freelist=replaced.HalfFreeList), r"take must take \(slab, size\), but takes \(slab\)"),
        (lambda: own(freelist=replaced.HalfFreeList), r"there is no walk\(slab\)"),
        (lambda: own(freelist=replaced.UnmakableFreeList), r"cannot be made with \(Memory, Metaslab\)"),
        (lambda: own(messagequeue=replaced.OwnFreeList), "messagequeue"),
        (lambda: own(allocator=replaced.OwnFreeList), "must be a subclass"),
        (lambda: replace(PAPER_PARTS, stack=3), "a part is a class"),  # type: ignore[arg-type]
    ],
)
def test_a_part_that_lacks_something_is_refused_by_name(make: Callable[[], Parts], says: str) -> None:
    with pytest.raises(sn.PartError, match=says):
        sn.Heap(sn.CLASSROOM, parts=make())


def test_every_part_of_the_paper_is_complete_and_checked() -> None:
    """A class with nothing in it is refused in the place of each."""
    for field in fields(Parts):
        with pytest.raises(sn.PartError, match=field.name):
            sn.Heap(sn.CLASSROOM, parts=own(**{field.name: type("Nothing", (), {})}))
    assert PAPER_PARTS.replaced() == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("freelist", "name=file.py:Class"),
        ("freelist=mine.py", "name=file.py:Class"),
        ("frelist=mine.py:X", "did you mean freelist"),
        ("nonsense=mine.py:X", "the parts are sizeclass"),
        ("freelist=nowhere.py:X", "there is no file nowhere.py"),
        ("freelist=no.such.module:X", "there is no module no.such.module"),
        (f"freelist={FILE}:OwnFreelist", "did you mean OwnFreeList"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_words(text: str, says: str) -> None:
    with pytest.raises(sn.PartError, match=says):
        load_part(text)
    result = runner.invoke(app, ["replay", "--part", text])
    assert result.exit_code == 2
    assert "Error" in result.output


def test_a_file_that_raises_is_told_in_words(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("1 / 0\n")
    with pytest.raises(sn.PartError, match="raised ZeroDivisionError"):
        load_part(f"freelist={bad}:X")


def test_a_part_is_given_once() -> None:
    with pytest.raises(sn.PartError, match="given twice"):
        load_parts([f"freelist={FILE}:OwnFreeList"] * 2)


def test_a_file_is_one_module_until_it_changes_and_two_of_one_name_are_two(tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py"
    for path in (one, two):
        path.parent.mkdir()
        path.write_text(f"class X: place = {str(path)!r}\n")
    first, again, other = (load_object(f"{path}:X") for path in (one, one, two))
    assert first is again
    assert getattr(other, "place", "") == str(two)
    assert getattr(first, "__module__", "") != getattr(other, "__module__", "")
    one.write_text("class X: place = 'another text'\n")
    assert getattr(load_object(f"{one}:X"), "place", "") == "another text"

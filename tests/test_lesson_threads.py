"""Threads of an answer: who is a member, when they are given up, and that nothing is left behind that matters.

What answers do with threads, and what they are told, is in ``answers/09.md``.
"""

from __future__ import annotations

import _thread
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

import pysnmalloc as sn
from pysnmalloc.lesson import check
from pysnmalloc.lesson.material.delivery import Delivery
from pysnmalloc.lesson.running.budget import LINES, Spent, limited
from pysnmalloc.lesson.threads import Crew, NoThreads
from pysnmalloc.lesson.threads import crew as crew_module
from pysnmalloc.lesson.threads.patience import GRIEF, LOOKS, Patience
from pysnmalloc.lesson.tutorials import tutorial_09


def python_as_it_is() -> list[object]:
    """What a crew replaces or switches on, and must put back."""
    return [threading.Thread.start, threading.Thread.join, time.sleep, sys.gettrace()]


@pytest.fixture(autouse=True)
def _python_is_left_as_it_was() -> Iterator[None]:
    before = python_as_it_is()
    yield
    assert python_as_it_is() == before


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look so often that giving up takes no time. A right answer would be refused, so there is none here."""
    monkeypatch.setattr(crew_module, "LOOK", 0.002)


# Patience.


def looks(
    patience: Patience, deeds: Iterator[int] | list[int], steps: Iterator[int] | list[int], **how: bool
) -> list[str]:
    return [patience.lost(*each, failed=how.get("failed", False)) for each in zip(deeds, steps, strict=True)]


def test_threads_that_do_not_move_wait_for_ever() -> None:
    told = looks(Patience(), [7] * (LOOKS + 1), [100] * (LOOKS + 1))
    assert told == [""] * LOOKS + ["waits for ever"]


def test_after_an_error_the_others_are_given_up_sooner() -> None:
    told = looks(Patience(), [7] * (GRIEF + 1), [100] * (GRIEF + 1), failed=True)
    assert told == [""] * GRIEF + ["waits for ever"]


def test_a_thread_that_takes_a_step_now_and_then_does_not_wait_for_ever() -> None:
    steps = [look // (LOOKS - 1) for look in range(2 * LOOKS)]
    assert set(looks(Patience(), [7] * 2 * LOOKS, steps)) == {""}


def test_a_thread_that_does_something_now_and_then_is_never_given_up() -> None:
    many = 50 * LOOKS
    deeds = [look // (LOOKS - 1) for look in range(many)]
    assert set(looks(Patience(), deeds, [0] * many)) == {""}
    assert set(looks(Patience(), deeds, list(range(0, many * LINES, LINES)))) == {""}


def test_many_steps_without_a_deed_are_a_loop() -> None:
    steps = list(range(0, (LOOKS + 1) * LINES, LINES))
    assert looks(Patience(), [7] * (LOOKS + 1), steps) == [""] * LOOKS + ["does not come to an end"]


def test_few_steps_without_a_deed_are_a_loop_much_later() -> None:
    many = 2 * LOOKS + 1
    assert looks(Patience(), [7] * many, list(range(many))) == [""] * (many - 1) + ["does not come to an end"]


# The crew.


def test_a_crew_returns_what_the_answer_returned_and_knows_its_threads_in_order() -> None:
    crew = Crew()
    seen: list[int] = []

    def answer(number: int) -> int:
        workers = [threading.Thread(target=seen.append, args=(each,), name=f"w{each}") for each in range(number)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return number

    assert crew.run(answer, 3) == 3
    assert [member.thread.name for member in crew.started] == ["w0", "w1", "w2"]
    assert sorted(seen) == [0, 1, 2]
    assert (crew.left, crew.over, crew.failures) == ([], "", [])
    assert all(member.done for member in crew.members)


@pytest.mark.parametrize("waits", [0, 1, 2])
def test_a_thread_for_which_nobody_waits_has_not_ended_when_the_answer_returns(waits: int) -> None:
    for _ in range(20):
        crew = Crew()

        def answer() -> None:
            workers = [threading.Thread(target=int) for _ in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers[:waits]:
                worker.join()

        crew.run(answer)
        assert [member.index for member in crew.left] == [1, 2][waits:]


def test_the_error_of_the_answer_is_its_own_and_those_of_its_threads_are_told_in_order() -> None:
    crew = Crew()

    def fail(number: int) -> None:
        raise ValueError(number)

    def answer() -> None:
        for number in (5, 6):
            worker = threading.Thread(target=fail, args=(number,), name="w")
            worker.start()
            worker.join()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        crew.run(answer)
    assert [told.partition(", at")[0] for told in crew.failures] == [
        "thread 1 (w) raises ValueError: 5",
        "thread 2 (w) raises ValueError: 6",
    ]


def test_a_thread_that_lingers_goes_on_when_no_other_does_anything() -> None:
    crew = Crew()
    order: list[str] = []

    def slow() -> None:
        crew.linger()
        order.append("slow")

    def quick() -> None:
        for _ in range(50):
            crew.deed()
            order.append("quick")

    def answer() -> None:
        workers = [threading.Thread(target=each) for each in (slow, quick)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    crew.run(answer)
    assert order == ["quick"] * 50 + ["slow"]


def test_a_thread_of_unknown_origin_is_noticed() -> None:
    crew, end = Crew(), threading.Event()

    def work() -> None:
        crew.deed()
        end.set()

    def answer() -> None:
        _thread.start_new_thread(work, ())
        end.wait()

    crew.run(answer)
    assert [member.foreign for member in crew.started] == [True]


def test_without_threads_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    crew = Crew()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NoThreads, match="can't start new thread"):
            crew.run(lambda: pytest.fail("it was called"))
    assert crew.members == []


def test_threads_of_others_start_and_sleep_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    crew, go, gone = Crew(), threading.Event(), threading.Event()

    def foreign() -> None:
        go.wait()
        other = threading.Thread(target=time.sleep, args=(77,))
        other.start()
        other.join()
        gone.set()

    outside = threading.Thread(target=foreign)
    outside.start()

    def answer() -> None:
        time.sleep(66)
        go.set()
        gone.wait()

    crew.run(answer)
    outside.join()
    assert 77 in slept
    assert 66 not in slept
    assert len(crew.members) == 1


# Giving up.


def deadlock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def loop() -> None:
    while True:
        pass


def stubborn() -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("body", [deadlock, loop, stubborn])
def test_threads_that_are_given_up_are_daemons_and_loops_end(body: Callable[[], None]) -> None:
    crew = Crew()

    def answer() -> None:
        worker = threading.Thread(target=body, name="w")
        worker.start()
        worker.join()

    with pytest.raises(Spent, match="thread 1 \\(w\\) is at your line"):
        crew.run(answer)
    (worker,) = crew.started
    assert worker.thread.daemon
    if body is not deadlock:
        worker.thread.join()
    assert worker.done is (body is not deadlock)
    assert crew.failures == []


@pytest.mark.usefixtures("_hasty")
def test_a_thread_that_swallows_each_error_that_is_to_end_it_sleeps_for_good() -> None:
    def hydra() -> None:
        try:
            loop()
        except BaseException:
            hydra()

    crew = Crew()
    with pytest.raises(Spent):
        crew.run(hydra)
    (caller,) = crew.members
    steps = -1
    while steps != caller.steps:  # this test ends, as the thread does not go on
        steps = caller.steps
        time.sleep(0.01)
    assert caller.thread.is_alive()


@pytest.mark.parametrize("_once_more", range(20))
def test_of_the_threads_of_a_pool_the_first_has_the_first_task(_once_more: int) -> None:
    crew = Crew()
    tasks: dict[int, int] = {}

    def answer() -> None:
        together = threading.Barrier(3)

        def work(task: int) -> None:
            tasks[crew.deed().index] = task
            together.wait()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, (1, 2, 3)))

    crew.run(answer)
    assert tasks == {1: 1, 2: 2, 3: 3}


@pytest.mark.usefixtures("_hasty")
def test_a_later_check_does_not_mind_threads_that_were_left_behind() -> None:
    crew = Crew()
    with pytest.raises(Spent, match="waits for ever: your function itself is at your line"):
        crew.run(deadlock)
    assert crew.members[0].thread.is_alive()
    assert Crew().run(lambda: 5) == 5


def test_a_function_that_swallows_every_error_ends_without_threads_too() -> None:
    with pytest.raises(Spent, match="takes more than 100,000 steps"):
        limited(stubborn)


def test_an_interrupt_ends_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Crew()

    def interrupt(_timeout: float) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(crew._bell, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        crew.run(loop)
    crew.members[0].thread.join()
    assert crew.over == "was interrupted"


STUCK = """
import threading
from concurrent.futures import ThreadPoolExecutor
from pysnmalloc.lesson.threads import Crew, crew
from pysnmalloc.lesson.running.budget import Spent

crew.LOOK = 0.002

def pooled():
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: threading.Event().wait(), range(2)))

def plain():
    worker = threading.Thread(target=threading.Event().wait, daemon=False)
    worker.start()
    worker.join()

for answer in (pooled, plain):
    try:
        Crew().run(answer)
    except Spent as spent:
        print(str(spent).partition(":")[0])
"""


def test_threads_that_wait_for_ever_do_not_keep_python_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", STUCK], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "waits for ever\nwaits for ever\n", "")


# What the judges of tutorial 9 lend.


def test_a_copied_allocator_and_a_copied_channel_are_of_one_delivery() -> None:
    import copy

    lent = Delivery(sn.CLASSROOM, 16, 3)
    allocator, channel = copy.deepcopy((lent.allocator, lent.channel))
    assert channel.delivery is not lent
    for address in iter(channel.get, None):
        allocator.free(address)
    assert channel.delivery.all("freed") == channel.delivery.sent == lent.sent
    assert lent.all("freed") == []


def test_only_objects_of_a_delivery_reach_the_heap_and_each_once() -> None:
    lent = Delivery(sn.CLASSROOM, 16, 2)
    first, second = lent.sent
    for address in (first, first, second + 8, 0):
        lent.allocator.free(address)
    lent.allocator.post()
    assert lent.heap.statistics().sent == 1
    lent.heap.check()


def test_the_question_of_exercise_9_1_is_answered_by_a_heap_as_by_its_judge() -> None:
    """The objects that take fresh memory are the addresses that malloc ever returns."""
    for together in (1, 2, 3):
        config = sn.CLASSROOM.replace(remote_cache=16 * together)
        for length in range(8):
            for turns in product("PC", repeat=length):
                if tutorial_09._possible(turns):
                    assert tutorial_09._moved("".join(turns), together)[0] == fresh_in_a_heap(turns, config)


def fresh_in_a_heap(turns: tuple[str, ...], config: sn.Config) -> int:
    with sn.Heap(config) as heap:
        producer, consumer = heap.acquire(1), heap.acquire(2)
        passed, seen = [], set()
        for turn in turns:
            if turn == "P":
                passed.append(producer.malloc(16))
                seen.add(passed[-1])
            else:
                consumer.free(passed.pop(0))
        return len(seen)


def test_what_exercise_9_1_tells_of_an_example_is_so() -> None:
    assert tutorial_09._moved("PCPCPC", 1)[0] == 2


@pytest.mark.usefixtures("_hasty")
def test_a_check_of_9_3_ends_for_a_function_that_takes_anything() -> None:
    assert not check("9.3", lambda *_: threading.Barrier(2).wait()).right

"""What the explorer is measured by: the queue enumerated and reduced, and what it has to prove, whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from functools import partial

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Scenario, ThreadCode, explore
from pysnmalloc.explore.scenarios import ALLOCATORS, SCENARIOS
from pysnmalloc.explore.scenarios.seeded import SEEDED
from pysnmalloc.explore.weaken import weaken_each

from .harness import Figure, interleave, ratio, timed

Thread = Generator[None, int, None]

MODELS = ("sc", "tso", "cpp20")
INTERLEAVINGS = 4_200  # of two producers' three steps each and a consumer's four


class BareQueue:
    """The queue as generators: one ``yield`` before each step, memory a dict. The least there is to an enumerator."""

    def __init__(self) -> None:
        self.next: dict[str, str | None] = {"stub": None}
        self.back = self.front = "stub"

    def produce(self, message: str) -> Thread:
        """Null, exchange, link."""
        yield
        self.next[message] = None
        yield
        before, self.back = self.back, message
        yield
        self.next[before] = message

    def consume(self) -> Thread:
        """Try four times."""
        for _ in range(4):
            yield
            after = self.next[self.front]
            if after is not None:
                self.front = after


def bare_loop() -> int:
    """Enumerate all interleavings, running each from the start; return how many there are."""
    count, todo = 0, [list[int]()]
    while todo:
        path = todo.pop()
        queue = BareQueue()
        threads = [queue.produce("a"), queue.produce("b"), queue.consume()]
        for thread in threads:
            next(thread)
        alive = [0, 1, 2]
        for chosen in path:
            _step(threads, alive, chosen)
        while alive:
            todo.extend([*path, other] for other in alive[1:])
            path.append(alive[0])
            _step(threads, alive, alive[0])
        count += 1
    return count


def _step(threads: list[Thread], alive: list[int], chosen: int) -> None:
    """Let a thread make a step."""
    try:
        next(threads[chosen])
    except StopIteration:
        alive.remove(chosen)


def figures_of_exploring() -> list[Figure]:
    """The explorer's figures; bounds in seconds are those of a machine with two cores."""
    queue = SCENARIOS["queue"]
    assert bare_loop() == explore(queue, "sc", plain=True).executions == INTERLEAVINGS
    times = interleave(
        {
            "pysnmalloc": timed(lambda: explore(queue, "sc", plain=True), INTERLEAVINGS),
            "generators": timed(bare_loop, INTERLEAVINGS),
            "reduced": timed(lambda: explore(queue, "sc"), 1),
        },
        rounds=9,
        warm_up=1,
    )
    value, both = ratio(times, "pysnmalloc", "generators")
    reduced = sorted(times["reduced"])[len(times["reduced"]) // 2]
    return [
        Figure("exploring: an interleaving of the queue / by a bare generator loop", value, both, None),
        _within("exploring: an interleaving of the queue / 1/15,000 s", both[0], 1 / 15_000),
        _within("exploring: the queue reduced to its end / 50 ms", reduced, 0.05),
        _within("exploring: two threads of 40 seq_cst fetch-adds on words of their own / 0.1 s", _forty(), 0.1),
        _twice_as_long(),
        _six_threads(),
        _within("exploring: all about the queue, three models / 20 s", _taken(_queue), 20),
        _within("exploring: whole allocators and seeded bugs / 2 min", _taken(_allocators), 120),
    ]


class Adds(Scenario):
    """Threads that add to words, as learners write it.

    Args:
        words: the address of each thread's word.
        length: how often each adds.
        order: of the additions.
    """

    name = "adds"

    def __init__(self, words: Sequence[int], length: int, order: Order) -> None:
        self._words = words
        self._length = length
        self._order = order

    def threads(self) -> Mapping[str, ThreadCode]:
        """One for each word."""
        return {f"T{number}": self._adding(word) for number, word in enumerate(self._words)}

    def _adding(self, word: int) -> ThreadCode:
        """Return a thread's code."""

        def add(place: Place) -> Hashable:
            for _ in range(self._length):
                place.atomics.fetch_add(word, 1, self._order)
            return None

        return add


def _forty() -> float:
    """Nanoseconds for the one execution of two threads that have nothing to do with each other."""
    adds = Adds((64, 128), 40, Order.SEQ_CST)
    assert explore(adds, "cpp20").executions == 1
    return sorted(_taken(lambda: explore(adds, "cpp20")) for _ in range(5))[2]


def _twice_as_long() -> Figure:
    """The same with 80 fetch-adds a thread, against 40: at most the square of the length."""
    subjects = {
        str(length): timed(partial(explore, Adds((64, 128), length, Order.SEQ_CST), "cpp20"), 1) for length in (80, 40)
    }
    value, both = ratio(interleave(subjects, rounds=9, warm_up=1), "80", "40")
    return Figure("exploring: two threads of 80 seq_cst fetch-adds / of 40", value, both, 4.0)


def _six_threads() -> Figure:
    """Six threads that each add once to one word, SEQ_CST against relaxed."""
    six = {order.value: Adds((64,) * 6, 1, order) for order in (Order.SEQ_CST, Order.RELAXED)}
    assert {explore(adds, "cpp20").executions for adds in six.values()} == {720}
    subjects = {name: timed(partial(explore, adds, "cpp20"), 1) for name, adds in six.items()}
    value, both = ratio(interleave(subjects, rounds=5, warm_up=1), Order.SEQ_CST.value, Order.RELAXED.value)
    return Figure("exploring: six seq_cst fetch-adds on one word / the same relaxed", value, both, 2.0)


def _queue() -> None:
    """Prove the queue, question the published orders, weaken each order, find Figure 3(d)."""
    for model in MODELS:
        assert explore(SCENARIOS["queue-2x2"], model).exhausted
        assert explore(SCENARIOS["queue-published"], model).exhausted
        assert not explore(SCENARIOS["figure-3d"], model).ok
        weaken_each(SCENARIOS["queue-2x2"], model)


def _allocators() -> None:
    """Prove the allocators, find the seeded bugs."""
    for model in MODELS:
        for name in ALLOCATORS:
            assert explore(SCENARIOS[name], model).exhausted
    for bug in SEEDED:
        assert not explore(bug.seeded(), bug.model).ok


def _taken(work: Callable[[], object]) -> float:
    """Nanoseconds that something takes once."""
    start = time.perf_counter_ns()
    work()
    return float(time.perf_counter_ns() - start)


def _within(name: str, nanoseconds: float, seconds: float) -> Figure:
    """A figure that is held against a time."""
    return Figure(name, nanoseconds / (seconds * 1e9), (nanoseconds, seconds * 1e9), 1.0)

"""Litmus tests: small programs that distinguish memory models, as data (§2.2).

    MP, message passing       thread 0         thread 1
                              x := 1           r := y        is r = 1, s = 0 possible?
                              y := 1           s := x

A test is a program without branches, one outcome in question (``weak``), and
the models under which an execution may have this outcome (``allowed``):

    "sc"    threads take turns, one instruction at a time; orders have no effect
    "tso"   x86: loads and stores are ``mov``, read-modify-writes are ``lock``ed, a
            seq_cst store is a locked exchange, and a seq_cst fence is ``mfence``;
            other fences and orders cost nothing and have no effect
    "cpp20" C++20, but program order and reads-from have no cycle, so load buffering
            (LB) is forbidden, although C++ allows it
    "rc11"  C++11 as Lahav et al. repaired it, with the same exception

The law: "tso" allows every outcome that "sc" allows, and the two models of C++ every
outcome that "tso" allows. ``RELSEQ+store`` and ``W+RWC+sc+loc`` tell the two apart. Left
out: branches, dependencies, and plain (not atomic) accesses, hence also data races.

Most names and expectations come from the literature: Sewell et al., "x86-TSO"
(2010); Alglave et al., "Herding Cats" (2014); Lahav et al., "Repairing Sequential
Consistency in C/C++11" (2017). The parts of a name after + describe the variant.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...atomics import Order

__all__ = [
    "LITMUS",
    "MODELS",
    "CompareExchange",
    "Condition",
    "Exchange",
    "Fence",
    "FetchAdd",
    "Instruction",
    "Litmus",
    "Load",
    "Outcome",
    "Store",
    "Thread",
    "Threads",
]

MODELS = ("sc", "tso", "cpp20", "rc11")
"""The models, from the strongest on; neither of the last two is the stronger one."""

RLX, ACQ, REL, ACQ_REL, SC = Order.RELAXED, Order.ACQUIRE, Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST


@dataclass(frozen=True)
class Load:
    """Read a location. Result: the value.

    Attributes:
        location: the name of the word, such as ``x``.
        order: relaxed, acquire or seq_cst.

    Raises:
        ValueError: if the order has a release part; C++ has no such load.
    """

    location: str
    order: Order

    def __post_init__(self) -> None:
        if self.order in (REL, ACQ_REL):
            raise ValueError(f"a load cannot be {self.order.value}: make it relaxed, acquire or seq_cst")


@dataclass(frozen=True)
class Store:
    """Write a location. No result.

    Attributes:
        location: the name of the word.
        value: the value to store.
        order: relaxed, release or seq_cst.

    Raises:
        ValueError: if the order has an acquire part; C++ has no such store.
    """

    location: str
    value: int
    order: Order

    def __post_init__(self) -> None:
        if self.order in (ACQ, ACQ_REL):
            raise ValueError(f"a store cannot be {self.order.value}: make it relaxed, release or seq_cst")


@dataclass(frozen=True)
class Exchange:
    """Read a location and write it, in one step. Result: the old value.

    Attributes:
        location: the name of the word.
        value: the value to store.
        order: any order, for the read and the write together.
    """

    location: str
    value: int
    order: Order


@dataclass(frozen=True)
class FetchAdd:
    """Add to a location, in one step. Result: the old value.

    Attributes:
        location: the name of the word.
        amount: the number to add.
        order: any order, for the read and the write together.
    """

    location: str
    amount: int
    order: Order


@dataclass(frozen=True)
class CompareExchange:
    """Write a location if it holds the expected value, in one step. Result: the old value.

    The operation is strong: it writes whenever it reads ``expected``. Otherwise it is a load, with the order
    without its release part. On x86, it is locked in both cases.

    Attributes:
        location: the name of the word.
        expected: the value that the word must hold.
        desired: the value to store if it does.
        order: any order, for the read and the write together.
    """

    location: str
    expected: int
    desired: int
    order: Order


@dataclass(frozen=True)
class Fence:
    """Order earlier accesses before later ones, as ``std::atomic_thread_fence`` does. No result.

    Attributes:
        order: acquire orders earlier reads before all later accesses; release orders all earlier accesses before
            later writes; acq_rel does both; seq_cst does both, and all such fences have one order.
    """

    order: Order


#: One instruction of a litmus test.
Instruction = Load | Store | Exchange | FetchAdd | CompareExchange | Fence
Thread = tuple[Instruction, ...]  #: the instructions of one thread
Threads = tuple[Thread, ...]
"""A program: each thread's instructions in program order."""

Outcome = tuple[tuple[int, ...], ...]
"""One tuple of results per thread, in program order, and then the final values of ``Litmus.locations``."""

Condition = tuple[tuple[int | None, ...], ...]
"""An ``Outcome`` in which None stands for any value."""


@dataclass(frozen=True)
class Litmus:
    """A program whose locations start at 0, and the outcome in question.

    Attributes:
        name: the literature's name of the shape, then + and the variant, such as ``MP+rel+acq``.
        threads: the program, by thread.
        weak: the outcome in question.

    Raises:
        ValueError: if ``weak`` does not have the shape of an outcome, or ``allowed`` names an unknown model.
    """

    name: str
    about: str
    """One sentence: the question, or what the answer shows."""
    threads: Threads
    weak: Condition
    allowed: frozenset[str]
    """The models of ``MODELS`` that allow ``weak``."""

    def __post_init__(self) -> None:
        self._check_shape(self.weak)
        if unknown := self.allowed - set(MODELS):
            raise ValueError(
                f"{self.name}: unknown model: {', '.join(sorted(unknown))}; the models are {', '.join(MODELS)}"
            )

    @property
    def locations(self) -> tuple[str, ...]:
        """The names of all locations, sorted."""
        return tuple(
            sorted({each.location for thread in self.threads for each in thread if not isinstance(each, Fence)})
        )

    def matches(self, outcome: Outcome) -> bool:
        """Return whether the outcome is the one in question.

        Raises:
            ValueError: if the outcome has too few or too many values for this program.
        """
        self._check_shape(outcome)
        pairs = [
            pair for wanted, seen in zip(self.weak, outcome, strict=True) for pair in zip(wanted, seen, strict=True)
        ]
        return all(wanted is None or wanted == seen for wanted, seen in pairs)

    def _check_shape(self, outcome: Condition) -> None:
        results = [sum(not isinstance(each, Store | Fence) for each in thread) for thread in self.threads]
        due, there = [*results, len(self.locations)], [len(part) for part in outcome]
        if due != there:
            raise ValueError(
                f"{self.name}: {outcome} is not an outcome of this program: the numbers of results of its "
                f"threads and, last, of its locations are {due}, not {there}"
            )


# Shapes of programs. The arguments select a variant.


def _w(location: str, value: int, order: Order = RLX) -> Store:
    return Store(location, value, order)


def _r(location: str, order: Order = RLX) -> Load:
    return Load(location, order)


def _mp(store: Order, load: Order, writer: Thread = (), reader: Thread = ()) -> Threads:
    return (_w("x", 1), *writer, _w("y", 1, store)), (_r("y", load), *reader, _r("x"))


def _mp_rmw(order: Order) -> Threads:
    return (_w("x", 1), FetchAdd("y", 1, order)), (_r("y", ACQ), _r("x"))


def _sb(store: Order, load: Order, *fence: Fence) -> Threads:
    return (_w("x", 1, store), *fence, _r("y", load)), (_w("y", 1, store), *fence, _r("x", load))


def _lb(load: Order, store: Order) -> Threads:
    return (_r("x", load), _w("y", 1, store)), (_r("y", load), _w("x", 1, store))


def _wrc(store: Order, load: Order) -> Threads:
    return (_w("x", 1),), (_r("x"), _w("y", 1, store)), (_r("y", load), _r("x"))


def _isa2(store: Order, load: Order, middle: Order) -> Threads:
    return (_w("x", 1), _w("y", 1, store)), (_r("y", load), _w("z", 1, middle)), (_r("z", load), _r("x"))


def _iriw(store: Order, first: Order, second: Order, *fence: Fence) -> Threads:
    return (
        (_w("x", 1, store),),
        (_w("y", 1, store),),
        (_r("x", first), *fence, _r("y", second)),
        (_r("y", first), *fence, _r("x", second)),
    )


def _rwc(*fence: Fence) -> Threads:
    return (_w("x", 1),), (_r("x"), *fence, _r("y")), (_w("y", 1), *fence, _r("x"))


def _two_plus_two(order: Order, *fence: Fence) -> Threads:
    return (_w("x", 1, order), *fence, _w("y", 2, order)), (_w("y", 1, order), *fence, _w("x", 2, order))


def _r_test(store: Order, load: Order) -> Threads:
    return (_w("x", 1, store), _w("y", 1, store)), (_w("y", 2, store), _r("x", load))


def _s_test(store: Order, load: Order) -> Threads:
    return (_w("x", 2), _w("y", 1, store)), (_r("y", load), _w("x", 1))


def _relay(*between: Thread, also: Thread = ()) -> Threads:
    """Pass a message whose flag other threads (``between``) or the same thread (``also``) write again."""
    return (_w("x", 1), _w("y", 1, REL), *also), *between, (_r("y", ACQ), _r("x"))


NEVER: frozenset[str] = frozenset()
CPP20 = frozenset({"cpp20"})
RC11 = frozenset({"rc11"})
CPP = CPP20 | RC11
TSO = CPP | {"tso"}
ALWAYS = TSO | {"sc"}

ANY1, ANY2, ANY3 = (None,), (None, None), (None, None, None)  # any final values


def _asking(weak: Condition, *rows: tuple[str, str, Threads, frozenset[str]]) -> tuple[Litmus, ...]:
    """Return tests with the same outcome in question."""
    return tuple(Litmus(name, about, threads, weak, allowed) for name, about, threads, allowed in rows)


LITMUS: tuple[Litmus, ...] = (
    # Message passing: the reader sees the flag, but not the message that was stored before it.
    *_asking(
        ((), (1, 0), ANY2),
        ("MP", "Relaxed accesses do not pass a message, although x86 keeps their order.", _mp(RLX, RLX), CPP),
        ("MP+rel+rlx", "A release needs an acquire that reads from it.", _mp(REL, RLX), CPP),
        ("MP+rlx+acq", "An acquire needs a release to read from.", _mp(RLX, ACQ), CPP),
        ("MP+rel+acq", "A release store and an acquire load pass the message.", _mp(REL, ACQ), NEVER),
        ("MP+sc+rlx", "A seq_cst store is a release, and needs an acquire as well.", _mp(SC, RLX), CPP),
        ("MP+F.rel+rlx", "A release fence needs an acquire.", _mp(RLX, RLX, (Fence(REL),)), CPP),
        ("MP+rlx+F.acq", "An acquire fence needs a release.", _mp(RLX, RLX, (), (Fence(ACQ),)), CPP),
        ("MP+F.rel+F.acq", "Two fences pass the message.", _mp(RLX, RLX, (Fence(REL),), (Fence(ACQ),)), NEVER),
    ),
    Litmus(
        "MP+rel+rlx+acq",
        "An acquire load of another location does not help.",
        _mp(REL, RLX, (), (_r("z", ACQ),)),
        ((), (1, None, 0), ANY3),
        CPP,
    ),
    *_asking(
        ((0,), (1, 0), ANY2),
        ("MP+rmw.acq+acq", "A read-modify-write with only acquire does not release.", _mp_rmw(ACQ), CPP),
        ("MP+rmw.acq_rel+acq", "A read-modify-write with acq_rel passes the message.", _mp_rmw(ACQ_REL), NEVER),
    ),
    # Store buffering: each thread misses the other's store, as in Dekker's mutual exclusion.
    *_asking(
        ((0,), (0,), ANY2),
        ("SB", "A load overtakes an earlier store: the only reordering on x86.", _sb(RLX, RLX), TSO),
        ("SB+rel+acq", "Release and acquire do not order a store with a later load.", _sb(REL, ACQ), TSO),
        ("SB+F.acq_rel", "An acq_rel fence does not order them.", _sb(RLX, RLX, Fence(ACQ_REL)), TSO),
        ("SB+sc", "Seq_cst accesses order a store with a later load.", _sb(SC, SC), NEVER),
        ("SB+sc+rlx", "All four accesses must be seq_cst, although x86 pays only for the stores.", _sb(SC, RLX), CPP),
        ("SB+F.sc", "Seq_cst fences order relaxed accesses.", _sb(RLX, RLX, Fence(SC)), NEVER),
        ("SB+F.sc+po", "One thread's fence is not enough.", (_sb(RLX, RLX, Fence(SC))[0], _sb(RLX, RLX)[1]), TSO),
        (
            "SB+F.sc+sc",
            "A seq_cst fence and seq_cst accesses order them.",
            (_sb(RLX, RLX, Fence(SC))[0], _sb(SC, SC)[1]),
            NEVER,
        ),
    ),
    Litmus(
        "SB+rmw",
        "Read-modify-writes drain x86's store buffers, but in C++ they have only their order.",
        ((FetchAdd("x", 1, ACQ_REL), _r("y", ACQ)), (FetchAdd("y", 1, ACQ_REL), _r("x", ACQ))),
        ((0, 0), (0, 0), ANY2),
        CPP,
    ),
    # Load buffering: each thread reads the value that the other stores later. Only C++ allows it, if relaxed.
    *_asking(
        ((1,), (1,), ANY2),
        (
            "LB",
            "C++ allows this outcome, but no model here, so that no value appears out of thin air.",
            _lb(RLX, RLX),
            NEVER,
        ),
        ("LB+acq+rel", "Acquire loads and release stores forbid this outcome in C++ as well.", _lb(ACQ, REL), NEVER),
    ),
    # Coherence: the writes to a location have one order, and all threads see them in that order.
    *_asking(
        ((), (1, 0), ANY1),
        ("CoRR", "Two reads of one thread do not go back in time.", ((_w("x", 1),), (_r("x"), _r("x"))), NEVER),
    ),
    Litmus(
        "CoRR2",
        "Two threads do not see two writes in opposite orders.",
        ((_w("x", 1),), (_w("x", 2),), (_r("x"), _r("x")), (_r("x"), _r("x"))),
        ((), (), (1, 2), (2, 1), ANY1),
        NEVER,
    ),
    *_asking(
        ((), (1,)),
        ("CoWW", "The later of a thread's stores is the final one.", ((_w("x", 1), _w("x", 2)),), NEVER),
    ),
    *_asking(
        ((2,), (), (2,)),
        ("CoRW", "A store comes after the write that its thread read.", ((_r("x"), _w("x", 1)), (_w("x", 2),)), NEVER),
    ),
    *_asking(
        ((2,), (), (1,)),
        ("CoWR", "A store hides the value that it overwrote.", ((_w("x", 1), _r("x")), (_w("x", 2),)), NEVER),
    ),
    # Causality: a thread passes on the writes that it has seen.
    *_asking(
        ((), (1,), (1, 0), ANY2),
        ("WRC", "Write-to-read causality does not hold for relaxed accesses.", _wrc(RLX, RLX), CPP),
        (
            "WRC+rel+acq",
            "A release passes on the values that its thread read, however they were stored.",
            _wrc(REL, ACQ),
            NEVER,
        ),
    ),
    *_asking(
        ((), (1,), (1, 0), ANY3),
        ("ISA2+rel+rlx+acq", "A relaxed store in the middle breaks the chain.", _isa2(REL, ACQ, RLX), CPP),
        ("ISA2+rel+acq", "Happens-before extends through a third thread.", _isa2(REL, ACQ, REL), NEVER),
    ),
    # Independent reads of independent writes: two readers see two stores in opposite orders.
    *_asking(
        ((), (), (1, 0), (1, 0), ANY2),
        ("IRIW", "On x86, a store reaches all threads at once; in C++, it need not.", _iriw(RLX, RLX, RLX), CPP),
        ("IRIW+rel+acq", "Release and acquire do not make the readers agree.", _iriw(REL, ACQ, ACQ), CPP),
        ("IRIW+sc", "All threads agree on one order of seq_cst accesses.", _iriw(SC, SC, SC), NEVER),
        ("IRIW+F.sc", "Seq_cst fences make them agree.", _iriw(RLX, RLX, RLX, Fence(SC)), NEVER),
        ("IRIW+acq+sc", "With one acquire load in each, the readers need not agree.", _iriw(SC, ACQ, SC), CPP),
    ),
    # Writes against writes: each first store comes after the other thread's second one.
    *_asking(
        ((), (), (1, 1)),
        ("2+2W", "Relaxed stores to two locations have no common order.", _two_plus_two(RLX), CPP),
        ("2+2W+rel", "Release stores without an acquire have no common order.", _two_plus_two(REL), CPP),
        ("2+2W+sc", "Seq_cst stores have a common order.", _two_plus_two(SC), NEVER),
        ("2+2W+F.sc", "Seq_cst fences order them.", _two_plus_two(RLX, Fence(SC)), NEVER),
    ),
    *_asking(
        ((), (0,), (None, 2)),
        ("R+rel+acq", "The store that comes last may still be in a buffer.", _r_test(REL, ACQ), TSO),
        ("R+sc", "The seq_cst store that comes last is in memory.", _r_test(SC, SC), NEVER),
    ),
    *_asking(
        ((), (1,), (2, None)),
        ("S", "A relaxed load does not order the next store after another thread's store.", _s_test(RLX, RLX), CPP),
        ("S+rel+acq", "Release and acquire order stores as well as loads.", _s_test(REL, ACQ), NEVER),
    ),
    # Seq_cst mixed with weaker orders: where newer models are stronger than C++11, equal to it, or weaker.
    *_asking(
        ((), (1, 0), (0,), ANY2),
        ("RWC", "Read-to-write causality: the last store may be in a buffer.", _rwc(), TSO),
        ("RWC+F.sc", "Seq_cst fences forbid it; in C++11 they did not.", _rwc(Fence(SC)), NEVER),
    ),
    Litmus(
        "W+RWC+sc",
        "Synchronisation orders two seq_cst accesses if other accesses of their threads are its ends.",
        ((_w("x", 1, SC), _w("y", 1, REL)), (_r("y", ACQ), _r("z", SC)), (_w("z", 1, SC), _r("x", SC))),
        ((), (1, 0), (0,), ANY3),
        NEVER,
    ),
    Litmus(
        "W+RWC+sc+loc",
        "The first end may be an access to the same location in C++20, but not in RC11.",
        ((_w("x", 1, SC), _w("x", 2, SC)), (_r("x", ACQ), _r("y", SC)), (_w("y", 1, SC), _r("x", SC))),
        ((), (2, 0), (0,), ANY2),
        RC11,
    ),
    Litmus(
        "Z6.U",
        "Synchronisation that ends at a seq_cst access does not order it: code for Power cannot guarantee that.",
        ((_w("x", 1, SC), _w("y", 1, REL)), (FetchAdd("y", 1, SC), _r("y")), (_w("y", 3, SC), _r("x", SC))),
        ((), (1, 3), (0,), ANY2),
        CPP,
    ),
    Litmus(
        "SB+rfis",
        "A seq_cst load may read its thread's store early, from the buffer: only seq_cst stores drain it.",
        ((_w("x", 1, REL), _r("x", SC), _r("y", SC)), (_w("y", 1, REL), _r("y", SC), _r("x", SC))),
        ((1, 0), (1, 0), ANY2),
        TSO,
    ),
    Litmus(
        "RWC+F.sc+sc",
        "A cycle through seq_cst fences and seq_cst accesses is forbidden, like a cycle of only one kind.",
        (
            (_w("z", 1, SC), Fence(SC), _r("x")),
            (_w("x", 1),),
            (_r("x"), Fence(SC), _r("y")),
            (_w("y", 1, SC), _r("z", SC)),
        ),
        ((0,), (), (1, 0), (0,), ANY3),
        NEVER,
    ),
    # Release sequences: a thread writes the flag again before another thread acquires it.
    *_asking(
        ((), (1,), (2, 0), ANY2),
        (
            "RELSEQ+rmw",
            "A read-modify-write of any thread continues the sequence.",
            _relay((FetchAdd("y", 1, RLX),)),
            NEVER,
        ),
        ("RELSEQ+broken", "Another thread's load and store break the sequence.", _relay((_r("y"), _w("y", 2))), CPP),
    ),
    Litmus(
        "RELSEQ+rmw+rmw",
        "A chain of read-modify-writes continues the sequence.",
        _relay((FetchAdd("y", 1, RLX),), (FetchAdd("y", 1, RLX),)),
        ((), (1,), (2,), (3, 0), ANY2),
        NEVER,
    ),
    Litmus(
        "RELSEQ+elsewhere",
        "A later store to another location is not part of the sequence.",
        ((_w("x", 1), _w("y", 1, REL), _w("z", 1)), (_r("z", ACQ), _r("x"))),
        ((), (1, 0), ANY3),
        CPP,
    ),
    *_asking(
        ((), (2, 0), ANY2),
        (
            "RELSEQ+store",
            "A later store of the same thread ends the sequence in C++20, but continued it in C++11.",
            _relay(also=(_w("y", 2),)),
            CPP20,
        ),
    ),
    Litmus(
        "RELSEQ+between",
        "Another thread's store between the two broke the sequence in C++11, but not in RC11; in C++20, there is none.",
        ((_w("x", 1), _w("y", 1, REL), _w("y", 3)), (_w("y", 2),), (_r("y"), _r("y"), _r("y", ACQ), _r("x"))),
        ((), (), (1, 2, 3, 0), ANY2),
        CPP20,
    ),
    # Atomicity: no store comes between the read and the write of one step.
    *_asking(
        ((0,), (0,), ANY1),
        ("R+W", "A load and a store can lose an update, in every model.", ((_r("x"), _w("x", 1)),) * 2, ALWAYS),
        ("RMW+RMW", "Two additions never both find 0.", ((FetchAdd("x", 1, RLX),),) * 2, NEVER),
        ("CAS+CAS", "One of two compare-exchanges fails.", ((CompareExchange("x", 0, 1, RLX),),) * 2, NEVER),
    ),
    *_asking(
        ((0,), (), (1,)),
        (
            "RMW+W",
            "No store comes between the two halves of an exchange.",
            ((Exchange("x", 1, RLX),), (_w("x", 2),)),
            NEVER,
        ),
    ),
    # A compare-exchange that fails is a load, with its order without the release part.
    *_asking(
        ((), (1, 0), ANY2),
        (
            "MP+rel+cas.acq_rel",
            "A compare-exchange that fails still acquires.",
            ((_w("x", 1), _w("y", 1, REL)), (CompareExchange("y", 0, 2, ACQ_REL), _r("x"))),
            NEVER,
        ),
        (
            "MP+rel+cas.rel",
            "With release only, a compare-exchange that fails is relaxed.",
            ((_w("x", 1), _w("y", 1, REL)), (CompareExchange("y", 0, 2, REL), _r("x"))),
            CPP,
        ),
    ),
)
"""The tests, family by family."""

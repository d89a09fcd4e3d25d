"""The executions of a small program under four memory models, by enumeration: the judge of an explorer.

    machine_executions    "sc", "tso"       run an operational machine in every possible way
    executions            of any model      guess reads-from and modification orders, keep what is consistent
    outcomes              of any model      what the program's results and final values can be

        thread 0   thread 1        The machine: each thread has a buffer, first in, first out, from which its
           │ buffer   │ buffer     writes go to memory at any time. Its own reads look there first. What is
           ▼          ▼            locked, and mfence, wait until it is empty. Under "sc" nothing is buffered.
        ┌─────── memory ───────┐

The laws are the axioms, written as the papers have them, on relations that are
sets of pairs: "rc11" is Lahav et al. (PLDI 2017), "tso" is herd's x86tso.cat
(Alglave et al., 2014). A read-modify-write is two events there, bound by rmw.
"cpp20" follows the text of C++20 (N4861), [intro.races], [atomics.order] and
[atomics.fences], sentence by sentence. There, a read-modify-write is one operation.

It is naive on purpose: no reduction, no cleverness but one, which the papers
have too: orders that are not coherent, location by location, are dropped
before the axioms are looked at. It knows the data of ``pysnmalloc.explore.scenarios.litmus``
and nothing of what explores them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain, permutations, product
from typing import Literal, NamedTuple, TypeVar

from pysnmalloc.atomics import Order
from pysnmalloc.explore.scenarios.litmus import (
    CompareExchange,
    Exchange,
    Fence,
    FetchAdd,
    Instruction,
    Litmus,
    Load,
    Outcome,
    Store,
)

T = TypeVar("T")

Write = tuple[int, int] | Literal["init"]
"""A write by its name: thread and index of the instruction in it; or the one that set the location to 0."""


class Event(NamedTuple):
    """What an instruction did. A compare-exchange that failed is a load."""

    kind: Literal["load", "store", "update", "fence"]
    location: str | None  # None for a fence
    written: int | None  # None for a load and a fence
    source: Write | None  # the write that was read; None for a store and a fence


class Execution(NamedTuple):
    """Per thread its events in program order; per location, sorted by name, its writes in modification order."""

    threads: tuple[tuple[Event, ...], ...]
    orders: tuple[tuple[Write, ...], ...]  # without "init", which comes first in each


def outcomes(litmus: Litmus, model: str) -> frozenset[Outcome]:
    """What can be seen: under "sc" and "tso" by the machine, under the others by the axioms."""
    found = machine_executions(litmus, model) if model in ("sc", "tso") else executions(litmus, model)
    return frozenset(outcome(each) for each in found)


def outcome(execution: Execution) -> Outcome:
    """The results of each thread; last, the final value of each location."""
    threads, orders = execution
    results = (
        tuple(value(threads, event.source) for event in thread if event.source is not None) for thread in threads
    )
    return *results, tuple(value(threads, order[-1]) if order else 0 for order in orders)


def value(threads: tuple[tuple[Event, ...], ...], write: Write) -> int:
    """The value that a write wrote."""
    if write == "init":
        return 0
    thread, index = write
    written = threads[thread][index].written
    assert written is not None, f"{write} does not write"
    return written


def perform(instruction: Instruction, source: Write, before: int) -> Event:
    """What an instruction does when it reads ``before`` from ``source``; what does not read ignores both."""
    match instruction:
        case Fence():
            return Event("fence", None, None, None)
        case Store(location, written):
            return Event("store", location, written, None)
        case Load(location):
            return Event("load", location, None, source)
        case Exchange(location, written):
            return Event("update", location, written, source)
        case FetchAdd(location, amount):
            return Event("update", location, before + amount, source)
        case CompareExchange(location, expected, desired):
            if before == expected:
                return Event("update", location, desired, source)
            return Event("load", location, None, source)


def is_locked(instruction: Instruction) -> bool:
    """Whether it is compiled for x86 to a locked instruction or mfence."""
    if isinstance(instruction, Store | Fence):
        return instruction.order is Order.SEQ_CST
    return not isinstance(instruction, Load)


# The machine. A state holds what was done so far; values are looked up in it.


class State(NamedTuple):
    threads: tuple[tuple[Event, ...], ...]
    memory: tuple[tuple[Write, ...], ...]  # each location's writes, the last of which is its value
    buffers: tuple[tuple[tuple[int, int], ...], ...]


def machine_executions(litmus: Litmus, model: str) -> frozenset[Execution]:
    """Run the machine in every way, depth first; "sc" has no buffers, "tso" has."""
    assert model in ("sc", "tso")
    threads = len(litmus.threads)
    start = State(((),) * threads, ((),) * len(litmus.locations), ((),) * threads)
    seen, stack = {start}, [start]
    found: set[Execution] = set()
    while stack:
        state = stack.pop()
        after = set(steps(litmus, state, buffered=model == "tso"))
        if not after:
            found.add(Execution(state.threads, state.memory))
        stack += after - seen
        seen |= after
    return frozenset(found)


def steps(litmus: Litmus, state: State, *, buffered: bool) -> Iterator[State]:
    """Yield every state after one step: a thread's oldest buffered write reaches memory, or its next instruction."""
    for thread, program in enumerate(litmus.threads):
        done, buffer = state.threads[thread], state.buffers[thread]
        if buffer:
            buffers = replace(state.buffers, thread, buffer[1:])
            yield State(state.threads, reach(litmus, state.memory, state.threads, buffer[0]), buffers)
        if len(done) < len(program):
            instruction = program[len(done)]
            if not (buffer and is_locked(instruction)):
                yield execute(litmus, state, thread, instruction, buffered=buffered and not is_locked(instruction))


def execute(litmus: Litmus, state: State, thread: int, instruction: Instruction, *, buffered: bool) -> State:
    """The state after a thread's next instruction; what it writes goes to its buffer or to memory."""
    done, buffer = state.threads[thread], state.buffers[thread]
    source: Write = "init"
    if not isinstance(instruction, Fence):
        own = [(t, i) for t, i in buffer if state.threads[t][i].location == instruction.location]
        source = ["init", *state.memory[litmus.locations.index(instruction.location)], *own][-1]
    event = perform(instruction, source, value(state.threads, source))
    threads = replace(state.threads, thread, (*done, event))
    name = (thread, len(done))
    if event.written is None:
        return State(threads, state.memory, state.buffers)
    if buffered:
        return State(threads, state.memory, replace(state.buffers, thread, (*buffer, name)))
    return State(threads, reach(litmus, state.memory, threads, name), state.buffers)


def reach(
    litmus: Litmus, memory: tuple[tuple[Write, ...], ...], threads: tuple[tuple[Event, ...], ...], name: tuple[int, int]
) -> tuple[tuple[Write, ...], ...]:
    """Memory after a write has reached it."""
    location = threads[name[0]][name[1]].location
    assert location is not None
    where = litmus.locations.index(location)
    return replace(memory, where, (*memory[where], name))


def replace(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])


# The axioms. Relations are sets of pairs of nodes, and nodes are numbers.

Pairs = set[tuple[int, int]]


class Node(NamedTuple):
    """What the axioms call an event: a read, a write or a fence; a read-modify-write is two."""

    kind: Literal["R", "W", "F"]
    name: Write
    location: str | None
    order: Order
    locked: bool


def compose(first: Pairs, *others: Pairs) -> Pairs:
    """``first; second; ...``: the pairs that a step of each leads to."""
    for other in others:
        after: dict[int, list[int]] = {}
        for b, c in other:
            after.setdefault(b, []).append(c)
        first = {(a, c) for a, b in first for c in after.get(b, ())}
    return first


def closure(relation: Pairs) -> Pairs:
    """``relation+``: the pairs that one or more steps lead to."""
    result = set(relation)
    while more := compose(result, relation) - result:
        result |= more
    return result


def irreflexive(relation: Pairs) -> bool:
    return all(a != b for a, b in relation)


def acyclic(relation: Pairs) -> bool:
    return irreflexive(closure(relation))


class Graph:
    """What an execution is without its modification orders, as the axioms see it."""

    def __init__(self, litmus: Litmus, threads: tuple[tuple[Event, ...], ...]) -> None:
        self.nodes = [Node("W", "init", location, Order.RELAXED, False) for location in litmus.locations]
        for thread, events in enumerate(threads):
            for index, event in enumerate(events):
                self.nodes += nodes_of(litmus.threads[thread][index], event, (thread, index))
        numbers = {(node.kind, node.name, node.location): n for n, node in enumerate(self.nodes)}
        self.writes = {(name, location): n for (kind, name, location), n in numbers.items() if kind == "W"}
        self.rf = {
            (self.writes[event.source, event.location], numbers["R", (thread, index), event.location])
            for thread, events in enumerate(threads)
            for index, event in enumerate(events)
            if event.source is not None
        }
        everything = list(enumerate(self.nodes))
        self.po = {(a, b) for a, one in everything for b, other in everything if a < b and in_order(one, other)}
        self.po_loc = {(a, b) for a, b in self.po if self.same_location(a, b)}
        self.rmw = {(a, b) for a, b in self.po if self.nodes[a].name == self.nodes[b].name}

    def same_location(self, a: int, b: int) -> bool:
        return self.nodes[a].location is not None and self.nodes[a].location == self.nodes[b].location

    def those(self, kinds: str, *orders: Order) -> Pairs:
        """``[...]``: each node of these kinds, and of these orders if any are given, with itself."""
        return {
            (n, n) for n, node in enumerate(self.nodes) if node.kind in kinds and (not orders or node.order in orders)
        }

    def maybe(self, relation: Pairs) -> Pairs:
        """``relation?``."""
        return relation | self.those("RWF")

    def rb(self, mo: Pairs) -> Pairs:
        """Reads before, also called from-read: a read, and each write after the one it reads."""
        return compose({(b, a) for a, b in self.rf}, mo)

    @cached_property
    def hb(self) -> Pairs:
        """RC11's happens-before."""
        # Every access here is atomic, so [W] and [W at least relaxed] differ in the first writes only.
        release = self.those("RWF", Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST)
        acquire = self.those("RWF", Order.ACQUIRE, Order.ACQ_REL, Order.SEQ_CST)
        fences, reads, writes = self.those("F"), self.those("R"), self.those("W")
        sequences = compose(writes, self.maybe(self.po_loc), writes, self.maybe(closure(compose(self.rf, self.rmw))))
        before, after = self.maybe(compose(fences, self.po)), self.maybe(compose(self.po, fences))
        sw = compose(release, before, sequences, self.rf, reads, after, acquire)
        return closure(self.po | sw)


def nodes_of(instruction: Instruction, event: Event, name: tuple[int, int]) -> Iterator[Node]:
    """The one or two nodes of an event; each half of a read-modify-write has its part of the order."""
    order, locked = instruction.order, is_locked(instruction)
    if event.kind == "fence":
        yield Node("F", name, None, order, locked)
    if event.source is not None:
        left = {Order.RELEASE: Order.RELAXED, Order.ACQ_REL: Order.ACQUIRE}.get(order, order)
        yield Node("R", name, event.location, left, locked)
    if event.written is not None:
        left = {Order.ACQUIRE: Order.RELAXED, Order.ACQ_REL: Order.RELEASE}.get(order, order)
        yield Node("W", name, event.location, left, locked)


def in_order(first: Node, second: Node) -> bool:
    """Program order, for nodes in the order in which they are numbered: the first writes are before all else."""
    if first.name == "init" or second.name == "init":
        return second.name != "init"
    return first.name[0] == second.name[0]


def coherent(graph: Graph, mo: Pairs) -> bool:
    """The least of every model: each location by itself is sequentially consistent, and updates are atomic."""
    rb = graph.rb(mo)
    accesses = {n for pair in mo | rb for n in pair}
    rf = {(a, b) for a, b in graph.rf if a in accesses}
    po_loc = {(a, b) for a, b in graph.po_loc if a in accesses and b in accesses}
    return acyclic(po_loc | rf | mo | rb) and not graph.rmw & compose(rb, mo)


def consistent_sc(graph: Graph, mo: Pairs) -> bool:
    rb = graph.rb(mo)
    return acyclic(graph.po | graph.rf | mo | rb) and not graph.rmw & compose(rb, mo)


def consistent_tso(graph: Graph, mo: Pairs) -> bool:
    nodes, po, rb = graph.nodes, graph.po, graph.rb(mo)
    uniproc = acyclic(graph.po_loc | graph.rf | mo | rb)
    atomic = not graph.rmw & compose(rb, mo)
    ppo = {(a, b) for a, b in po if nodes[a].kind + nodes[b].kind in ("RR", "RW", "WW")}
    implied = {(a, b) for a, b in po if nodes[a].locked or nodes[b].locked}
    rfe = graph.rf - po
    return uniproc and atomic and acyclic(ppo | implied | rfe | mo | rb)


def consistent_rc11(graph: Graph, mo: Pairs) -> bool:
    rf, hb, po, rb = graph.rf, graph.hb, graph.po, graph.rb(mo)
    eco = closure(rf | mo | rb)
    coherence = irreflexive(compose(hb, graph.maybe(eco)))
    atomicity = not graph.rmw & compose(rb, mo)
    sc, fence, hb_maybe = graph.those("RWF", Order.SEQ_CST), graph.those("F", Order.SEQ_CST), graph.maybe(hb)
    elsewhere = po - graph.po_loc
    hb_loc = {(a, b) for a, b in hb if graph.same_location(a, b)}
    scb = po | compose(elsewhere, hb, elsewhere) | hb_loc | mo | rb
    psc_base = compose(sc | compose(fence, hb_maybe), scb, sc | compose(hb_maybe, fence))
    psc_f = compose(fence, hb | compose(hb, eco, hb), fence)
    return coherence and atomicity and acyclic(psc_base | psc_f) and acyclic(po | rf)


def consistent_cpp20(graph: Graph, mo: Pairs, *, as_written: bool = False) -> bool:
    standard = Standard(graph, mo)
    return standard.is_coherent() and standard.has_total_order(as_written=as_written) and acyclic(graph.po | graph.rf)


class Standard:
    """An execution in the standard's words. An operation goes by its first node, so a read-modify-write is one.

    The first value of a location is a modification that happens before everything else, of no order.
    """

    def __init__(self, graph: Graph, mo: Pairs) -> None:
        first = {b: a for a, b in graph.rmw}
        whole = [first.get(n, n) for n in range(len(graph.nodes))]

        def merged(relation: Pairs) -> Pairs:
            return {(whole[a], whole[b]) for a, b in relation if whole[a] != whole[b]}

        self.nodes = graph.nodes
        self.operations = sorted(set(whole))
        self.reads = {n for n in self.operations if graph.nodes[n].kind == "R"}
        self.modifications = {whole[n] for n, node in enumerate(graph.nodes) if node.kind == "W"}
        self.fences = {n for n in self.operations if graph.nodes[n].kind == "F"}
        self.sequenced = merged(graph.po)
        self.reads_value_of = {b: a for a, b in merged(graph.rf)}  # the modification whose value an operation reads
        self.mo = merged(mo)
        parts = [(whole[n], node.order) for n, node in enumerate(graph.nodes)]
        self.releases = {n for n, order in parts if order in (Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST)}
        self.acquires = {n for n, order in parts if order in (Order.ACQUIRE, Order.ACQ_REL, Order.SEQ_CST)}
        self.seq_cst = {n for n, order in parts if order is Order.SEQ_CST}

    def release_sequence(self, head: int) -> set[int]:
        """A maximal contiguous part of the modification order: the head, and then read-modify-writes only."""
        sequence = {head}
        while more := {b for b in self.after(sequence) if b in self.reads}:
            sequence |= more
        return sequence

    def after(self, sequence: set[int]) -> set[int]:
        """The modification next to a contiguous part of the modification order, in a set."""
        later = {b for a, b in self.mo if a in sequence} - sequence
        return {b for b in later if not any((c, b) in self.mo for c in later)}

    @cached_property
    def synchronizes(self) -> Pairs:
        """Synchronizes-with: of two operations, of a fence and an operation, or of two fences."""
        found: Pairs = set()
        for x in self.modifications:
            observed = {y for y, a in self.reads_value_of.items() if a in self.release_sequence(x)}
            before = {a for a, b in self.sequenced if b == x and a in self.fences & self.releases}
            releasing = before | ({x} & self.releases)
            for y in observed:
                after = {b for a, b in self.sequenced if a == y and b in self.fences & self.acquires}
                found |= set(product(releasing, after | ({y} & self.acquires)))
        return found

    @cached_property
    def happens(self) -> Pairs:
        """Happens-before, which is "simply happens before", as nothing consumes."""
        return closure(self.sequenced | self.synchronizes)

    @cached_property
    def strongly_happens(self) -> Pairs:
        both = {(a, b) for a, b in self.synchronizes if a in self.seq_cst and b in self.seq_cst}
        return closure(self.sequenced | both | compose(self.sequenced, self.happens, self.sequenced))

    def is_coherent(self) -> bool:
        """The four rules of coherence, and that of read-modify-writes."""
        value_of, mo = self.reads_value_of, self.mo
        for a, b in self.happens:
            if a == b:
                return False
            if self.nodes[a].location is None or self.nodes[a].location != self.nodes[b].location:
                continue
            if a in self.modifications and b in self.modifications and (a, b) not in mo:  # write-write
                return False
            if a in self.reads and b in self.reads and (value_of[b], value_of[a]) in mo:  # read-read
                return False
            if a in self.reads and b in self.modifications and (value_of[a], b) not in mo:  # read-write
                return False
            if a in self.modifications and b in self.reads and (value_of[b], a) in mo:  # write-read
                return False
        updates = self.reads & self.modifications
        return all(b in self.after({a} | {c for c, d in mo if d == a}) for b, a in value_of.items() if b in updates)

    def has_total_order(self, *, as_written: bool) -> bool:
        """Whether the seq_cst operations, fences included, have an order S as the standard demands.

        As written, the text forbids what compiled code does on x86 (LWG 3941): where A or B is itself in S, it is
        enough that B reads a value stored after A. The rule as meant demands that A precedes B in modification order,
        that A reads a value which B replaces or which was replaced before B, or that A happens before B.
        """
        reads_from = {(a, b) for b, a in self.reads_value_of.items()}
        misses = {(a, b) for a, x in self.reads_value_of.items() for y, b in self.mo if x == y and a != b}
        precedes = {(a, b) for a, b in self.strongly_happens if a in self.seq_cst and b in self.seq_cst}
        for a, b in closure(reads_from | self.mo | misses):
            before = {x for x, y in self.happens if y == a and x in self.fences & self.seq_cst}
            after = {y for x, y in self.happens if x == b and y in self.fences & self.seq_cst}
            precedes |= set(product(before, after))
            if as_written or (a, b) in self.mo | misses | self.happens:
                precedes |= set(product(before | ({a} & self.seq_cst), after | ({b} & self.seq_cst)))
        return acyclic(precedes)


CONSISTENT = {"sc": consistent_sc, "tso": consistent_tso, "cpp20": consistent_cpp20, "rc11": consistent_rc11}


def executions(litmus: Litmus, model: str) -> frozenset[Execution]:
    """Every consistent execution, found by guessing all that the program leaves open."""
    consistent = CONSISTENT[model]
    found: set[Execution] = set()
    for threads in guess_sources(litmus):
        graph = Graph(litmus, threads)
        for guess in product(*(guess_order(graph, location) for location in litmus.locations)):
            if consistent(graph, set(chain.from_iterable(mo for _, mo in guess))):
                found.add(Execution(threads, tuple(order for order, _ in guess)))
    return frozenset(found)


def guess_sources(litmus: Litmus) -> Iterator[tuple[tuple[Event, ...], ...]]:
    """Let every read read from every write of its location: what the threads do then, when it can be done."""
    named = {(t, i): each for t, thread in enumerate(litmus.threads) for i, each in enumerate(thread)}
    choices: list[list[Write]] = []
    for name, instruction in named.items():
        others: list[Write] = ["init"]
        if not isinstance(instruction, Store | Fence):
            for other, writer in named.items():
                if other != name and not isinstance(writer, Load | Fence) and writer.location == instruction.location:
                    others.append(other)
        choices.append(others)
    for sources in product(*choices):
        if threads := play(litmus, dict(zip(named, sources, strict=True))):
            yield threads


def play(litmus: Litmus, sources: dict[tuple[int, int], Write]) -> tuple[tuple[Event, ...], ...] | None:
    """Do the instructions, each after what it reads from; None when po and rf have a cycle, or a source does not write.

    All models here forbid the cycle, and without it values follow from sources, as there are no branches.
    """
    threads: tuple[tuple[Event, ...], ...] = ((),) * len(litmus.threads)
    left = sum(map(len, litmus.threads))
    while left:
        ready = [
            (thread, source)
            for thread, program in enumerate(litmus.threads)
            if (index := len(threads[thread])) < len(program)
            and ((source := sources[thread, index]) == "init" or source[1] < len(threads[source[0]]))
        ]
        if not ready:
            return None
        for thread, source in ready:
            if source != "init" and threads[source[0]][source[1]].written is None:
                return None
            done = threads[thread]
            event = perform(litmus.threads[thread][len(done)], source, value(threads, source))
            threads = replace(threads, thread, (*done, event))
        left -= len(ready)
    return threads


def guess_order(graph: Graph, location: str) -> Iterator[tuple[tuple[Write, ...], Pairs]]:
    """Yield every coherent modification order of a location, as names and as pairs."""
    first = graph.writes["init", location]
    later = {name: n for (name, where), n in graph.writes.items() if where == location and n != first}
    for order in permutations(later):
        numbers = [first, *(later[name] for name in order)]
        mo = {(a, b) for i, a in enumerate(numbers) for b in numbers[i + 1 :]}
        if coherent(graph, mo):
            yield order, mo

"""Litmus tests as scenarios: the explorer finds the outcomes that a memory model allows (§2.2)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import cast

from ..findings.result import Result
from ..threads.scenario import Place, Scenario, ThreadCode
from .litmus import CompareExchange, Exchange, Fence, FetchAdd, Instruction, Litmus, Load, Outcome, Store

__all__ = ["LitmusScenario", "outcomes_of"]


class LitmusScenario(Scenario):
    """The program of a litmus test. Its judge never raises, and returns the final values of all locations.

    The threads P0, P1, ... return the values that their instructions read.
    """

    section = "§2.2"
    concepts = ()  #: its threads use no part

    def __init__(self, litmus: Litmus) -> None:
        self.litmus = litmus
        self.name = f"litmus:{litmus.name}"
        self.about = litmus.about
        self._addresses = {location: 64 * at for at, location in enumerate(litmus.locations, 1)}
        self.fields = {address: location for location, address in self._addresses.items()}

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return one thread per thread of the program."""
        return {f"P{number}": self._follow(program) for number, program in enumerate(self.litmus.threads)}

    def _follow(self, program: tuple[Instruction, ...]) -> ThreadCode:
        """Return a thread that executes the instructions, and returns the values that they read."""

        def run(place: Place) -> Hashable:
            read = (self._make(instruction, place) for instruction in program)
            return tuple(value for value in read if value is not None)

        return run

    def _make(self, instruction: Instruction, place: Place) -> int | None:
        """Execute an instruction, and return the value that it reads, if any."""
        atomics, at = place.atomics, self._addresses
        match instruction:
            case Load(location, order):
                return atomics.load(at[location], order)
            case Store(location, value, order):
                atomics.store(at[location], value, order)
                return None
            case Exchange(location, value, order):
                return atomics.exchange(at[location], value, order)
            case FetchAdd(location, amount, order):
                return atomics.fetch_add(at[location], amount, order)
            case CompareExchange(location, expected, desired, order):
                return atomics.compare_exchange(at[location], expected, desired, order)[1]
            case Fence(order):
                atomics.fence(order)
                return None

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:  # noqa: ARG002
        """Return the final values of all locations."""
        return tuple(place.memory.u64[address >> 3] for address in self._addresses.values())


def outcomes_of(result: Result) -> frozenset[Outcome]:
    """Return the outcomes of an explored litmus test in the form that ``Litmus.matches`` takes."""
    found = ((*outcome.results, outcome.judged) for outcome in result.outcomes)
    return frozenset(tuple(cast("tuple[int, ...]", part) for part in parts) for parts in found)

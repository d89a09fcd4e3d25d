'''The explorer in pytest: a scenario is a test, and a finding says how to keep it as one (§2.2).

    # test_counter.py
    from pysnmalloc.atomics import Order
    from pysnmalloc.explore import Scenario, Wrong
    from pysnmalloc.explore.testing import assert_found, assert_replays, explored

    class Counter(Scenario):
        """Two threads add 1 each, by one atomic operation."""

        def threads(self):
            return {"A": self.add, "B": self.add}

        def add(self, place):
            place.atomics.fetch_add(64, 1, Order.RELAXED)

        def judge(self, place, results):
            if place.memory.u64[8] != 2:
                raise Wrong("lost update", f"it is {place.memory.u64[8]}")

    class Careless(Counter):
        """The same, by a load and a store."""

        def add(self, place):
            place.atomics.store(64, place.atomics.load(64, Order.RELAXED) + 1, Order.RELAXED)

    @explored("sc", "tso", "rc11")
    def test_no_update_is_lost():
        return Counter()

    def test_a_load_and_a_store_lose_one():
        finding = assert_found(Careless(), "lost update", model="sc")
        assert_replays(Careless(), finding.schedule, "lost update", model="sc")

A scenario that is not explored to its end is not proved, and fails: raise a limit, or
name a bound, such as ``preemptions=2``, that the proof is to be within.
'''

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TypedDict, Unpack

from ..atomics import Order
from .explorer import explore, replay
from .findings.finding import Finding
from .findings.result import Result
from .threads.scenario import Scenario

__all__ = ["Options", "assert_found", "assert_proved", "assert_replays", "explored"]


class Options(TypedDict, total=False):
    """Options of ``explore`` that are handed on to it.

    Attributes:
        plain: every interleaving, instead of one execution of each class.
        preemptions: every execution with at most so many.
        random: so many executions, drawn by lot.
        pct: depth of probabilistic concurrency testing, with ``random``.
        seed: of the lots.
        weaken: orders to use at some sites of the source, by the sites' names.
        steps: of one thread, more of which are a livelock.
        executions: stop after so many.
        patience: after something wrong was found, look at so many more executions for a shorter one.
        executor: where to search subtrees.
    """

    plain: bool
    preemptions: int | None
    random: int | None
    pct: int | None
    seed: int
    weaken: Mapping[str, Order] | None
    steps: int
    executions: int | None
    patience: int
    executor: Executor | None


def assert_proved(scenario: Scenario, model: str = "rc11", **how: Unpack[Options]) -> Result:
    """Explore; fail if anything goes wrong, or if executions were left out that no bound names.

    Args:
        scenario: what to explore.
        model: ``sc``, ``tso`` or ``rc11``.
        **how: as for ``explore``.

    Raises:
        AssertionError: with each finding, and a test that replays it; or saying why this is no proof.
    """
    __tracebackhide__ = True
    result = explore(scenario, model, **how)
    if result.findings:
        found = [f"{one}\n\n{_test_of(one, scenario, how)}" for one in result.findings]
        raise AssertionError("\n\n".join((f"“{scenario.name}”, model {model}: {result.verdict}", *found)))
    if not result.exhausted and result.within is None:
        raise AssertionError(f"“{scenario.name}”, model {model}: {result.verdict}")
    return result


def assert_found(scenario: Scenario, kind: str, model: str = "rc11", **how: Unpack[Options]) -> Finding:
    """Explore, and return the finding of a kind; fail if there is none.

    Args:
        scenario: what to explore.
        kind: of the finding, such as ``lost message`` or ``data race``.
        model: ``sc``, ``tso`` or ``rc11``.
        **how: as for ``explore``.

    Raises:
        AssertionError: saying what was found instead.
    """
    __tracebackhide__ = True
    result = explore(scenario, model, **how)
    for finding in result.findings:
        if finding.kind == kind:
            return finding
    others = "\n\n".join(map(str, result.findings))
    raise AssertionError(f"“{scenario.name}”, model {model}: no “{kind}”; {result.verdict}\n\n{others}".rstrip())


def assert_replays(
    scenario: Scenario,
    schedule: str,
    kind: str | None,
    model: str = "rc11",
    weaken: Mapping[str, Order] | None = None,
) -> Finding | None:
    """Replay a schedule; fail if it does not go wrong in this way.

    Args:
        scenario: what to replay.
        schedule: as a finding has it.
        kind: of the finding; None if nothing is to go wrong (any more).
        model: ``sc``, ``tso`` or ``rc11``.
        weaken: as for ``explore``.

    Raises:
        AssertionError: saying what happened instead.
        ScheduleError: when the schedule is none of this scenario under this model.
    """
    __tracebackhide__ = True
    finding = replay(scenario, schedule, model, weaken)
    if (finding.kind if finding is not None else None) != kind:
        wanted = f"“{kind}”" if kind is not None else "nothing wrong"
        instead = str(finding) if finding is not None else "nothing went wrong"
        raise AssertionError(f"“{scenario.name}”, model {model}, “{schedule}”: {wanted} was expected\n\n{instead}")
    return finding


def explored(
    *models: str, finds: str | None = None, **how: Unpack[Options]
) -> Callable[[Callable[[], Scenario]], Callable[[str], None]]:
    """Make a test of a function that returns a scenario: one for each model, ``rc11`` where none is named.

    Args:
        *models: ``sc``, ``tso``, ``rc11``.
        finds: the kind of finding that there has to be; None: the scenario has to be proved.
        **how: as for ``explore``.
    """
    import pytest  # the explorer itself does not need it

    def decorate(make: Callable[[], Scenario]) -> Callable[[str], None]:
        def test(model: str) -> None:
            __tracebackhide__ = True
            if finds is None:
                assert_proved(make(), model, **how)
            else:
                assert_found(make(), finds, model, **how)

        # By hand: functools.wraps would show pytest the function inside, which has no parameter.
        test.__name__, test.__qualname__ = make.__name__, make.__qualname__
        test.__doc__, test.__module__ = make.__doc__, make.__module__
        marked: Callable[[str], None] = pytest.mark.parametrize("model", models or ("rc11",))(test)
        return marked

    return decorate


def _test_of(finding: Finding, scenario: Scenario, how: Options) -> str:
    """A test that replays a finding, ready to be pasted."""
    name = "_".join("".join(char if char.isalnum() else " " for char in finding.kind.lower()).split())
    weaken = how.get("weaken") or {}
    weakened = ", ".join(f'"{site}": Order.{order.name}' for site, order in weaken.items())
    arguments = [f'"{finding.schedule}"', f'"{finding.kind}"', f'model="{finding.model}"']
    if weakened:
        arguments.append(f"weaken={{{weakened}}}")
    return "\n".join(
        (
            f"def test_replay_{name}():",
            f"    scenario = {type(scenario).__name__}(...)  # the scenario that was explored",
            f"    assert_replays(scenario, {', '.join(arguments)})",
        )
    )

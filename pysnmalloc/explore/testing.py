'''The explorer in pytest: a scenario becomes a test, and a finding comes with a test that replays it (§2.2).

    # test_counter.py
    from pysnmalloc.atomics import Order
    from pysnmalloc.explore import Scenario, Wrong
    from pysnmalloc.explore.testing import assert_found, assert_replays, explored

    class Counter(Scenario):
        """Two threads each add 1 with one atomic operation."""

        def threads(self):
            return {"A": self.add, "B": self.add}

        def add(self, place):
            place.atomics.fetch_add(64, 1, Order.RELAXED)

        def judge(self, place, results):
            if place.memory.u64[8] != 2:
                raise Wrong("lost update", f"the counter is {place.memory.u64[8]}")

    class Careless(Counter):
        """Two threads each add 1 with a load and a store."""

        def add(self, place):
            place.atomics.store(64, place.atomics.load(64, Order.RELAXED) + 1, Order.RELAXED)

    @explored("sc", "tso", "cpp20")
    def test_no_update_is_lost():
        return Counter()

    def test_a_load_and_a_store_lose_one():
        finding = assert_found(Careless(), "lost update", model="sc")
        assert_replays(Careless(), finding.schedule, "lost update", model="sc")

A test fails if the scenario was not explored completely, because this is not a proof. In that
case, raise a limit, or name a bound for the proof, such as ``preemptions=2``.
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
    """The options of ``explore``, which the functions of this module pass on.

    Attributes:
        plain: whether to explore every interleaving, instead of one execution of each class.
        preemptions: the bound on preemptions, if every execution within a bound is to be explored.
        random: the number of executions to draw at random.
        pct: the depth of probabilistic concurrency testing, with ``random``.
        seed: the seed of the random choices.
        weaken: the orders to use at some sites of the source, by the sites' names.
        steps: the largest number of steps of one thread; a thread that takes more is a livelock.
        executions: the number of executions after which the search stops.
        patience: after a failure, the number of further executions to explore for a shorter one.
        executor: the executor that searches subtrees.
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


def assert_proved(scenario: Scenario, model: str = "cpp20", **how: Unpack[Options]) -> Result:
    """Explore a scenario, and fail if there is a finding, or if executions were left out that no bound excludes.

    Args:
        scenario: the scenario to explore.
        model: ``sc``, ``tso``, ``cpp20`` or ``rc11``.
        **how: the options of ``explore``.

    Raises:
        AssertionError: if there is no proof; the message shows each finding and a test that replays it.
    """
    __tracebackhide__ = True
    result = explore(scenario, model, **how)
    if result.findings:
        found = [f"{one}\n\n{_test_of(one, scenario, how)}" for one in result.findings]
        raise AssertionError("\n\n".join((f"“{scenario.name}”, model {model}: {result.verdict}", *found)))
    if not result.exhausted and result.within is None:
        raise AssertionError(f"“{scenario.name}”, model {model}: {result.verdict}")
    return result


def assert_found(scenario: Scenario, kind: str, model: str = "cpp20", **how: Unpack[Options]) -> Finding:
    """Explore a scenario, and return the finding of a kind; fail if there is none.

    Args:
        scenario: the scenario to explore.
        kind: the kind of the finding, such as ``lost message`` or ``data race``.
        model: ``sc``, ``tso``, ``cpp20`` or ``rc11``.
        **how: the options of ``explore``.

    Raises:
        AssertionError: if there is no such finding; the message says what was found instead.
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
    model: str = "cpp20",
    weaken: Mapping[str, Order] | None = None,
) -> Finding | None:
    """Replay a schedule, and return its finding; fail if this is not of the expected kind.

    Args:
        scenario: the scenario to replay.
        schedule: the schedule, as a finding shows it.
        kind: the expected kind of finding; None if no failure is expected, for example after a correction.
        model: ``sc``, ``tso``, ``cpp20`` or ``rc11``.
        weaken: the orders to use at some sites of the source, as for ``explore``.

    Raises:
        AssertionError: if the replay ends differently; the message says how.
        ScheduleError: if the schedule does not fit this scenario under this model.
    """
    __tracebackhide__ = True
    finding = replay(scenario, schedule, model, weaken)
    if (finding.kind if finding is not None else None) != kind:
        wanted = f"“{kind}”" if kind is not None else "no failure"
        instead = str(finding) if finding is not None else "there was no failure"
        raise AssertionError(f"“{scenario.name}”, model {model}, “{schedule}”: {wanted} was expected\n\n{instead}")
    return finding


def explored(
    *models: str, finds: str | None = None, **how: Unpack[Options]
) -> Callable[[Callable[[], Scenario]], Callable[[str], None]]:
    """Turn a function that returns a scenario into one test for each model, or for ``cpp20`` if none is named.

    Args:
        *models: ``sc``, ``tso``, ``cpp20``, ``rc11``.
        finds: the kind of finding that the scenario must have; None if the scenario must be proved.
        **how: the options of ``explore``.
    """
    import pytest  # the explorer itself does not need pytest

    def decorate(make: Callable[[], Scenario]) -> Callable[[str], None]:
        def test(model: str) -> None:
            __tracebackhide__ = True
            if finds is None:
                assert_proved(make(), model, **how)
            else:
                assert_found(make(), finds, model, **how)

        # Not by functools.wraps, which would show pytest the wrapped function, which has no parameter.
        test.__name__, test.__qualname__ = make.__name__, make.__qualname__
        test.__doc__, test.__module__ = make.__doc__, make.__module__
        marked: Callable[[str], None] = pytest.mark.parametrize("model", models or ("cpp20",))(test)
        return marked

    return decorate


def _test_of(finding: Finding, scenario: Scenario, how: Options) -> str:
    """Return a test that replays a finding, ready to paste."""
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

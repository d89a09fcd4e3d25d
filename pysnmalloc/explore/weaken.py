"""Find the memory orders that a scenario needs, by weakening each order in turn (§2.2).

    site                          order     weaker      then
    MessageQueue.enqueue store 2  release   relaxed     data race: the consumer sees a message without its payload
    ...

An order is needed if weakening that order alone makes some execution fail; that execution is
the reason. If no execution fails, this scenario does not need the order, perhaps because it is
too small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..atomics import Order
from .explorer import explore
from .findings.result import Result
from .search.exploration import Exploration
from .search.search import search
from .threads.ops import FENCE, LOAD, SPECULATE, STORE, WAIT
from .threads.scenario import Scenario
from .threads.segment import NewCell
from .threads.watching import ticking

__all__ = ["Weakened", "weaken_each", "weaker_orders"]

Progress = Callable[[str, float], object]

_WEAKER = {
    Order.SEQ_CST: (Order.ACQ_REL,),
    Order.ACQ_REL: (Order.ACQUIRE, Order.RELEASE, Order.RELAXED),
    Order.ACQUIRE: (Order.RELAXED,),
    Order.RELEASE: (Order.RELAXED,),
    Order.RELAXED: (),
}


@dataclass(frozen=True)
class Weakened:
    """The exploration of a scenario with one order weakened.

    Attributes:
        site: the name of the site in the source, as in findings.
        order, weaker: the order in the source, and the weaker order that was explored.
        result: the result of the exploration.
    """

    site: str
    order: Order
    weaker: Order
    result: Result

    @property
    def needed(self) -> bool:
        """Whether the scenario fails with the weaker order."""
        return not self.result.ok


def weaker_orders(kind: str, order: Order) -> tuple[Order, ...]:
    """Return the next weaker orders that an operation can have: a load does not release, a store does not acquire."""
    if order is Order.SEQ_CST:
        by_kind = {LOAD: Order.ACQUIRE, WAIT: Order.ACQUIRE, STORE: Order.RELEASE}
        return (by_kind.get(kind, Order.ACQ_REL),)
    return _WEAKER[order]


def weaken_each(
    scenario: Scenario, model: str = "cpp20", *, patience: int = 500, progress: Progress | None = None
) -> tuple[Weakened, ...]:
    """Explore a scenario once for each site and each weaker order that the site can have.

    Args:
        scenario: the scenario.
        model: the memory model.
        patience: after a failure, the number of further executions to explore for a shorter one.
        progress: a function to call before each exploration with its site and order, and the fraction done, 0 to 1.
    """
    wanted = [
        (site, order, weaker)
        for site, (kind, order) in sorted(_orders(scenario, model).items())
        for weaker in weaker_orders(kind, order)
    ]
    weakened: list[Weakened] = []
    for done, (site, order, weaker) in enumerate(wanted):
        if progress is not None:
            progress(f"{site} {weaker.value}", done / len(wanted))
        result = explore(scenario, model, weaken={site: weaker}, patience=patience)
        weakened.append(Weakened(site, order, weaker, result))
    return tuple(weakened)


@ticking()
def _orders(scenario: Scenario, model: str) -> dict[str, tuple[str, Order]]:
    """Return the sites of a scenario's atomic operations, with their kinds and orders."""
    exploration = Exploration(scenario, model, {}, 500)
    while True:
        exploration.prepare()
        try:
            for _ in search([exploration.empty()], lambda _: None):
                pass
        except NewCell:
            continue
        return {
            site: (kind, order)
            for tree in exploration.start.trees
            for site, (kind, order) in tree.sites.items()
            if kind not in (SPECULATE,) and (kind != FENCE or order is not Order.RELAXED)
        }

"""Names for failures: a broken execution, an error, a judge's verdict (§2.2, §2.5)."""

from __future__ import annotations

from ...errors import DoubleFree, InvalidPointer, LawBroken, SnmallocError
from ..executions.broken import Broken, Race, ThreadFailed, Uninitialised
from ..threads.misuse import WrongUse, asked
from ..threads.run import Endless
from ..threads.scenario import Scenario, Wrong
from ..threads.stops import where_raised
from ..threads.tree import TooLong

__all__ = ["NOT_REPEATABLE", "named", "named_error"]

NOT_REPEATABLE = "not repeatable"  #: the kind of finding of a thread that does not do the same after the same reads


def named(scenario: Scenario, broken: Broken, names: tuple[str, ...]) -> tuple[str, str]:
    """Name what broke an execution: (kind, detail)."""
    if isinstance(broken, Race):
        first, second = (names[thread] for thread in broken.threads)
        return "data race", (
            f"nothing orders {first}'s and {second}'s accesses to {asked(scenario.field, broken.address)}, "
            f"and one is a write: `{broken.lines[0]}` and `{broken.lines[1]}`"
        )
    if isinstance(broken, Uninitialised):
        return "uninitialised read", (
            f"{names[broken.threads[-1]]} reads {asked(scenario.field, broken.address)}, never written: `{broken.line}`"
        )
    assert isinstance(broken, ThreadFailed)
    kind, detail = named_error(broken.error)
    return kind, f"{names[broken.threads[-1]]}: {detail}"


def named_error(error: BaseException) -> tuple[str, str]:
    """Name an error raised by a thread or a judge: (kind, detail)."""
    if isinstance(error, Wrong):
        return error.kind, error.detail
    if isinstance(error, LawBroken):
        return f"law broken: {error.law}", f"{error.reason}\n{error.dump}"
    if isinstance(error, TooLong):
        return f"livelock within {error.limit} steps", str(error)
    if isinstance(error, Endless):
        return "endless loop", str(error)
    if isinstance(error, WrongUse):
        return "wrong use", str(error)
    if isinstance(error, DoubleFree):
        return "double free", str(error)
    if isinstance(error, InvalidPointer):
        return "invalid pointer", str(error)
    if isinstance(error, SnmallocError):
        return type(error).__name__, str(error)
    site = where_raised(error)
    said = str(error) or type(error).__name__
    return f"error: {type(error).__name__}", f"{said}, at `{site.line}`" if site is not None and site.line else said

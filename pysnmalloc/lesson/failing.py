"""Code that is meant to fail: it is run, its error is shown, and the notebook goes on (§2).

    with fails(AssertionError):
        ...                         the broken version

A cell that ends in an error stops “run all” in most notebooks. Here the error is the point: it is
printed with the line that raised it; and a broken version that does not fail after all is an error.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Self

__all__ = ["fails"]


class fails:  # noqa: N801  # used as a statement: with fails(...)
    """Run a block that must raise an error, and print that error.

    Args:
        kinds: the errors that are meant; any other is raised as usual.

    Raises:
        AssertionError: when the block raises nothing.
    """

    def __init__(self, *kinds: type[Exception]) -> None:
        self.kinds = kinds or (Exception,)
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        names = ", ".join(each.__name__ for each in self.kinds)
        if error is None:
            raise AssertionError(f"this block was to fail with {names}, and did not: what it shows is no longer so")
        if not isinstance(error, self.kinds):
            return False
        assert isinstance(error, Exception)
        self.error = error
        print(f"✘ {type(error).__name__}: {error}")
        for frame in traceback.extract_tb(trace)[-1:]:
            print(f"  line {frame.lineno}: {frame.line}" if frame.line else f"  line {frame.lineno}")
        return True

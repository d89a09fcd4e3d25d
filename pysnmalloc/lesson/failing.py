"""Code that must fail: its error is shown, and the notebook goes on (§2).

    with fails(AssertionError):
        ...                         the broken version

A cell that ends in an error stops “run all” in most notebooks. Here the error is the point, so it is
printed with the line that raised it. If the broken version does not fail, that is an error.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Self

__all__ = ["fails"]


class fails:  # noqa: N801  # used as a statement: with fails(...)
    """Run a block that must raise an error, and print the error.

    Args:
        kinds: the expected errors; any other error propagates.

    Raises:
        AssertionError: if the block raises nothing.
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
            raise AssertionError(f"this block must fail with {names}, but it did not: what it shows is no longer true")
        if not isinstance(error, self.kinds):
            return False
        assert isinstance(error, Exception)
        self.error = error
        print(f"✘ {type(error).__name__}: {error}")
        for frame in traceback.extract_tb(trace)[-1:]:
            print(f"  line {frame.lineno}: {frame.line}" if frame.line else f"  line {frame.lineno}")
        return True

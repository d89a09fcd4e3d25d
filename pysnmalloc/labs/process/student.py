"""A student's file, as the judges see it: functions and objects that are called in another process (§2).

    student = Student(Path("sizes.py"), source)
    size_of = student.function("size_of")
    size_of(9)                                160, from the student's process

A function of a student is called like any other, so the judges' ``call`` compares and tells its results as it
does those of an exercise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ...lesson.judging import Failed
from .asking import Asking, NoAnswer
from .limits import LIMITS, Limits

__all__ = ["Made", "Student"]

Function = Callable[..., object]


class Student:
    """A student's file in a process of its own.

    Args:
        file: the file.
        source: its text.
        limits: what the process may use.

    Attributes:
        source: the text of the file.
        asking: the process.
    """

    def __init__(self, file: Path, source: str, limits: Limits = LIMITS) -> None:
        self._file = file
        self.source = source
        self.asking = Asking(limits)

    def __enter__(self) -> Self:
        self.asking.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.asking.__exit__(kind, error, trace)

    def load(self) -> None:
        """Run the student's file.

        Raises:
            Failed: if it ends in an error.
        """
        self.ask({"do": "load", "file": str(self._file.resolve())})

    def function(self, name: str) -> Function:
        """Return a function of the file. Whether it exists shows when it is called."""

        def function(*arguments: object) -> object:
            return self._called({"do": "call", "name": name}, arguments)

        return function

    def new(self, name: str, memory: bytes, *arguments: object) -> Made:
        """Return an object of a class of the file, with a memory of its own that holds these bytes.

        Raises:
            Failed: if there is no such class, or if its constructor fails.
        """
        question = {"do": "new", "name": name, "args": list(arguments), "size": len(memory), "bytes": memory}
        number = self.ask(question)["returned"]
        if not isinstance(number, int):
            raise Failed("gives no answer that the check understands")
        return Made(self, number)

    def ask(self, question: Mapping[str, object]) -> dict[object, object]:
        """Return the answer to a question.

        Raises:
            Failed: if the student's code fails, or gives no answer.
            NotImplementedError: if it is the stub.
        """
        try:
            answer = self.asking.ask(question)
        except NoAnswer as why:
            raise Failed(str(why)) from None
        if answer.get("open"):
            raise NotImplementedError
        if "failed" in answer or "returned" not in answer:
            raise Failed(str(answer.get("failed", "gives no answer that the check understands"))[:500])
        return answer

    def _called(self, question: Mapping[str, object], arguments: tuple[object, ...]) -> object:
        """Call something, and change the arguments as the student's code has changed its own."""
        answer = self.ask({**question, "args": list(arguments)})
        after = answer.get("args")
        for mine, theirs in zip(arguments, after if isinstance(after, list) else (), strict=False):
            if isinstance(mine, list) and isinstance(theirs, list):
                mine[:] = theirs
            elif isinstance(mine, dict) and isinstance(theirs, dict):
                mine.clear()
                mine.update(theirs)
        return answer["returned"]


class Made:
    """An object of a student's class.

    Args:
        student: whose it is.
        number: its number in the student's process.
    """

    def __init__(self, student: Student, number: int) -> None:
        self._student = student
        self._number = number

    def method(self, name: str) -> Function:
        """Return a method of the object."""

        def method(*arguments: object) -> object:
            return self._student._called({"do": "call", "of": self._number, "name": name}, arguments)

        return method

    def held(self) -> bytes:
        """Return the memory of the object.

        Raises:
            Failed: if the process gives no answer.
        """
        held = self._student.ask({"do": "bytes", "of": self._number})["returned"]
        if not isinstance(held, bytes):
            raise Failed("gives no answer that the check understands")
        return held

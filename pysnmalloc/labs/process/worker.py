"""The worker: the program of a student's process (§2).

    python -m pysnmalloc.labs.process.worker

    {"do": "limit", ...}                               before anything else
    {"do": "load", "file": "sizes.py"}                 runs the student's file
    {"do": "call", "name": "size_of", "args": [9]}     ──► {"returned": 160, "args": [9]}
    {"do": "new", "name": "Slab", "args": ..., "size": 1024, "bytes": ...}
    {"do": "call", "of": 0, "name": "take", "args": []}
    {"do": "bytes", "of": 0}

Questions come by standard input. Answers go out by what was standard output; what the student prints goes to
standard error. Nothing here is trusted by the judge: a student can change all of it, and gains nothing but the
right to answer.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import IO

from ...lesson.judging import where
from ...lesson.running.budget import Spent, limited
from ...memory import Memory
from ...platform import AddressSpace
from .limits import Limits
from .wire import pack, unpack

__all__ = ["Worker", "main"]

Answer = dict[str, object]


class Worker:
    """Answers questions about a student's file.

    Attributes:
        module: the student's file, once it is loaded.
    """

    def __init__(self) -> None:
        self.module = ModuleType("student")
        self._objects: list[object] = []
        self._memories: list[Memory] = []

    def answer(self, question: Mapping[str, object]) -> Answer:
        """Return the answer to a question."""
        deed: Callable[[Mapping[str, object]], Answer] = {
            "limit": self._limit,
            "load": self._load,
            "new": self._new,
            "call": self._call,
            "bytes": self._bytes,
        }[str(question["do"])]
        return deed(question)

    def _limit(self, question: Mapping[str, object]) -> Answer:
        """Set the limits."""
        limits = question["limits"]
        assert isinstance(limits, dict)
        Limits(**limits).apply()
        return {"returned": None}

    def _load(self, question: Mapping[str, object]) -> Answer:
        """Run the student's file as a module."""
        path = Path(str(question["file"]))
        self.module = ModuleType(path.stem)
        self.module.__file__ = str(path)
        sys.modules[path.stem] = self.module
        sys.path.insert(0, str(path.parent))  # files of earlier milestones

        def run() -> None:
            source = path.read_text(encoding="utf-8")
            linecache.cache[str(path)] = len(source), None, source.splitlines(keepends=True), str(path)
            exec(compile(source, str(path), "exec"), vars(self.module))

        return self._try(run)

    def _new(self, question: Mapping[str, object]) -> Answer:
        """Make an object of the student's class, with a memory as its first argument."""
        size, given = question["size"], question["bytes"]
        assert isinstance(size, int)
        assert isinstance(given, bytes)
        memory = Memory(AddressSpace(size))
        memory.u8[: len(given)] = given

        def make() -> int:
            self._objects.append(self._named(self.module, question)(memory, *_arguments(question)))
            self._memories.append(memory)
            return len(self._objects) - 1

        return self._try(make)

    def _call(self, question: Mapping[str, object]) -> Answer:
        """Call a function of the file, or a method of one of its objects."""
        of = question.get("of")
        owner = self._objects[of] if isinstance(of, int) else self.module
        arguments = _arguments(question)
        answer = self._try(lambda: self._named(owner, question)(*arguments))
        return {**answer, "args": arguments}

    def _bytes(self, question: Mapping[str, object]) -> Answer:
        """Return the memory of an object."""
        of = question["of"]
        assert isinstance(of, int)
        return {"returned": bytes(self._memories[of].u8)}

    def _named(self, owner: object, question: Mapping[str, object]) -> Callable[..., object]:
        """Return what a name stands for.

        Raises:
            Missing: if the student has not defined it.
        """
        name = str(question["name"])
        found = getattr(owner, name, None)
        if not callable(found):
            kind = "a number" if isinstance(found, int) else "nothing to call"
            raise Missing(f"is {kind}" if found is not None else "is not defined")
        return found  # type: ignore[no-any-return]  # callable, as tested

    def _try(self, deed: Callable[[], object]) -> Answer:
        """Do something of the student's, and say how it went."""
        try:
            return {"returned": limited(deed)}
        except NotImplementedError:
            return {"open": True}
        except Missing as missing:
            return {"failed": str(missing)}
        except Spent as spent:
            return {"failed": str(spent)}
        except RecursionError as error:
            return {"failed": f"calls itself without end{where(error)}"}
        except SyntaxError as error:
            return {"failed": f"has a syntax error in line {error.lineno}: {error.msg}"}
        except BaseException as error:
            return {"failed": f"raises {type(error).__name__}: {error}{where(error)}"}


class Missing(Exception):
    """A student's file lacks a name."""


def _arguments(question: Mapping[str, object]) -> list[object]:
    """Return the arguments of a call."""
    arguments = question["args"]
    assert isinstance(arguments, list)
    return arguments


def serve(questions: IO[str], answers: IO[str]) -> None:
    """Answer questions until there are no more."""
    worker = Worker()
    for line in questions:
        question = unpack(line)
        assert isinstance(question, dict)
        answers.write(pack(worker.answer(question)) + "\n")
        answers.flush()


def main() -> None:
    """Serve standard input. Print to standard error from now on, whoever prints."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # input() is at its end at once
    serve(questions, answers)


if __name__ == "__main__":
    main()

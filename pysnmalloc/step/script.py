"""Recording a script: the events of its heaps, heap by heap (§2.1).

The script runs as a main program in this process. Every heap that it creates is
recorded, except checked heaps.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

from ..errors import RecordingError
from ..recording.recording import Recording, recorded

__all__ = ["ScriptError", "record_script"]


class ScriptError(RecordingError):
    """A script ended with an error; ``recordings`` are those of its heaps up to that point (§2.1).

    What to do: correct the line that the message names. The page still shows the events before it.
    """

    def __init__(self, message: str, recordings: Sequence[Recording]) -> None:
        super().__init__(message)
        self.recordings = tuple(recordings)


def record_script(path: str | Path, arguments: Sequence[str] = (), *, limit: int | None = None) -> list[Recording]:
    """Run a script, and return the recordings of the heaps that it created and used.

    Args:
        path: of the script.
        arguments: of its command line.
        limit: number of events to keep for each heap.

    Raises:
        ScriptError: if the script ends with an error, or creates no heap.
    """
    path = Path(path)
    with recorded(limit) as recordings, _as_program(path, arguments):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise ScriptError(f"{path.name} ended with exit code {stop.code}", recordings) from None
        except Exception as error:
            lines = [entry.lineno for entry in extract_tb(error.__traceback__) if entry.filename == str(path)]
            where = f", line {lines[-1]}," if lines else ""
            raise ScriptError(f"{path.name}{where} raised {type(error).__name__}: {error}", recordings) from error
    used = [recording for recording in recordings if len(recording)]
    if not used:
        raise ScriptError(
            f"{path.name} creates no heap that can be recorded; it needs an unchecked sn.Heap(...) and calls of its "
            "malloc",
            (),
        )
    return used


@contextmanager
def _as_program(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Set the arguments and the module path for a script."""
    argv, search = sys.argv, sys.path[:]
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, search

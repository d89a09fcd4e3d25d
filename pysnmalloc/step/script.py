"""A script, recorded: what it does with pysnmalloc, heap by heap (§2.1).

The script is run as a program of its own, in this process; every heap that it
makes is recorded, but for checked ones.
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
    """A script that ended with an error; ``recordings`` are those of its heaps up to there (§2.1).

    What to do: mend the script's line that the message names; what was recorded before it is shown all the same.
    """

    def __init__(self, message: str, recordings: Sequence[Recording]) -> None:
        super().__init__(message)
        self.recordings = tuple(recordings)


def record_script(path: str | Path, arguments: Sequence[str] = (), *, limit: int | None = None) -> list[Recording]:
    """Run a script and return the recordings of the heaps that it made and used.

    Args:
        path: of the script.
        arguments: its command line.
        limit: how many events of each heap are kept.

    Raises:
        ScriptError: when the script ends with an error, or makes no heap.
    """
    path = Path(path)
    with recorded(limit) as recordings, _as_program(path, arguments):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as stop:
            if stop.code not in (None, 0):
                raise ScriptError(f"{path.name} left with exit code {stop.code}", recordings) from stop
        except Exception as error:
            lines = [entry.lineno for entry in extract_tb(error.__traceback__) if entry.filename == str(path)]
            where = f", line {lines[-1]}," if lines else ""
            raise ScriptError(f"{path.name}{where} raised {type(error).__name__}: {error}", recordings) from error
    used = [recording for recording in recordings if len(recording)]
    if not used:
        raise ScriptError(
            f"{path.name} makes no heap that could be recorded; it needs a sn.Heap(...), not a checked one, and calls "
            "of its malloc",
            (),
        )
    return used


@contextmanager
def _as_program(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Let a script find its arguments, and the modules beside it."""
    argv, search = sys.argv, sys.path[:]
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, search

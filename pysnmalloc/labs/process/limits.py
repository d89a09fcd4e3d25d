"""The limits of a student's process (§2).

    Limits(seconds=20.0, processor=10, memory=4 GiB, printed=64 KiB)

The worker sets them on itself before it loads the student's file, by the system's own means where there are any
(POSIX). The judge keeps the deadline and the bound of what is printed, so they hold everywhere.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import asdict, dataclass
from typing import Final

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """What a student's process may use.

    Attributes:
        seconds: time for one answer, by the clock. It is long, since a machine may be busy; it is for a process that
            sleeps.
        processor: seconds of processor time for all answers. A budget of steps stops most loops much earlier.
        memory: bytes of address space.
        printed: bytes that it may print.
        file: bytes of the largest file that it may write.
        files: how many files it may have open.
        processes: how many processes its user may have; it does not bind the superuser.
    """

    seconds: float = 20.0
    processor: int = 10
    memory: int = 4 << 30
    printed: int = 64 << 10
    file: int = 1 << 20
    files: int = 64
    processes: int = 256

    def as_dict(self) -> dict[str, int | float]:
        """Return the limits by name, for the wire."""
        return asdict(self)

    def apply(self) -> None:
        """Set the limits on this process, for good. Where the system has no such limits, nothing happens."""
        if sys.platform == "win32":
            return
        import resource

        for name, most in (
            ("RLIMIT_AS", self.memory),
            ("RLIMIT_CPU", self.processor),
            ("RLIMIT_FSIZE", self.file),
            ("RLIMIT_NOFILE", self.files),
            ("RLIMIT_NPROC", self.processes),
            ("RLIMIT_CORE", 0),
        ):
            # Some systems have fewer of them, and none may be raised.
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (most, most))


LIMITS: Final = Limits()
"""The limits of a check."""

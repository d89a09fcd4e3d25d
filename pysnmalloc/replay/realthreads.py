"""A replay in which every recorded thread is a Python thread with its own allocator.

    start ─► segments, each after its waits ─► end ─► post ─► receive ─► post ─► receive ...
      │                                         │        │        │
      all together, the clock starts            all together: no thread is in a call

Each thread acquires its allocator itself, so all its views and closures belong to
it. At the barrier after the last call, the clock stops and the heap's statistics
are taken; then every thread sends home the objects of others that it holds.

The law: the first error ends the replay. The thread that meets it stops the others
wherever they wait, and the error is raised in the calling thread.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, BrokenBarrierError, Thread
from time import perf_counter

from ..allocator import Allocator
from .player import Player, Session
from .threads import Board, Segment, Stopped, plan
from .traces.errors import ReplayError
from .traces.trace import Op

__all__ = ["RealThreads", "receive_all"]


def receive_all(allocator: Allocator) -> None:
    """Receive until nothing more can be received."""
    while not allocator.queue.is_empty():
        allocator.handle_message_queue()


class RealThreads:
    """One replay with real threads.

    Args:
        session: the replay.
        step: calls between two reports.
        at_end: called once with the seconds of all calls, after the last call, when no thread is in one.
    """

    def __init__(self, session: Session, step: int, at_end: Callable[[float], None]) -> None:
        self._session = session
        self._calls, self._segments = plan(session.trace, step)
        count = session.trace.threads
        self._board = Board(count, step)
        self._at_end = at_end
        self._began = 0.0
        self._start = Barrier(count, self._started)
        self._end = Barrier(count, self._ended)
        self._together = Barrier(count)

    def run(self, report: Callable[[int], None]) -> None:
        """Replay; ``report`` gets the number of calls made, about every ``step`` calls.

        Raises:
            ReplayError: the first error of any thread.
        """
        threads = [
            Thread(target=self._thread, args=(index, calls, segments), name=f"replay {index}")
            for index, (calls, segments) in enumerate(zip(self._calls, self._segments, strict=True))
        ]
        started: list[Thread] = []
        try:
            for thread in threads:
                thread.start()
                started.append(thread)
            self._board.watch(report)
        except BaseException as error:  # from the callback, or an interrupt: leave no thread running
            self._stop(error)
            if len(started) < len(threads) and isinstance(error, RuntimeError):
                raise self._too_many(len(started), error) from None
            raise
        finally:
            for thread in started:
                thread.join()
        if self._board.error is not None:
            raise self._board.error

    def _too_many(self, started: int, error: RuntimeError) -> ReplayError:
        """Return the error for a system that starts no more threads."""
        reason = (
            f"the system started {started:,} of {self._session.trace.threads:,} threads ({error}); replay in recorded "
            "order, which needs one thread"
        )
        return ReplayError(self._session.trace.name, 0, reason)

    def _thread(self, index: int, calls: list[Op], segments: list[Segment]) -> None:
        """Run one thread."""
        try:
            self._replay(index, calls, segments)
        except (Stopped, BrokenBarrierError):
            pass  # another thread has the error
        except BaseException as error:
            self._stop(error)
        finally:
            self._board.ended()

    def _replay(self, index: int, calls: list[Op], segments: list[Segment]) -> None:
        """Make a thread's calls, then send home the objects that it holds."""
        board = self._board
        allocator = self._session.heap.acquire(self._session.trace.allocator_numbers[index])
        player = Player(self._session, calls, {index: allocator})
        self._start.wait()
        for segment in segments:
            for wait in segment.waits:
                board.progress[wait.thread].wait_for(wait.position)
            player.play(segment.start, segment.end)
            if segment.awaited:
                board.progress[index].reach(segment.end)
            board.made(segment.end - segment.start)
        self._end.wait()
        # Each round moves every message at least one hop.
        for _ in range(allocator.config.hop_bound + 1):
            allocator.post()
            self._together.wait()
            receive_all(allocator)
            self._together.wait()

    def _started(self) -> None:
        """Start the clock: all threads are ready."""
        self._began = perf_counter()

    def _ended(self) -> None:
        """Report the time: all calls are made."""
        self._at_end(perf_counter() - self._began)

    def _stop(self, error: BaseException) -> None:
        """Stop all threads."""
        self._board.failed(error)
        for barrier in (self._start, self._end, self._together):
            barrier.abort()

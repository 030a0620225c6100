"""A few threads that do small blocking jobs side by side for one that waits for all of them.

The waiting thread works too, and everybody takes the next job as long as there is one: eight syncs cost at most seven
hand-offs, one costs none.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import count
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TypeAlias

Job: TypeAlias = Callable[[], object]


class Crew:
    """At most `threads` helpers, started when they are first needed. Any thread may give it work."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads_max = threads
        self._name = name
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._calls: SimpleQueue[Job | None] = SimpleQueue()

    def errors(self, jobs: Sequence[Job]) -> list[OSError | None]:
        """Does every job; gives for each, in order, the OSError that ended it. Raises what else a job raises."""
        errors: list[OSError | None] = [None] * len(jobs)
        mistakes: list[Exception] = []
        shared, ended = iter(enumerate(jobs)), count(1)  # their next is atomic
        is_over = Lock()
        is_over.acquire()

        def work() -> None:
            for position, job in shared:
                try:
                    job()
                except OSError as error:
                    errors[position] = error
                except Exception as mistake:
                    mistakes.append(mistake)
                if next(ended) == len(jobs):
                    is_over.release()

        helpers = min(len(jobs) - 1, self._threads_max)
        self._start(helpers)
        for _ in range(helpers):
            self._calls.put(work)  # one that comes too late finds nothing to do, and nobody waits for it
        work()
        with is_over if jobs else nullcontext():
            for mistake in mistakes:
                raise mistake
            return errors

    def dismiss(self) -> None:
        """Ends the threads; may be called twice."""
        for _ in self._threads:
            self._calls.put(None)
        while self._threads:
            self._threads.pop().join()

    def _start(self, helpers: int) -> None:
        if len(self._threads) >= helpers:
            return
        with self._lock:
            for number in range(len(self._threads), helpers):
                thread = Thread(target=self._serve, name=f"{self._name}-{number}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # or what it refers to would be held until the next one comes

"""A few threads that do small blocking jobs side by side for one thread that waits for all of them.

The waiting thread works too, and the others take the next job as long as there is one: eight syncs cost at most seven
hand-offs, one costs none.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


class Crew:
    """At most `threads` helpers, started when they are first needed."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, name)

    def errors(self, jobs: Sequence[Callable[[], object]]) -> list[OSError | None]:
        """Does every job; gives for each, in order, the OSError that ended it. Raises what else a job raises."""
        errors: list[OSError | None] = [None] * len(jobs)
        shared = iter(enumerate(jobs))  # its next is atomic

        def work() -> None:
            for position, job in shared:
                try:
                    job()
                except OSError as error:
                    errors[position] = error

        helpers = [self._pool.submit(work) for _ in range(min(len(jobs) - 1, self._threads))]
        work()
        for helper in helpers:
            helper.result()
        return errors

    def dismiss(self) -> None:
        """Ends the threads; may be called twice."""
        self._pool.shutdown()

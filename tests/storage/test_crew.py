import threading
from collections.abc import Iterator
from functools import partial

import pytest

from scpd.storage.crew import Crew


@pytest.fixture
def crew() -> Iterator[Crew]:
    hired = Crew(3, "test")
    yield hired
    hired.dismiss()
    hired.dismiss()


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_every_job_is_done_once(crew: Crew, count: int) -> None:
    done: list[int] = []
    assert crew.errors([partial(done.append, number) for number in range(count)]) == [None] * count
    assert sorted(done) == list(range(count))


def test_jobs_run_side_by_side(crew: Crew) -> None:
    together = threading.Barrier(4, timeout=10)
    assert crew.errors([together.wait] * 4) == [None] * 4


def test_the_error_of_each_job_stands_in_its_place(crew: Crew) -> None:
    def failing() -> None:
        raise OSError("this one")

    errors = crew.errors([lambda: None, failing, lambda: None, failing])
    assert [type(error) for error in errors] == [type(None), OSError, type(None), OSError]


def test_what_is_no_os_error_is_raised(crew: Crew) -> None:
    with pytest.raises(ZeroDivisionError):
        crew.errors([lambda: 1 / 0, lambda: None])
    with pytest.raises(ZeroDivisionError):
        crew.errors([lambda: 1 / 0])


def test_it_can_be_dismissed_twice_and_before_it_worked(crew: Crew) -> None:
    crew.dismiss()
    assert crew.errors([lambda: None] * 3) == [None] * 3
    crew.dismiss()
    crew.dismiss()


def test_no_more_helpers_than_there_may_be(crew: Crew) -> None:
    names: set[str] = set()
    crew.errors([lambda: names.add(threading.current_thread().name)] * 100)
    assert names <= {"test-0", "test-1", "test-2", threading.current_thread().name}


def test_several_threads_give_it_work(crew: Crew) -> None:
    failing = OSError(5, "Input/output error")

    def fail() -> None:
        raise failing

    results: list[list[OSError | None]] = []
    callers = [threading.Thread(target=lambda: results.append(crew.errors([fail, int, fail, int]))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == [[failing, None, failing, None]] * 8

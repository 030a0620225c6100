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

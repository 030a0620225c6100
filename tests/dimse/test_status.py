"""Statuses: their categories against the Standard's ranges, and what a failure may say to a peer."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scpd.dimse.status import Category, DimseFailure, Status, category

CATEGORIES = [
    (0x0000, Category.SUCCESS),
    (0xFF00, Category.PENDING),
    (0xFF01, Category.PENDING),
    (0xFE00, Category.CANCEL),
    (0x0001, Category.WARNING),
    (0x0107, Category.WARNING),
    (0x0116, Category.WARNING),
    (0xB000, Category.WARNING),
    (0xB007, Category.WARNING),
    (0xBFFF, Category.WARNING),
    (0x0105, Category.FAILURE),
    (0x0213, Category.FAILURE),
    (0xA700, Category.FAILURE),
    (0xAFFF, Category.FAILURE),
    (0xC000, Category.FAILURE),
    (0xC123, Category.FAILURE),
]


@pytest.mark.parametrize(("status", "expected"), CATEGORIES, ids=[f"{status:04X}" for status, _ in CATEGORIES])
def test_a_code_tells_its_category(status: int, expected: Category) -> None:
    """PS3.7 Annex C."""
    assert category(status) is expected


@pytest.mark.parametrize("status", [0x0002, 0x0300, 0x7777, 0xD000, 0xFE01, 0xFF02, 0xFFFF])
def test_a_code_of_no_range_is_never_taken_for_done(status: int) -> None:
    assert category(status) is Category.FAILURE


@pytest.mark.parametrize("status", list(Status), ids=lambda status: f"{status:04X}")
def test_every_status_has_a_meaning_and_the_category_of_its_code(status: Status) -> None:
    assert status.meaning
    assert status.category is category(int(status))


def test_no_meaning_is_given_to_two_codes() -> None:
    assert len({(status.meaning, status.category) for status in Status}) == len(list(Status))


def test_retrieves_and_stores_may_call_one_code_by_two_names() -> None:
    assert Status["SUBOPERATIONS_FAILED"] is Status.COERCION_OF_DATA_ELEMENTS
    assert Status["UNABLE_TO_PROCESS"] is Status.CANNOT_UNDERSTAND


class TestFailure:
    def test_it_carries_what_the_peer_is_answered(self) -> None:
        failure = DimseFailure(Status.OUT_OF_RESOURCES, "try again", (0x00080018,))
        assert (failure.status, failure.comment, failure.offending_elements) == (0xA700, "try again", (0x00080018,))
        assert str(failure) == "A700H try again"

    def test_it_may_say_nothing(self) -> None:
        failure = DimseFailure(0x0110)
        assert (failure.comment, failure.offending_elements) == ("", ())

    @pytest.mark.parametrize("status", [0x0000, 0xFF00, 0xFE00, 0xB007])
    def test_what_is_no_failure_cannot_be_raised(self, status: int) -> None:
        with pytest.raises(ValueError, match=f"{status:04X}H is no failure"):
            DimseFailure(status)

    @given(st.text(max_size=100))
    @example("x" * 64)
    @example("x" * 65)
    def test_its_comment_is_fit_for_an_lo(self, comment: str) -> None:
        """PS3.5 6.2: at most 64 characters of the default repertoire, no control characters and no backslash."""
        shown = DimseFailure(0x0110, comment).comment
        assert len(shown) == min(len(comment), 64)
        assert shown.isascii() and shown.isprintable() and "\\" not in shown

    def test_its_comment_keeps_what_is_fit(self) -> None:
        assert DimseFailure(0x0110, "Größe 12\\13\n").comment == "Gr??e 12?13?"


def test_a_failure_may_name_the_quirk_that_would_let_it_pass() -> None:
    assert DimseFailure(Status.INVALID_SOP_INSTANCE).quirk == ""
    assert DimseFailure(Status.INVALID_SOP_INSTANCE, quirk="odd-uids").quirk == "odd-uids"

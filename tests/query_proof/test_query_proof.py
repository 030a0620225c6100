"""Some thousand random questions in every check; `make query-proof CASES=100000` asks as many as one likes."""

import pytest

from scpd.storage import sqlite_prefilter
from scpd.testing import SOP_CLASS, SOP_INSTANCE, STUDY, STUDY_DATE
from tests.query_proof.proof import Tally, prove

ARCHIVES = 100

FOUND_BY = """
    Single PN, Single LO, Single DA, Single TM, Single UI, Single CS, AnyOf UI, AnyOf PN, AnyOf LO, Wildcard PN,
    Wildcard LO, Range DA, Range TM, Empty LO, Universal SQ, Items SQ, combined, PATIENT, STUDY, SERIES, IMAGE
"""
"""What must have found something, or the questions are no good."""


def test_sqlite_answers_every_question_as_the_oracle_does() -> None:
    tally = Tally()
    assert list(prove(range(ARCHIVES), tally)) == []
    assert {kind.strip() for kind in FOUND_BY.split(",")} <= tally.found_by.keys()
    assert tally.found > tally.asked / 6 and tally.refused < tally.asked / 5


def test_a_wrong_answer_is_found_and_reduced_to_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here SQL takes a range without an end for one that ends in February."""
    monkeypatch.setattr(sqlite_prefilter, "LAST_DATE", "20240228")
    _, case = next(prove(range(ARCHIVES), Tally()))
    (attributes,) = case.archive
    assert attributes.keys() == {SOP_CLASS, SOP_INSTANCE, STUDY, STUDY_DATE}
    assert [key.tag for key in case.question.query().keys] == [STUDY_DATE]

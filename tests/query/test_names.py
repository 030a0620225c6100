import pytest
from hypothesis import given
from hypothesis import strategies as st

from scpd.query.names import fold_person_name


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Müller^Jörg^^", "muller^jorg"),
        ("STRASSE^A", "strasse^a"),
        ("Straße^A", "strasse^a"),
        ("DOE ^ JANE", "doe^jane"),
        ("Ｄｏｅ^Jane", "doe^jane"),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ^タロウ"),
        ("やまだ=山田=", "やまだ=山田"),
        ("홍^길동", "홍^길동"),
        ("Hong=洪^吉洞=홍^길동", "hong=洪^吉洞=홍^길동"),
        ("=山田", "=山田"),
        ("DOE*^J?", "doe*^j?"),
        ("^^^^", ""),
    ],
)
def test_case_accents_width_and_empty_ends_are_folded_away(name: str, folded: str) -> None:
    assert fold_person_name(name) == folded


def test_kana_that_differ_by_their_mark_stay_different() -> None:
    assert fold_person_name("か") != fold_person_name("が")


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing(name: str) -> None:
    once = fold_person_name(name)
    assert fold_person_name(once) == once

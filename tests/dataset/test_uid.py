import pytest

from scpd.dataset.uid import has_leading_zero, is_odd_uid, is_valid_uid


@pytest.mark.parametrize("uid", ["1", "1.2.840.10008.1.1", "0.0", "1.02.3", "2." + "9" * 62])
def test_a_uid_is_digits_and_dots(uid: str) -> None:
    assert is_valid_uid(uid)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "1.", ".1", "1..2", "../../x", "1.2/3", "1.2\0", "1.2\n", "1.2 ", "1.a", "1.٣", "1." + "9" * 63],
)
def test_t09_anything_else_is_none(text: str) -> None:
    assert not is_valid_uid(text)


@pytest.mark.parametrize(("uid", "needless"), [("1.02.3", True), ("01.2", True), ("1.0.3", False), ("0.10", False)])
def test_t09_a_needless_zero_is_seen(uid: str, needless: bool) -> None:
    assert has_leading_zero(uid) is needless


@pytest.mark.parametrize("text", ["1.2.3LOCALIZER", "1." + "9" * 126, "../../x"])
def test_what_may_pass_for_a_uid_is_printable_and_of_bounded_length(text: str) -> None:
    assert is_odd_uid(text)


@pytest.mark.parametrize("text", ["", "1.2 3", "1.2\\1.3", "1.2\0", "1.2\n", "1.é", "9" * 129])
def test_what_would_separate_or_hide_may_not_pass(text: str) -> None:
    assert not is_odd_uid(text)

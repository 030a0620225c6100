"""Specific Character Set: the Standard's own examples, against pydicom's decoder, and what senders misspell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes

from scpd.dataset.charset import UTF_8, character_set

# PS3.5 Annexes H to K, and each single-byte set.
EXAMPLES = [
    ("", "Wang^Xiao"),
    ("ISO_IR 100", "Buc^Jérôme"),
    ("ISO_IR 101", "Wałęsa"),
    ("ISO_IR 109", "Ĝan"),
    ("ISO_IR 110", "Āboliņš"),
    ("ISO_IR 126", "Διονυσιος"),
    ("ISO_IR 127", "قباني^لنزار"),
    ("ISO_IR 138", "שרון^דבורה"),
    ("ISO_IR 144", "Люкceмбypг"),
    ("ISO_IR 148", "Çavuşoğlu"),
    ("ISO_IR 166", "สมชาย"),
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=ふ"),
    ("GB18030", "Wang^XiaoDong=王^小东"),
    ("GBK", "Wang^XiaoDong=王^小东"),
    ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "Yamada=丂"),
    ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
    ("\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东="),
    ("ISO 2022 IR 100\\ISO 2022 IR 126", "Jérôme=Διονυσιος"),
]


@pytest.mark.parametrize(("terms", "text"), EXAMPLES)
def test_f18_text_survives_every_character_set_and_pydicom_reads_the_same(terms: str, text: str) -> None:
    charset = character_set(terms)
    encoded = charset.encode(text)
    assert charset.decode(encoded, person_name=True) == text
    values = terms.split("\\")
    encodings = convert_encodings(values if len(values) > 1 else values[0])
    theirs = decode_bytes(encoded, encodings, {0x5C, 0x5E, 0x3D})
    assert theirs.replace("\x1b$)A", "") == text  # pydicom leaves this escape sequence in its text


@pytest.mark.parametrize(
    ("misspelled", "right"),
    [
        ("ISO-IR 100", "ISO_IR 100"),
        ("ISO IR 100", "ISO_IR 100"),
        ("iso_ir_192", "ISO_IR 192"),
        ("UTF-8", "ISO_IR 192"),
        ("ISO 2022 GBK", "GBK"),
        ("\\ISO 2022-IR 87", "\\ISO 2022 IR 87"),
        ("ISO 2022 IR 87", "\\ISO 2022 IR 87"),
        ("\\GB18030\\ISO_IR 192", ""),
        ("LATIN WHAT", ""),
        ("ISO_IR 6", ""),
    ],
)
def test_misspelled_and_misplaced_terms_are_understood(misspelled: str, right: str) -> None:
    assert character_set(misspelled) == character_set(right)


def test_undeclared_bytes_are_read_as_latin_1_but_never_written() -> None:
    assert character_set("").decode(b"J\xe9r\xf4me") == "Jérôme"
    with pytest.raises(UnicodeEncodeError):
        character_set("").encode("Jérôme")


def test_what_no_extension_carries_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        character_set("\\ISO 2022 IR 149").encode("ő")


def test_a_single_byte_japanese_set_does_not_pass_kanji_off_as_its_own() -> None:
    with pytest.raises(UnicodeEncodeError):
        character_set("ISO_IR 13").encode("山田")


def test_a_delimiter_ends_a_designation_and_in_names_so_do_caret_and_equals() -> None:
    greek = character_set("ISO 2022 IR 100\\ISO 2022 IR 126")
    assert greek.decode(b"\x1b-F\xc4\\\xe9") == "Δ\\é"
    assert greek.decode(b"\x1b-F\xc4^\xe9") == "Δ^ι"
    assert greek.decode(b"\x1b-F\xc4^\xe9", person_name=True) == "Δ^é"


def test_a_switch_of_g0_leaves_g1_alone() -> None:
    assert character_set("\\ISO 2022 IR 149").decode(b"\x1b$)C\xc8\xab\x1b(B\xb1\xe6") == "홍길"


def test_escape_bytes_in_utf_8_mean_nothing() -> None:
    assert UTF_8.decode(b"a\x1b-Fb") == "a\x1b-Fb"


@given(st.binary(max_size=60), st.sampled_from([terms for terms, _ in EXAMPLES]), st.booleans())
def test_decoding_never_fails(data: bytes, terms: str, person_name: bool) -> None:
    assert isinstance(character_set(terms).decode(data, person_name=person_name), str)

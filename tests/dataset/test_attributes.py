from scpd.dataset.attributes import Attributes, text


def test_text_is_empty_for_what_has_none() -> None:
    attributes: Attributes = {0x00100020: "P1", 0x00081032: ({},)}
    assert [text(attributes, tag) for tag in (0x00100020, 0x00081032, 0x00100010)] == ["P1", "", ""]

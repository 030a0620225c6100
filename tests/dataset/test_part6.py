from pydicom._dicom_dict import DicomDictionary
from pydicom._private_dict import private_dictionaries
from pydicom._uid_dict import UID_dictionary

from scpd.dataset import part6


def test_the_tables_are_what_pydicom_itself_imports() -> None:
    assert part6.elements() == DicomDictionary
    assert part6.uids() == {**part6.NEWER, **UID_dictionary}  # other libraries of the tests add to the latter
    assert part6.private_elements() == private_dictionaries

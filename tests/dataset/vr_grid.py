"""The grid of `scpd/dataset/vrs.py` as pydicom's dictionary has it. After an update of pydicom:

python -m tests.dataset.vr_grid > scpd/dataset/vrs.py
"""

from collections import defaultdict
from collections.abc import Iterator
from textwrap import wrap

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

from scpd.dataset import vrs

LINE_CHARACTERS = 118


def grid() -> str:
    """A line or more for every group and VR, in the order of the tags."""
    by_vr: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for tag, vr in sorted(dictionary()):
        by_vr[tag[:4], vr].append(tag[4:])
    lines = (
        line
        for (group, vr), elements in by_vr.items()
        for line in wrap(f"{group} {vr} {' '.join(elements)}", LINE_CHARACTERS, subsequent_indent=f"{group} {vr} ")
    )
    return "\n" + "\n".join(lines) + "\n"


def dictionary() -> Iterator[tuple[str, str]]:
    """Tags as eight characters, and the first of their VRs; items and delimiters have none."""
    for tag, entry in DicomDictionary.items():
        if entry[0] != "NONE":
            yield f"{tag:08X}", entry[0][:2]
    for mask, entry in RepeatersDictionary.items():
        yield mask, entry[0][:2]


if __name__ == "__main__":
    print(f'"""{vrs.__doc__}"""\n\nGRID = """{grid()}"""')

"""The tables of the SQLite index as a search climbs them, and how each computed key is counted from them (PS3.4 C.3.4).

Counts are taken when they are asked for: a counter kept in a study's row would make every store of that study wait for
every other.
"""

from collections.abc import Mapping
from typing import NamedTuple

from scpd.dataset.attributes import Tag
from scpd.query.terms import Level


class Rung(NamedTuple):
    """One table, and the columns that hold attributes, each of one level; below studies it names its parent."""

    table: str
    columns: Mapping[str, Level]


PATIENT = Rung("study", {"study.patient_attributes": Level.PATIENT})
STUDY = Rung("study", {"study.patient_attributes": Level.PATIENT, "study.attributes": Level.STUDY})
SERIES = Rung("series", {"series.attributes": Level.SERIES})
INSTANCE = Rung("instance", {"instance.attributes": Level.IMAGE})

LADDERS: Mapping[Level, tuple[Rung, ...]] = {
    Level.PATIENT: (PATIENT,),
    Level.STUDY: (STUDY,),
    Level.SERIES: (STUDY, SERIES),
    Level.IMAGE: (STUDY, SERIES, INSTANCE),
}

_STUDIES_OF_PATIENT = "(SELECT same.id FROM study AS same WHERE same.patient = study.patient)"
_INSTANCES = "series AS one JOIN instance AS part ON part.series = one.id"

COMPUTED_SQL: Mapping[Tag, tuple[str, str]] = {
    0x00201200: ("study", "(SELECT count(*) FROM study AS same WHERE same.patient = study.patient)"),
    0x00201202: ("study", f"(SELECT count(*) FROM series AS one WHERE one.study IN {_STUDIES_OF_PATIENT})"),
    0x00201204: ("study", f"(SELECT count(*) FROM {_INSTANCES} WHERE one.study IN {_STUDIES_OF_PATIENT})"),
    0x00201206: ("study", "(SELECT count(*) FROM series AS one WHERE one.study = study.id)"),
    0x00201208: ("study", f"(SELECT count(*) FROM {_INSTANCES} WHERE one.study = study.id)"),
    0x00201209: ("series", "(SELECT count(*) FROM instance AS part WHERE part.series = series.id)"),
    0x00080061: (
        "study",
        "(SELECT ifnull(group_concat(modality, char(92)), '') FROM (SELECT DISTINCT one.modality FROM series AS one "
        "WHERE one.study = study.id AND one.modality <> '' ORDER BY 1))",
    ),
    0x00080062: (
        "study",
        "(SELECT ifnull(group_concat(sop_class_uid, char(92)), '') FROM (SELECT DISTINCT part.sop_class_uid "
        f"FROM {_INSTANCES} WHERE one.study = study.id ORDER BY 1))",
    ),
}
"""Computed keys: the table each belongs to, and the expression that counts it for one row of that table."""

"""Instances -> the patients, studies and series they make up, with what is counted over them (PS3.4 C.3.4).

Where instances disagree, an entity shows the attributes of ONE of them, so that what belongs together stays together:
of the instances' attributes of that level, the set with the most values that are not empty, and between equals the
one that sorts first. That is the least in a total order: no order of arrival changes it, and an index keeps only the
winner (`more_telling`). A study has a winner for its own attributes and one for its patient's; patients are made of
studies, by `patient_key`. So every instance has one series, every series one study, every study one patient.

The time zone of an instance is told at each of these levels, so the dates and times of a study or a series are those of
one instance, and so is their zone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import TypeAlias

from scpd.dataset.attributes import Attributes, Tag, text
from scpd.query.levels import UNIQUE_KEY, stored_at
from scpd.query.terms import Level
from scpd.query.zones import in_zone

Instances: TypeAlias = list[Attributes]

ISSUER_OF_PATIENT_ID = 0x00100021
MODALITY = 0x00080060
SOP_CLASS_UID = 0x00080016


def entities(level: Level, instances: Iterable[Attributes], utc_offset: str = "") -> Iterator[Attributes]:
    """The entities of a level with the attributes of the levels above, in order of unique keys from the root down.

    Instances without a Study Instance UID belong to no patient (PS3.4 GG) and to no entity. With `utc_offset`, dates
    and times are told in that zone.
    """
    studies = _grouped(instances, UNIQUE_KEY[Level.STUDY])
    studies.pop("", None)
    patients: dict[tuple[str, str, str], list[Instances]] = defaultdict(list)
    for study in studies.values():
        patients[patient_key({**_shown(Level.PATIENT, study), **_shown(Level.STUDY, study)})].append(study)
    for _, members in sorted(patients.items(), key=lambda patient: patient[0]):
        yield from _below_patient(level, members, utc_offset)


def _below_patient(level: Level, studies: list[Instances], utc_offset: str) -> Iterator[Attributes]:
    counted = _patient_counts(studies)
    if level is Level.PATIENT:
        yield {**_shown(Level.PATIENT, [instance for study in studies for instance in study]), **counted}
        return
    for study in sorted(studies, key=lambda study: text(study[0], UNIQUE_KEY[Level.STUDY])):
        shown = in_zone(_shown(Level.STUDY, study), utc_offset)
        above = {**counted, **_shown(Level.PATIENT, study), **shown, **_study_counts(study)}
        yield from [above] if level is Level.STUDY else _below_study(level, study, above, utc_offset)


def _below_study(level: Level, study: Instances, above: Attributes, utc_offset: str) -> Iterator[Attributes]:
    for _, series in sorted(_grouped(study, UNIQUE_KEY[Level.SERIES]).items()):
        own = in_zone(_shown(Level.SERIES, series), utc_offset)
        shown = {**above, **own, 0x00201209: str(len(series))}
        if level is Level.SERIES:
            yield shown
            continue
        for instance in sorted(series, key=lambda instance: text(instance, UNIQUE_KEY[Level.IMAGE])):
            yield {**shown, **in_zone(_of_level(Level.IMAGE, instance), utc_offset)}


def patient_key(attributes: Attributes) -> tuple[str, str, str]:
    """What makes a patient one: Patient ID and its issuer; without a Patient ID, every study is another patient's."""
    patient_id = text(attributes, UNIQUE_KEY[Level.PATIENT])
    issuer = text(attributes, ISSUER_OF_PATIENT_ID)
    return patient_id, issuer, "" if patient_id else text(attributes, UNIQUE_KEY[Level.STUDY])


def more_telling(first: Attributes, second: Attributes) -> Attributes:
    """Which of two instances' attributes of one level an entity shows. Commutative, associative, idempotent."""
    return min(first, second, key=_telling)


def _telling(attributes: Attributes) -> tuple[int, str]:
    return -sum(map(bool, attributes.values())), _canonical(attributes)


def _canonical(attributes: Attributes) -> str:
    """A text that is equal for equal attributes, whatever their order."""
    return "\0".join(
        f"{tag:08X}{value if isinstance(value, str) else [_canonical(item) for item in value]}"
        for tag, value in sorted(attributes.items(), key=lambda element: element[0])
    )


def _grouped(instances: Iterable[Attributes], tag: Tag) -> dict[str, Instances]:
    groups: dict[str, Instances] = defaultdict(list)
    for instance in instances:
        groups[text(instance, tag)].append(instance)
    return groups


def _of_level(level: Level, instance: Attributes) -> Attributes:
    return {tag: instance[tag] for tag in stored_at(level, instance)}


def _shown(level: Level, instances: Instances) -> Attributes:
    return reduce(more_telling, [_of_level(level, instance) for instance in instances])


def _patient_counts(studies: list[Instances]) -> Mapping[Tag, str]:
    series = sum(len(_grouped(study, UNIQUE_KEY[Level.SERIES])) for study in studies)
    return {0x00201200: str(len(studies)), 0x00201202: str(series), 0x00201204: str(sum(map(len, studies)))}


def _study_counts(study: Instances) -> Mapping[Tag, str]:
    """Modalities in Study, SOP Classes in Study (both in text order, each once) and the numbers of children."""
    by_series = _grouped(study, UNIQUE_KEY[Level.SERIES]).values()
    modalities = {text(_shown(Level.SERIES, series), MODALITY) for series in by_series} - {""}
    classes = {text(instance, SOP_CLASS_UID) for instance in study} - {""}
    return {
        0x00080061: "\\".join(sorted(modalities)),
        0x00080062: "\\".join(sorted(classes)),
        0x00201206: str(len(by_series)),
        0x00201208: str(len(study)),
    }

"""Where files may lie that have no index row yet: a few folders, and the numbers of the names in them.

Noting every name would cost each batch a sync. So what is noted durably, before a first name appears there, is its
folder; objects of one series then share one note. A crash leaves no more than `FOLDERS_MAX` folders to look through,
and in them only the names of the life that crashed whose number is not below the noted one: all before are known to
have a row or to be gone. The note is renewed when the numbers have run far ahead of it, so that looking stays short.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scpd.storage.base import Location
from scpd.storage.journal import Journal

FOLDERS_MAX = 256
NAMES_MAX = 10_000
SUFFIX = ".dcm"
LIFE_CHARACTERS = 12


class Name(NamedTuple):
    """What the last part of a location is made of: `subject`.`life``number`.dcm."""

    subject: str
    life: str
    number: int


def parse(location: Location) -> Name:
    """The parts of the name in a location; a number of -1 in one of another make."""
    subject, _, token = location.rpartition("/")[2].removesuffix(SUFFIX).rpartition(".")
    try:
        return Name(subject, token[:LIFE_CHARACTERS], int(token[LIFE_CHARACTERS:], 16))
    except ValueError:
        return Name(subject, "", -1)


class Noted(NamedTuple):
    """What a life left behind: names with its token, from number `first` on, in these folders; and a few `others`."""

    life: str
    first: int
    folders: Sequence[str]
    others: Mapping[Location, str]  # with their SOP Instance UIDs

    def includes(self, location: Location) -> bool:
        """Whether a file of this name in one of the folders may lack a row."""
        name = parse(location)
        return name.life == self.life and name.number >= self.first


class Frontier:
    """What is noted in `journal` in the course of one life. One thread at a time; its methods may raise OSError."""

    def __init__(self, journal: Journal, life: str) -> None:
        self._journal = journal
        self._life = life
        self._noted = Noted(life, 0, (), {})

    def cover(self, names: Mapping[Location, str]) -> None:
        """Makes sure that these are noted durably, each with its SOP Instance UID; those covered before are settled.

        Objects of an earlier life come here when they are replaced, or released from quarantine.
        """
        numbers = {location: parse(location).number for location in names if parse(location).life == self._life}
        others = {location: uid for location, uid in names.items() if location not in numbers}
        wanted = dict.fromkeys(map(folder_of, numbers))
        begun = self._noted.first
        first, last = min(numbers.values(), default=begun), max(numbers.values(), default=begun)
        if not others and wanted.keys() <= set(self._noted.folders) and begun <= first and last - begun < NAMES_MAX:
            return
        kept = [folder for folder in self._noted.folders if folder not in wanted]
        room = max(0, FOLDERS_MAX - len(wanted))
        noted = Noted(self._life, first, (*kept[max(0, len(kept) - room) :], *wanted), others)
        self._noted = Noted(self._life, 0, (), {})  # a note that failed may have torn the one before
        self._journal.write(_lines(noted))
        self._noted = noted

    def left(self) -> Noted:
        """What was noted last, in this life or in one before."""
        head, *lines = self._journal.read() or ["- 0"]
        life, _, first = head.partition(" ")
        pairs = (line.partition(" ") for line in lines if " " in line)
        return Noted(
            life,
            int(first, 16),
            [line for line in lines if " " not in line],
            {location: uid for uid, _, location in pairs},
        )


def _lines(noted: Noted) -> Sequence[str]:
    others = (f"{uid} {location}" for location, uid in noted.others.items())
    return [f"{noted.life} {noted.first:x}", *noted.folders, *others]


def subject_of(location: Location) -> str:
    """What the name in a location begins with: a UID, or the hash of one."""
    return parse(location).subject


def folder_of(location: Location) -> str:
    """The folder that lists `location`."""
    return location.rpartition("/")[0]

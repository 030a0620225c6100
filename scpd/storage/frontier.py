"""Where files may lie that have no index row yet: a few folders, and the numbers of the names in them.

Noting every name would cost each object a sync. So what is noted durably, before a first name appears there, is its
folder; objects of one series then share one note. A crash leaves no more than `FOLDERS_MAX` folders to look through,
and in them only the names of the life that crashed whose number is not below the noted one: all before are known to
have a row or to be gone. The note is renewed when the numbers have run far ahead of it, so that looking stays short.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from threading import Lock
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
    folders: Collection[str]
    others: Mapping[Location, str]  # with their SOP Instance UIDs

    def includes(self, location: Location) -> bool:
        """Whether a file of this name in one of the folders may lack a row."""
        name = parse(location)
        return name.life == self.life and name.number >= self.first

    def covers(self, location: Location, number: int) -> bool:
        """Whether the note need not be renewed for this name; those of other lives have no number here."""
        if number < 0:
            return location in self.others
        return folder_of(location) in self.folders and 0 <= number - self.first < NAMES_MAX


class Frontier:
    """What is noted in `journal` in the course of one life. Any thread may call; methods may raise OSError."""

    def __init__(self, journal: Journal, life: str) -> None:
        self._journal = journal
        self._life = life
        self._lock = Lock()
        self._noted = Noted(life, 0, {}, {})
        self._expected: dict[Location, tuple[int, str]] = {}  # number, -1 in an object of an earlier life; and UID

    def expect(self, location: Location, sop_instance_uid: str) -> None:
        """Makes sure that this name is noted durably, until it is forgotten.

        Objects that are there already come here when they are replaced, or released from quarantine.
        """
        name = parse(location)
        number = name.number if name.life == self._life else -1
        with self._lock:
            self._expected[location] = number, sop_instance_uid
            if not self._noted.covers(location, number):
                try:
                    self._renew(folder_of(location))
                except OSError:
                    del self._expected[location]
                    raise

    def forget(self, location: Location) -> None:
        """The name has a row, or is gone: no later note need include it."""
        with self._lock:
            self._expected.pop(location, None)

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

    def _renew(self, newest: str) -> None:
        numbers = {location: number for location, (number, _) in self._expected.items() if number >= 0}
        wanted = dict.fromkeys(map(folder_of, numbers))
        kept = [folder for folder in self._noted.folders if folder not in wanted]
        room = max(0, FOLDERS_MAX - len(wanted))
        noted = Noted(
            self._life,
            min(numbers.values(), default=self._noted.first),
            dict.fromkeys((*islice(kept, max(0, len(kept) - room), None), *wanted)),
            {location: uid for location, (number, uid) in self._expected.items() if number < 0},
        )
        self._noted = Noted(self._life, 0, {}, {})  # a note that failed may have torn the one before
        self._journal.write(_lines(noted))
        self._noted = noted


def _lines(noted: Noted) -> Sequence[str]:
    others = (f"{uid} {location}" for location, uid in noted.others.items())
    return [f"{noted.life} {noted.first:x}", *noted.folders, *others]


def subject_of(location: Location) -> str:
    """What the name in a location begins with: a UID, or the hash of one."""
    return parse(location).subject


def folder_of(location: Location) -> str:
    """The folder that lists `location`."""
    return location.rpartition("/")[0]

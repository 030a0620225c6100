"""The names an operator may write in TOML, and the UIDs they stand for.

A SOP class may be written as its name, its keyword, its UID, a short alias ("ct") or a group ("storage:image"); a
storage SOP class also as a UID prefix ("1.3.12.2.1107.*"), since private ones are in no dictionary; a transfer syntax
as its name, keyword, UID or group ("lossless"). Names are compared without case and punctuation, so
"JPEG-LS Lossless", "jpeg-ls-lossless" and "JPEGLSLossless" are one.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from scpd.dataset.uid import is_valid_uid
from scpd.profile.dictionary import SOP_CLASS_ALIASES, ServiceName, dictionary, plain


class UnknownName(ValueError):
    """`spelling` stands for no UID that may be used here; `nearest` is the closest spelling that would, or ""."""

    def __init__(self, spelling: str, reason: str, nearest: str = "") -> None:
        super().__init__(f"{spelling!r} {reason}")
        self.spelling = spelling
        self.reason = reason
        self.nearest = nearest


@dataclass(frozen=True, slots=True)
class SopClasses:
    """A selection of SOP classes: UIDs, and prefixes ("1.3.12.2.1107.") that cover every UID they begin."""

    uids: tuple[str, ...]
    prefixes: tuple[str, ...]


def select_sop_classes(service: ServiceName, spellings: Iterable[str]) -> SopClasses:
    """The SOP classes of `service` that `spellings` name, each once. Raises UnknownName."""
    uids: list[str] = []
    prefixes: list[str] = []
    for spelling in spellings:
        if service is ServiceName.STORAGE and re.fullmatch(r"([0-9]+\.)*\*", spelling, re.ASCII):
            prefixes.append(spelling[:-1])
        else:
            uids.extend(_sop_classes(service, spelling))
    return SopClasses(tuple(dict.fromkeys(uids)), tuple(dict.fromkeys(prefixes)))


def select_transfer_syntaxes(service: ServiceName, spellings: Iterable[str]) -> tuple[str, ...]:
    """The transfer syntax UIDs that `spellings` name, in their order, each once. Raises UnknownName.

    Only the storage service uses others than the uncompressed ones.
    """
    return tuple(dict.fromkeys(uid for spelling in spellings for uid in _transfer_syntaxes(service, spelling)))


def can_serve(service: ServiceName, sop_class_uid: str) -> bool:
    """Whether `service` could be declared for this SOP class: one of its own, or for storage a private one."""
    if sop_class_uid in dictionary().all_of(service):
        return True
    return service is ServiceName.STORAGE and _is_private(sop_class_uid)


def can_use(service: ServiceName, transfer_syntax_uid: str) -> bool:
    """Whether `service` could be declared with this transfer syntax."""
    groups = dictionary().transfer_syntax_groups
    if service is not ServiceName.STORAGE:
        return transfer_syntax_uid in groups["uncompressed"]
    return transfer_syntax_uid in groups["storage:all"] or _is_private(transfer_syntax_uid)


def may_be_stored(uid: str) -> bool:
    """Whether a prefix may cover this SOP class: the dictionary calls it a storage SOP class, or does not know it."""
    return uid in dictionary().all_of(ServiceName.STORAGE) or uid not in dictionary().titles


def title_of(uid: str) -> str:
    """The dictionary's name of `uid`, or `uid` itself."""
    return dictionary().titles.get(uid) or uid


def spelling_of(uid: str) -> str:
    """How to write `uid` in TOML: its keyword where the dictionary has one."""
    return dictionary().keywords.get(uid) or uid


def sop_class_spellings(service: ServiceName) -> tuple[str, ...]:
    """Every spelling worth proposing for a SOP class of `service`: groups, aliases, keywords."""
    aliases = SOP_CLASS_ALIASES if service is ServiceName.STORAGE else ()
    return (*dictionary().sop_class_groups[service], *aliases, *map(spelling_of, dictionary().all_of(service)))


def transfer_syntax_spellings(service: ServiceName) -> tuple[str, ...]:
    """Every spelling worth proposing for a transfer syntax: groups, then names such as "jpeg-ls-lossless"."""
    groups = dictionary().transfer_syntax_groups
    usable = {name: uids for name, uids in groups.items() if service is ServiceName.STORAGE or name == "uncompressed"}
    names = (kebab(spelling_of(uid)) for uid in dict.fromkeys(uid for uids in usable.values() for uid in uids))
    return (*usable, *names)


def kebab(keyword: str) -> str:
    """A keyword the way TOML likes it: "ExplicitVRLittleEndian" is "explicit-vr-little-endian"."""
    words = re.findall(r"[A-Z0-9]+(?![a-z])|[A-Z]?[a-z0-9]+", keyword)
    return "-".join(words).lower().replace("jpegls", "jpeg-ls")


def nearest(spelling: str, candidates: Iterable[str]) -> str:
    """The candidate most like `spelling`, or "" when none is."""
    by_plain = {plain(candidate): candidate for candidate in candidates}
    close = difflib.get_close_matches(plain(spelling), by_plain, n=1, cutoff=0.75)
    return by_plain[close[0]] if close else ""


def _sop_classes(service: ServiceName, spelling: str) -> tuple[str, ...]:
    group = dictionary().sop_class_groups[service].get(spelling)
    if group is not None:
        return group
    name = SOP_CLASS_ALIASES.get(spelling.lower(), spelling)
    uid = dictionary().sop_classes[service].get(plain(name), spelling)
    if can_serve(service, uid):
        return (uid,)
    what = f"({title_of(uid)}) " if title_of(uid) != uid else ""
    proposal = nearest(spelling, sop_class_spellings(service))
    raise UnknownName(spelling, f"{what}is no SOP class that {service} can serve", proposal)


def _transfer_syntaxes(service: ServiceName, spelling: str) -> tuple[str, ...]:
    known = dictionary()
    uid = known.transfer_syntaxes.get(plain(spelling), spelling)
    selected = known.transfer_syntax_groups.get(spelling, (uid,))
    if all(can_use(service, syntax) for syntax in selected):
        return selected
    proposal = nearest(spelling, transfer_syntax_spellings(service))
    raise UnknownName(spelling, f"is no transfer syntax that {service} can use", proposal)


def _is_private(uid: str) -> bool:
    """A UID that the dictionary does not know. A lone number is a misspelling, not a UID."""
    return "." in uid and is_valid_uid(uid) and uid not in dictionary().titles

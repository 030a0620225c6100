"""How a configuration names attributes that the index is to have besides, and what the storage and queries make of it.

A name is a path through sequences, `Sequence > Attribute`. A step of it is a keyword of PS3.6, a tag, or a private
element as PS3.15 writes them: (gggg,xxee) for whatever block its creator reserved, the creator in quotation marks, and
a VR where pydicom's dictionary of private elements does not have it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scpd.dataset.attributes import Tag
from scpd.dataset.dictionary import LONG_VRS, SHORT_VRS, tag_named, vr_of
from scpd.dataset.part6 import elements, private_elements
from scpd.dataset.site import Site, SiteAttribute
from scpd.profile.uids import nearest
from scpd.query.levels import LEVEL_OF, level_beyond_grid

BINARY_VRS = frozenset("OB OD OF OL OV OW UN".split())
READABLE_VRS = (SHORT_VRS | LONG_VRS) - BINARY_VRS

_STEPS = re.compile(r'(?:[^">]|"[^"]*")+|>')
_PRIVATE = re.compile(r'\(?([0-9A-Fa-f]{4}),\s*xx([0-9A-Fa-f]{2})\)?\s*"([^"\\]+)"(?:\s+([A-Z]{2}))?')
_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),\s*([0-9A-Fa-f]{4})\)?.*")


class Misnamed(Exception):
    """A name, or the `part` of it, stands for nothing that could be indexed. `nearest` is what may be meant, or ""."""

    def __init__(self, reason: str, part: str, nearest: str = "") -> None:
        super().__init__(f"{part}: {reason}")
        self.reason = reason
        self.part = part
        self.nearest = nearest


@dataclass(frozen=True, slots=True)
class Named:
    """A site's attribute as it is declared; `level` is "" for that of the grid, or else IMAGE."""

    name: str
    level: str = ""
    is_matched: bool = True


def steps_of(name: str) -> tuple[SiteAttribute, ...]:
    """What a name stands for, from the outermost sequence to the attribute. Raises Misnamed."""
    parts = _STEPS.findall(name)
    if "".join(parts) != name or parts[1::2] != [">"] * (len(parts) // 2) or len(parts) % 2 == 0:
        raise Misnamed('must be a path like Sequence > Attribute, with creators in "quotation marks"', name)
    steps = tuple(_step(part.strip()) for part in parts[::2])
    for part, step in zip(parts[::2], steps[:-1], strict=False):
        if step.vr != "SQ":
            raise Misnamed("is no sequence", part.strip())
    return steps


def site_of(declared: Iterable[Named]) -> Site:
    """All of them together, without those that the index has anyway. Raises Misnamed."""
    trees = [tree for one in declared if (tree := _tree(one)) is not None]
    return Site(_merged(trees))


def _step(text: str) -> SiteAttribute:
    private = _PRIVATE.fullmatch(text)
    if private:
        return _private_step(text, *private.groups())
    tag = tag_named(text)
    if tag is None or tag < 0x00080000:
        raise _unknown(text)
    if vr_of(tag) in BINARY_VRS:
        raise Misnamed("has a binary value, nobody can ask for that", text)
    return SiteAttribute(tag, vr_of(tag))


def _private_step(text: str, group: str, element: str, creator: str, vr: str | None) -> SiteAttribute:
    tag = int(group, 16) << 16 | int(element, 16)
    if not tag & 0x10000 or tag < 0x00090000:
        raise Misnamed("has the group of a standard attribute: private ones have odd groups from 0009 on", text)
    known = private_elements().get(creator, {}).get(f"{group.lower()}xx{element.lower()}")
    vr = vr or (known[0][:2] if known else None)  # of "US or SS" the first
    if vr is None:
        raise Misnamed("has a VR that no dictionary tells: write it behind the creator", text, f"{text} LO")
    if vr not in READABLE_VRS:
        raise Misnamed("has no VR that people can read", text, f'({group},xx{element}) "{creator}" LO')
    return SiteAttribute(tag, vr, creator=creator)


def _unknown(text: str) -> Misnamed:
    tag = _TAG.fullmatch(text)
    if tag and int(tag[1], 16) & 1:
        spelled = f'({tag[1]},xx{tag[2][2:]}) "PRIVATE CREATOR"'
        return Misnamed("is private, and private blocks are not the same in every object", text, spelled)
    reason = "must be the keyword or the tag of an attribute in the DICOM dictionary"
    return Misnamed(reason, text, "" if tag else nearest(text, [entry[4] for entry in elements().values()]))


def _tree(one: Named) -> SiteAttribute | None:
    """The outermost step with the others below it; None for what the index has anyway."""
    *outer, attribute = steps_of(one.name)
    if _is_in_grid(one, (*outer, attribute)):
        return None
    tree = replace(attribute, is_matched=one.is_matched)
    for step in reversed(outer):
        tree = replace(step, items=(tree,))
    return replace(tree, level=one.level or "IMAGE")


def _is_in_grid(one: Named, steps: Sequence[SiteAttribute]) -> bool:
    """Whether the index has it anyway, as it is declared. Raises Misnamed for another declaration."""
    outermost = steps[0]
    if outermost.creator:
        return False
    level = LEVEL_OF.get(outermost.tag)
    if level is None:
        if level_beyond_grid(outermost.tag) is None:
            raise Misnamed("says nothing of an object", one.name)
        return False
    if one.level not in ("", level.value):
        raise Misnamed(f"is indexed anyway, at the {level.value.lower()} level", one.name)
    if not one.is_matched:
        raise Misnamed("is indexed anyway, and matched on", one.name)
    if any(step.creator for step in steps):
        raise Misnamed(
            "is within a sequence that is indexed as it comes: its private elements cannot be told", one.name
        )
    return True


def _merged(trees: Iterable[SiteAttribute]) -> tuple[SiteAttribute, ...]:
    """One tree for each outermost step; where all of a sequence is wanted, parts of it are wanted no more."""
    merged: dict[tuple[Tag, str], SiteAttribute] = {}
    for tree in trees:
        other = merged.setdefault((tree.tag, tree.creator), tree)
        if other.level != tree.level:
            levels = f"{other.level.lower()} and {tree.level.lower()}"
            raise Misnamed(f"is declared for two levels, {levels}", f"{tree.tag >> 16:04X},{tree.tag & 0xFFFF:04X}")
        if other.items and tree.items:
            merged[tree.tag, tree.creator] = replace(other, items=_merged((*other.items, *tree.items)))
        elif other.items:
            merged[tree.tag, tree.creator] = tree
    return tuple(merged.values())

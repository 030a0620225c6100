"""What peers do that the Standard forbids, and that scpd refuses unless it is told to bear with one of them.

A quirk is granted to one `[[peer]]`: what costs no safety is tolerated of everybody and needs no name. `docs/quirks.md`
says for each which products need it, and which test holds it.
"""

from enum import StrEnum


class Quirk(StrEnum):
    """The switches; their values are the spelling in TOML."""

    BLANK_CALLING_AE_TITLE = "blank-calling-ae-title"
    AE_CASE_INSENSITIVE = "ae-case-insensitive"
    REJECT_WITHOUT_CONTEXTS = "reject-without-contexts"
    LONG_PDUS = "long-pdus"
    UIDS_ECHOED_EXACTLY = "uids-echoed-exactly"
    ODD_UIDS = "odd-uids"
    UID_MISMATCH_WARNED = "uid-mismatch-warned"
    UID_MISMATCH_ACCEPTED = "uid-mismatch-accepted"
    LENIENT_QUERIES = "lenient-queries"


MISMATCH_TOLERATED = frozenset({Quirk.UID_MISMATCH_WARNED, Quirk.UID_MISMATCH_ACCEPTED})

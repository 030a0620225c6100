"""Person names (PN) made comparable: PS3.4 C.2.2.2.1 lets case and accents be ignored, and people expect it.

A folded name knows no case, no diacritics, no half or full width, no spaces around components and no empty ones at
the end. The marks that make one kana into another are kept, and Hangul stays whole, so that `?` is one character.
"""

from functools import lru_cache
from unicodedata import combining, normalize

_VOICED_MARKS = "\u3099\u309a"


@lru_cache(maxsize=4096)
def fold_person_name(text: str) -> str:
    """A PN, or a PN wild card pattern, folded; "Müller^Jörg^^" becomes "muller^jorg". Folding twice changes nothing."""
    bare = "".join(c for c in normalize("NFKD", normalize("NFKD", text).casefold()) if _is_kept(c))
    groups = normalize("NFC", bare).split("=")
    return "=".join(["^".join([part.strip() for part in group.split("^")]).rstrip("^") for group in groups]).rstrip("=")


def _is_kept(character: str) -> bool:
    return not combining(character) or character in _VOICED_MARKS

"""What a Query means (PS3.4 C.2.2.2): pure predicates over decoded attributes, the oracle of every index.

How conflicting attributes are resolved: an entity shows the attributes of ONE of its instances, so that what belongs
together stays together: of the instances' attribute sets of that level, the one with the most non-empty values, and
between equals the one that sorts first. That is a maximum in a total order: no order of arrival changes it, and an
index keeps just the winner (`more_telling`). A study row holds the winners for STUDY and for PATIENT attributes; the
patients are then made of study rows, grouped by `patient_key`.
"""

from collections.abc import Iterable, Iterator

from scpd.dataset.attributes import Attributes
from scpd.query.terms import Query


def matches(query: Query, attributes: Attributes) -> bool:
    """Whether one entity, with all attributes of its own level and of those above, satisfies every key."""
    raise NotImplementedError


def answer(query: Query, instances: Iterable[Attributes]) -> Iterator[Attributes]:
    """The entities at the query's level among `instances` that match, with computed keys, in order of unique key."""
    raise NotImplementedError


def more_telling(first: Attributes, second: Attributes) -> Attributes:
    """Which of two instances' attribute sets of one level an entity shows; commutative and associative."""
    raise NotImplementedError


def patient_key(attributes: Attributes) -> tuple[str, str, str]:
    """What makes a patient one: Patient ID, its issuer, and the Study Instance UID where there is no Patient ID."""
    raise NotImplementedError


def fold_person_name(text: str) -> str:
    """A PN (or a PN wild card pattern) without case, width and diacritics, for comparison."""
    raise NotImplementedError

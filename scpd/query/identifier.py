"""C-FIND Identifiers: bytes -> Query, and a match -> bytes (PS3.4 C.4.1.1.3)."""

from dataclasses import dataclass

from scpd.dataset.attributes import Attributes
from scpd.query.terms import Model, Query


@dataclass(frozen=True, slots=True)
class QueryRules:
    """What was negotiated, or granted to this peer (PS3.4 C.5.1.1). The default is strict hierarchical."""

    strict: bool = True
    relational: bool = False
    combined_datetime: bool = False
    empty_values: bool = False
    multiple_values: bool = False


def decode_identifier(data: bytes, transfer_syntax_uid: str, model: Model, rules: QueryRules = QueryRules()) -> Query:
    """The query that an Identifier asks. Raises DimseFailure (A900H, C000H)."""
    raise NotImplementedError


def encode_match(query: Query, match: Attributes, transfer_syntax_uid: str, retrieve_ae_title: str | None) -> bytes:
    """The Identifier of one pending response: the requested keys, the unique keys, and where to retrieve from."""
    raise NotImplementedError


def pending_status(query: Query) -> int:
    """FF00H, or FF01H when some key was neither matched nor returned (PS3.4 C.4.1.1.4)."""
    raise NotImplementedError

"""Hypothesis strategies: PDUs that make sense, bytes that almost do, and reads of any size."""

from hypothesis import strategies as st

from scpd.ul.pdu import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsyncOperationsWindow,
    CommonExtendedNegotiation,
    ContextResult,
    ExtendedNegotiation,
    Pdu,
    PresentationContextAC,
    PresentationContextRQ,
    RejectReason,
    RejectResult,
    ReleaseRP,
    ReleaseRQ,
    RoleSelection,
    UserIdentityAC,
    UserIdentityRQ,
    UserIdentityType,
    UserInformation,
)
from tests.ul.samples import pdu
from tests.ul.vectors import VECTORS

BYTE = st.integers(0, 0xFF)
SHORT = st.integers(0, 0xFFFF)
TEXT = st.text(st.characters(max_codepoint=0xFF), max_size=20).map(lambda text: text.rstrip("\0 "))
UID = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,5}){0,9}", fullmatch=True) | TEXT
SHORT_BYTES = st.binary(max_size=20)


def _several(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, max_size=3).map(tuple)


def _user_information(
    identity: st.SearchStrategy[object], common: st.SearchStrategy[object]
) -> st.SearchStrategy[UserInformation]:
    return st.builds(
        UserInformation,
        maximum_length=st.none() | st.integers(0, 0xFFFFFFFF),
        implementation_class_uid=st.none() | UID,
        implementation_version_name=st.none() | TEXT,
        async_operations_window=st.none() | st.builds(AsyncOperationsWindow, SHORT, SHORT),
        role_selections=_several(st.builds(RoleSelection, UID, st.booleans(), st.booleans())),
        extended_negotiations=_several(st.builds(ExtendedNegotiation, UID, SHORT_BYTES)),
        common_extended_negotiations=common,
        user_identity=st.none() | identity,
    )


COMMON = st.builds(CommonExtendedNegotiation, UID, UID, _several(UID))
IDENTITY = st.builds(UserIdentityRQ, st.sampled_from(UserIdentityType), st.booleans(), SHORT_BYTES, SHORT_BYTES)

CONTEXT_RQ = st.builds(PresentationContextRQ, BYTE, UID, st.lists(UID, min_size=1, max_size=4).map(tuple))
CONTEXT_AC = st.builds(PresentationContextAC, BYTE, st.sampled_from(ContextResult), UID)


def _contexts(context: st.SearchStrategy[PresentationContextRQ | PresentationContextAC]) -> st.SearchStrategy[object]:
    return st.lists(context, max_size=5, unique_by=lambda each: each.context_id).map(tuple)


AE_TITLE = st.binary(min_size=16, max_size=16)
RESERVED = st.binary(min_size=32, max_size=32)


def pdus() -> st.SearchStrategy[Pdu]:
    """Every PDU that `decode` knows, with everything that may stand in it."""
    return st.one_of(
        st.builds(
            AssociateRQ,
            called_ae=AE_TITLE,
            calling_ae=AE_TITLE,
            application_contexts=_several(UID),
            presentation_contexts=_contexts(CONTEXT_RQ),
            user_information=_user_information(IDENTITY, _several(COMMON)),
            protocol_version=SHORT,
            reserved=RESERVED,
        ),
        st.builds(
            AssociateAC,
            called_ae=AE_TITLE,
            calling_ae=AE_TITLE,
            application_context=UID,
            presentation_contexts=_contexts(CONTEXT_AC),
            user_information=_user_information(st.builds(UserIdentityAC, SHORT_BYTES), st.just(())),
            protocol_version=SHORT,
            reserved=RESERVED,
        ),
        st.builds(AssociateRJ, st.sampled_from(RejectResult), st.sampled_from(RejectReason)),
        st.just(ReleaseRQ()),
        st.just(ReleaseRP()),
        st.builds(Abort, BYTE, BYTE),
    )


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The same bytes with one replaced, some taken out, or some put in."""
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(max_size=4)) + data[at + draw(st.integers(0, 4)) :]


def streams() -> st.SearchStrategy[bytes]:
    """What a hostile peer may send: sound PDUs, damaged ones, empty shells of any type, and noise."""
    sound = st.sampled_from([data for data, _ in VECTORS.values()])
    shells = st.builds(pdu, BYTE, st.binary(max_size=80))
    return st.lists(sound | sound.flatmap(damaged) | shells | st.binary(max_size=40), max_size=6).map(b"".join)


@st.composite
def reads(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` cut into reads of any size, empty ones too."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

"""What an accepted association looks like: presentation contexts, roles, user information."""

import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scpd
from scpd import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scpd.dataset.uid import is_valid_uid
from scpd.profile.dictionary import ServiceName, dictionary
from scpd.profile.negotiation import (
    Accepted,
    AcceptedContext,
    confirmed,
    negotiate,
)
from scpd.profile.profile import FindExtension, Operation, Peer, Profile, Role, Service, health_check_peer
from scpd.ul.pdu import (
    AssociateRQ,
    AsyncOperationsWindow,
    CommonExtendedNegotiation,
    ContextResult,
    ExtendedNegotiation,
    PresentationContextRQ,
    RoleSelection,
    UserIdentityAC,
    UserIdentityRQ,
    UserIdentityType,
    UserInformation,
)
from tests.profile.requests import (
    BIG_ENDIAN,
    CT,
    DEFAULT,
    DEFLATED,
    ECHO,
    EXPLICIT,
    IMPLICIT,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    LOOPBACK,
    MPEG4,
    MR,
    PRIVATE,
    STUDY_ROOT_FIND,
    STUDY_ROOT_MOVE,
    VERIFICATION,
    XML,
    accepted,
    chosen,
    informed,
    request,
    result,
)

STORAGE = ServiceName.STORAGE


def context(context_id: int, uid: str = CT, *syntaxes: str) -> PresentationContextRQ:
    return PresentationContextRQ(context_id, uid, syntaxes or (IMPLICIT,))


# -- the answer as a whole ---------------------------------------------------------------------------------------


def test_A18_A19_what_the_request_says_of_itself_comes_back_unchanged() -> None:
    asked = replace(request(), called_ae=b"  SCPD          ", calling_ae=b"CT1" + b" " * 13, reserved=bytes(range(32)))
    answer = accepted(asked).accept
    assert (answer.called_ae, answer.calling_ae, answer.reserved) == (asked.called_ae, asked.calling_ae, asked.reserved)
    assert answer.protocol_version == 1


def test_A48_implementation_and_maximum_length_are_announced() -> None:
    told = accepted(request(), Profile(pdu_bytes_max=32768)).accept.user_information
    assert told.maximum_length == 32768
    assert told.implementation_class_uid == IMPLEMENTATION_CLASS_UID
    assert told.implementation_version_name == IMPLEMENTATION_VERSION_NAME


def test_A48_the_implementation_class_uid_is_valid_and_the_version_name_is_this_release() -> None:
    assert is_valid_uid(IMPLEMENTATION_CLASS_UID)
    assert 0 < int(IMPLEMENTATION_CLASS_UID.removeprefix("2.25.")) < 2**128
    assert "SCPD_" + scpd.__version__.replace(".", "_") == IMPLEMENTATION_VERSION_NAME
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16


@pytest.mark.parametrize("window", [None, AsyncOperationsWindow(0, 0), AsyncOperationsWindow(8, 8)])
def test_A49_A50_the_asynchronous_operations_window_is_never_answered(window: AsyncOperationsWindow | None) -> None:
    asked = informed(UserInformation(async_operations_window=window))
    assert accepted(asked).accept.user_information.async_operations_window is None


@pytest.mark.parametrize("wanted", [False, True])
def test_A54_an_unverified_user_identity_is_let_pass_and_never_confirmed(wanted: bool) -> None:
    identity = UserIdentityRQ(UserIdentityType.USERNAME_AND_PASSCODE, wanted, b"user", b"secret")
    answer = accepted(informed(UserInformation(user_identity=identity)))
    assert answer.accept.user_information.user_identity is None
    assert "secret" not in repr(answer)


def test_A54_a_confirmed_answer_differs_by_the_positive_response_alone() -> None:
    accept = accepted(request()).accept
    answer = confirmed(accept, b"ticket")
    assert answer.user_information.user_identity == UserIdentityAC(b"ticket")
    assert replace(answer, user_information=accept.user_information) == accept
    assert replace(answer.user_information, user_identity=None) == accept.user_information


def test_A57_common_extended_negotiation_is_ignored() -> None:
    common = CommonExtendedNegotiation(PRIVATE, "1.2.840.10008.4.2", ("1.2.3",))
    answer = accepted(informed(UserInformation(common_extended_negotiations=(common,))))
    assert answer.accept.user_information.common_extended_negotiations == ()


# -- presentation contexts ---------------------------------------------------------------------------------------


def test_an_accepted_context_says_what_it_is_for() -> None:
    answer = accepted(request(context(5, CT, JPEG_BASELINE)))
    assert answer.contexts == {5: AcceptedContext(5, CT, JPEG_BASELINE, STORAGE)}
    assert answer.refused == ()


@pytest.mark.parametrize("context_id", [0, 2, 254])
def test_A34_an_even_context_id_is_refused_and_the_others_are_served(context_id: int) -> None:
    answer = accepted(request(context(context_id), ECHO))
    assert [(item.context_id, item.result) for item in answer.accept.presentation_contexts] == [
        (context_id, ContextResult.NO_REASON),
        (1, ContextResult.ACCEPTANCE),
    ]
    assert answer.contexts.keys() == {1}


def test_A36_128_contexts_are_each_answered_once() -> None:
    proposed = [context(number, CT if number % 3 else PRIVATE) for number in range(1, 256, 2)]
    answer = accepted(request(*proposed))
    assert [item.context_id for item in answer.accept.presentation_contexts] == list(range(1, 256, 2))
    assert len(answer.contexts) + len(answer.refused) == 128


@pytest.mark.parametrize("uid", [PRIVATE, STUDY_ROOT_MOVE, "1.2.840.10008.1.3.10", "1.2.840.10008.1.20.1", "", "../x"])
def test_A37_an_unsupported_abstract_syntax_is_refused(uid: str) -> None:
    assert result(context(1, uid)) is ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(("uid", "syntax"), [(CT, XML), (CT, "1.2.3"), (CT, ""), (STUDY_ROOT_FIND, DEFLATED)])
def test_A38_a_context_without_a_supported_transfer_syntax_is_refused(uid: str, syntax: str) -> None:
    answer = accepted(request(context(1, uid, syntax)))
    [item] = answer.accept.presentation_contexts
    assert item.result is ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED
    assert item.transfer_syntax


def test_A39_a_context_without_any_transfer_syntax_is_refused() -> None:
    assert result(PresentationContextRQ(1, CT, ())) is ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("offered", "best"),
    [
        ((IMPLICIT, EXPLICIT, BIG_ENDIAN), EXPLICIT),
        ((IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN), EXPLICIT),
        ((EXPLICIT, JPEG_LOSSLESS), JPEG_LOSSLESS),
        ((JPEG_BASELINE, EXPLICIT), EXPLICIT),
        ((IMPLICIT, JPEG_BASELINE), JPEG_BASELINE),
        ((EXPLICIT, IMPLICIT, MPEG4), MPEG4),
        ((IMPLICIT, BIG_ENDIAN), BIG_ENDIAN),
        ((XML, "1.2.3", IMPLICIT, IMPLICIT), IMPLICIT),
    ],
)
def test_A40_one_of_the_offered_transfer_syntaxes_is_chosen_by_our_preference(
    offered: tuple[str, ...], best: str
) -> None:
    assert chosen(*offered) == chosen(*reversed(offered)) == best


def test_A40_the_declared_order_is_the_preference() -> None:
    profile = Profile(services=(Service(STORAGE, ("ct",), ("implicit-vr-little-endian", "lossless")),))
    assert chosen(JPEG_LOSSLESS, IMPLICIT, profile=profile) == IMPLICIT


def test_A41_an_association_with_every_context_refused_is_accepted() -> None:
    answer = accepted(request(context(1, PRIVATE), context(3, STUDY_ROOT_MOVE)))
    assert not answer.contexts
    assert [item.result for item in answer.accept.presentation_contexts] == [
        ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED
    ] * 2


def test_an_abstract_syntax_proposed_twice_is_answered_twice() -> None:
    answer = accepted(request(context(1, CT, IMPLICIT), context(3, CT, JPEG_BASELINE)))
    assert {number: each.transfer_syntax for number, each in answer.contexts.items()} == {1: IMPLICIT, 3: JPEG_BASELINE}


def test_every_storage_sop_class_is_accepted_in_every_transfer_syntax_of_c_store() -> None:
    classes = dictionary().all_of(STORAGE)
    syntaxes = dictionary().transfer_syntax_groups["storage:all"]
    for uid in classes:
        answer = accepted(request(*(context(2 * n + 1, uid, syntax) for n, syntax in enumerate(syntaxes))))
        assert [each.transfer_syntax for each in answer.contexts.values()] == list(syntaxes)


@pytest.mark.parametrize(
    ("calling", "address", "abstract_syntax", "expected"),
    [
        ("SCPD_ECHO", "127.0.0.1", VERIFICATION, ContextResult.ACCEPTANCE),
        ("SCPD_ECHO", "::1", VERIFICATION, ContextResult.ACCEPTANCE),
        ("SCPD_ECHO", "127.0.0.1", CT, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
        ("SCPD_ECHO", "192.0.2.1", VERIFICATION, None),
        ("ANYBODY", "127.0.0.1", VERIFICATION, None),
    ],
)
def test_the_health_check_may_verify_from_this_machine_and_nothing_else(
    calling: str, address: str, abstract_syntax: str, expected: ContextResult | None
) -> None:
    profile = Profile(peers=(health_check_peer(), Peer("CT1", (ip_network("192.0.2.0/24"),))))
    decision = negotiate(request(context(1, abstract_syntax), calling=calling), profile, address)
    assert expected is (decision.accept.presentation_contexts[0].result if isinstance(decision, Accepted) else None)


def test_what_a_peer_may_not_do_is_negotiated_all_the_same_and_refused_when_asked_for() -> None:
    only_echo = Peer("CT1", (ip_network("127.0.0.0/8"),), frozenset({Operation.ECHO}))
    answer = accepted(request(ECHO, context(3)), Profile(peers=(only_echo,)))
    assert answer.contexts.keys() == {1, 3}
    assert answer.peer.operations == {Operation.ECHO}


# -- roles -------------------------------------------------------------------------------------------------------

BOTH = frozenset(Role)


@pytest.mark.parametrize(
    ("ours", "asked", "granted"),
    [
        ({Role.SCP}, (True, False), (True, False)),
        ({Role.SCP}, (True, True), (True, False)),
        (BOTH, (True, True), (True, True)),
        (BOTH, (False, True), (False, True)),
        ({Role.SCU}, (True, True), (False, True)),
    ],
)
def test_A51_of_the_proposed_roles_those_that_fit_ours_are_granted(
    ours: frozenset[Role], asked: tuple[bool, bool], granted: tuple[bool, bool]
) -> None:
    profile = Profile(services=(Service(STORAGE, ("ct",), roles=frozenset(ours)),))
    answer = accepted(request(context(1), roles=(RoleSelection(CT, *asked),)), profile)
    assert answer.accept.user_information.role_selections == (RoleSelection(CT, *granted),)
    assert (answer.contexts[1].peer_is_scu, answer.contexts[1].peer_is_scp) == granted


@pytest.mark.parametrize("asked", [(False, True), (False, False)])
def test_A52_where_no_proposed_role_fits_the_default_counts_and_nothing_is_answered(asked: tuple[bool, bool]) -> None:
    answer = accepted(request(context(1), roles=(RoleSelection(CT, *asked),)))
    assert answer.accept.user_information.role_selections == ()
    assert answer.contexts[1].peer_is_scu
    assert not answer.contexts[1].peer_is_scp


def test_A51_roles_are_answered_only_for_accepted_sop_classes_and_once() -> None:
    roles = tuple(RoleSelection(uid, True, False) for uid in (CT, MR, PRIVATE, CT))
    answer = accepted(request(context(1), context(3), context(5, PRIVATE), roles=roles))
    assert answer.accept.user_information.role_selections == (RoleSelection(CT, True, False),)


def test_of_two_role_selections_for_one_sop_class_the_first_counts() -> None:
    roles = (RoleSelection(CT, True, False), RoleSelection(CT, False, True))
    profile = Profile(services=(Service(STORAGE, roles=BOTH),))
    answer = accepted(request(context(1), roles=roles), profile)
    assert answer.accept.user_information.role_selections == (roles[0],)


@pytest.mark.parametrize("roles", [(), (RoleSelection(CT, True, False),)])
def test_a_peer_that_could_only_be_scu_of_what_we_are_not_scp_of_is_refused(roles: tuple[RoleSelection, ...]) -> None:
    profile = Profile(services=(Service(STORAGE, roles=frozenset({Role.SCU})),))
    answer = accepted(request(context(1), roles=roles), profile)
    assert [item.result for item in answer.accept.presentation_contexts] == [ContextResult.USER_REJECTION]
    assert answer.accept.user_information.role_selections == ()


# -- extended negotiation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wished", "told"),
    [
        (b"\x01", b"\x00"),
        (b"\x01\x01\x01", b"\x00\x00\x00"),
        (b"", b""),
        (b"\x01" * 7, b"\x00" * 7),
        (b"\x01" * 1000, b"\x00" * 7),
    ],
)
def test_A53_what_find_cannot_do_is_answered_no_for_each_byte_that_was_asked(wished: bytes, told: bytes) -> None:
    wish = ExtendedNegotiation(STUDY_ROOT_FIND, wished)
    answer = accepted(request(context(1, STUDY_ROOT_FIND), extended=(wish,)), Profile(find_extensions=frozenset()))
    assert answer.accept.user_information.extended_negotiations == (ExtendedNegotiation(STUDY_ROOT_FIND, told),)
    assert answer.contexts[1].extensions == set()


def test_A53_what_find_can_do_is_granted_where_it_was_asked_for() -> None:
    can = frozenset(
        {FindExtension.RELATIONAL_QUERIES, FindExtension.FUZZY_PERSON_NAMES, FindExtension.EMPTY_VALUE_MATCHING}
    )
    wish = ExtendedNegotiation(STUDY_ROOT_FIND, b"\x01\x01\x00\x00\x00\x02")
    answer = accepted(request(context(1, STUDY_ROOT_FIND), extended=(wish,)), Profile(find_extensions=can))
    [told] = answer.accept.user_information.extended_negotiations
    assert told.info == b"\x01\x00\x00\x00\x00\x00"
    assert answer.contexts[1].extensions == {FindExtension.RELATIONAL_QUERIES}


def test_A53_extended_negotiation_is_not_answered_for_other_services_or_refused_contexts() -> None:
    wishes = tuple(ExtendedNegotiation(uid, b"\x01") for uid in (CT, STUDY_ROOT_MOVE, STUDY_ROOT_FIND))
    answer = accepted(request(context(1), context(3, STUDY_ROOT_MOVE), extended=wishes))
    assert answer.accept.user_information.extended_negotiations == ()


# -- speed and hostility -----------------------------------------------------------------------------------------


def seconds(asked: AssociateRQ) -> float:
    begin = time.perf_counter()
    negotiate(asked, DEFAULT, LOOPBACK)
    return time.perf_counter() - begin


@pytest.mark.parametrize("uids", [dictionary().all_of(STORAGE), [f"1.2.3.{n}" for n in range(128)], ["x" * 5000] * 128])
def test_128_contexts_of_40_transfer_syntaxes_are_answered_in_milliseconds(uids: Sequence[str]) -> None:
    syntaxes = dictionary().transfer_syntax_groups["storage:all"][-40:]
    asked = request(*(context(2 * n + 1, uids[n], *syntaxes) for n in range(128)))
    # One or two milliseconds on an idle machine; the margin is for busy ones, and for coverage measuring it.
    assert min(seconds(asked) for _ in range(10)) < 0.010


uids = st.sampled_from([CT, MR, VERIFICATION, STUDY_ROOT_FIND, STUDY_ROOT_MOVE, PRIVATE, IMPLICIT, EXPLICIT, XML])
texts = uids | st.text(st.characters(max_codepoint=255), max_size=70)
titles = st.sampled_from([b"SCPD".ljust(16), b"CT1".ljust(16)]) | st.binary(min_size=16, max_size=16)
contexts = st.builds(PresentationContextRQ, st.integers(0, 255), texts, st.lists(texts, max_size=5).map(tuple))
information = st.builds(
    UserInformation,
    maximum_length=st.none() | st.integers(0, 2**32 - 1),
    async_operations_window=st.none() | st.just(AsyncOperationsWindow(0, 0)),
    role_selections=st.lists(st.builds(RoleSelection, texts, st.booleans(), st.booleans()), max_size=4).map(tuple),
    extended_negotiations=st.lists(st.builds(ExtendedNegotiation, texts, st.binary(max_size=20)), max_size=4).map(
        tuple
    ),
)
requests = st.builds(
    AssociateRQ,
    called_ae=titles,
    calling_ae=titles,
    application_contexts=st.just(("1.2.840.10008.3.1.1.1",)) | st.lists(texts, max_size=2).map(tuple),
    presentation_contexts=st.lists(contexts, max_size=6, unique_by=lambda each: each.context_id).map(tuple),
    user_information=information,
)
profiles = st.sampled_from(
    [
        DEFAULT,
        Profile(services=(Service(STORAGE, ("*",), ("lossless", "uncompressed"), BOTH),)),
        Profile(peers=(Peer("CT1", (ip_network("10.0.0.0/8"),), called_ae_titles=("X",)),)),
        Profile(peers=(Peer("CT1", (ip_network("10.0.0.0/8"),), transfer_syntaxes=("uncompressed",)),)),
    ]
)


@given(requests, profiles, st.sampled_from([LOOPBACK, "10.0.0.1", "2001:db8::1", "nowhere"]))
def test_any_request_gets_an_answer_that_keeps_the_standards_promises(
    asked: AssociateRQ, profile: Profile, address: str
) -> None:
    answer = negotiate(asked, profile, address)
    if not isinstance(answer, Accepted):
        assert str(replace(answer.explanation, toml="")).isprintable()
        return
    proposed = {each.context_id: each for each in asked.presentation_contexts}
    answered = {each.context_id: each for each in answer.accept.presentation_contexts}
    assert answered.keys() == proposed.keys()
    assert answer.contexts.keys() == {n for n, each in answered.items() if each.result is ContextResult.ACCEPTANCE}
    for number, each in answer.contexts.items():
        assert number % 2
        assert each.transfer_syntax == answered[number].transfer_syntax
        assert each.transfer_syntax in proposed[number].transfer_syntaxes
        assert each.abstract_syntax == proposed[number].abstract_syntax
        assert each.peer_is_scu or each.peer_is_scp
    in_use = {each.abstract_syntax for each in answer.contexts.values()}
    told = answer.accept.user_information
    assert {item.sop_class_uid for item in told.role_selections} <= in_use
    assert {item.sop_class_uid for item in told.extended_negotiations} <= in_use
    assert {each.context_id for each in answer.refused} == proposed.keys() - answer.contexts.keys()
    for explanation in answer.refused:
        assert str(replace(explanation, toml="")).isprintable()

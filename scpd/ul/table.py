"""The state machine of the upper layer, PS3.8 section 9.2, as data: proofread it against Table 9-10.

The numbers of the Standard (Evt1-19, Sta1-13, AE-1 and so on) stand in this file only; they are the values of the
enums, and everywhere else the names are used. A cell of the grid names the action to take; a dot is a cell that the
Standard leaves blank: what cannot happen, or what this side must not ask for. What each action does, and which state
it leads to, is in `connection.py`.
"""

from enum import StrEnum


class State(StrEnum):
    """PS3.8 Tables 9-1 to 9-5."""

    IDLE = "Sta1"
    AWAITING_REQUEST = "Sta2"  # transport open, ARTIM running
    AWAITING_LOCAL_ANSWER = "Sta3"  # the owner has to accept or reject
    AWAITING_TRANSPORT = "Sta4"
    AWAITING_ANSWER = "Sta5"  # A-ASSOCIATE-AC or -RJ
    ESTABLISHED = "Sta6"
    AWAITING_RELEASE_RP = "Sta7"
    AWAITING_LOCAL_RELEASE = "Sta8"  # the owner has to accept the peer's release
    COLLISION_REQUESTOR_LOCAL = "Sta9"  # as Sta8, both have asked
    COLLISION_ACCEPTOR_REMOTE = "Sta10"  # as Sta7, both have asked
    COLLISION_REQUESTOR_REMOTE = "Sta11"
    COLLISION_ACCEPTOR_LOCAL = "Sta12"
    AWAITING_CLOSE = "Sta13"  # the association is over, ARTIM running


class Stimulus(StrEnum):
    """What can happen: the rows ("events") of Table 9-10."""

    ASSOCIATE_REQUEST = "Evt1"  # from the owner
    TRANSPORT_CONFIRMED = "Evt2"
    ASSOCIATE_AC_PDU = "Evt3"
    ASSOCIATE_RJ_PDU = "Evt4"
    TRANSPORT_INDICATED = "Evt5"
    ASSOCIATE_RQ_PDU = "Evt6"
    ASSOCIATE_ACCEPTANCE = "Evt7"  # from the owner
    ASSOCIATE_REJECTION = "Evt8"  # from the owner
    DATA_REQUEST = "Evt9"  # from the owner
    DATA_PDU = "Evt10"
    RELEASE_REQUEST = "Evt11"  # from the owner
    RELEASE_RQ_PDU = "Evt12"
    RELEASE_RP_PDU = "Evt13"
    RELEASE_RESPONSE = "Evt14"  # from the owner
    ABORT_REQUEST = "Evt15"  # from the owner
    ABORT_PDU = "Evt16"
    TRANSPORT_CLOSED = "Evt17"
    ARTIM_EXPIRED = "Evt18"
    INVALID_PDU = "Evt19"  # unrecognized or invalid


class Action(StrEnum):
    """PS3.8 Tables 9-6 to 9-9."""

    OPEN_TRANSPORT = "AE-1"
    SEND_ASSOCIATE_RQ = "AE-2"
    CONFIRM_ACCEPTANCE = "AE-3"
    CONFIRM_REJECTION = "AE-4"
    AWAIT_ASSOCIATE_RQ = "AE-5"
    INDICATE_ASSOCIATE = "AE-6"
    SEND_ASSOCIATE_AC = "AE-7"
    SEND_ASSOCIATE_RJ = "AE-8"
    SEND_DATA = "DT-1"
    INDICATE_DATA = "DT-2"
    SEND_RELEASE_RQ = "AR-1"
    INDICATE_RELEASE = "AR-2"
    CONFIRM_RELEASE = "AR-3"
    SEND_RELEASE_RP = "AR-4"
    END_AFTER_RELEASE = "AR-5"
    INDICATE_LATE_DATA = "AR-6"
    SEND_LATE_DATA = "AR-7"
    INDICATE_COLLISION = "AR-8"
    SEND_RELEASE_RP_AS_REQUESTOR = "AR-9"
    CONFIRM_RELEASE_AS_ACCEPTOR = "AR-10"
    ABORT_AS_USER = "AA-1"
    CLOSE = "AA-2"
    INDICATE_ABORT = "AA-3"
    INDICATE_LOSS = "AA-4"
    END_BEFORE_ASSOCIATION = "AA-5"
    IGNORE = "AA-6"
    ABORT_AGAIN = "AA-7"
    ABORT_AS_PROVIDER = "AA-8"


GRID = """
      Sta1 Sta2 Sta3 Sta4 Sta5 Sta6 Sta7 Sta8 Sta9 Sta10 Sta11 Sta12 Sta13
Evt1  AE-1  .    .    .    .    .    .    .    .    .     .     .     .
Evt2   .    .    .   AE-2  .    .    .    .    .    .     .     .     .
Evt3   .   AA-1 AA-8  .   AE-3 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt4   .   AA-1 AA-8  .   AE-4 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt5  AE-5  .    .    .    .    .    .    .    .    .     .     .     .
Evt6   .   AE-6 AA-8  .   AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-7
Evt7   .    .   AE-7  .    .    .    .    .    .    .     .     .     .
Evt8   .    .   AE-8  .    .    .    .    .    .    .     .     .     .
Evt9   .    .    .    .    .   DT-1  .   AR-7  .    .     .     .     .
Evt10  .   AA-1 AA-8  .   AA-8 DT-2 AR-6 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt11  .    .    .    .    .   AR-1  .    .    .    .     .     .     .
Evt12  .   AA-1 AA-8  .   AA-8 AR-2 AR-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt13  .   AA-1 AA-8  .   AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3  AA-8  AA-6
Evt14  .    .    .    .    .    .    .   AR-4 AR-9  .     .    AR-4   .
Evt15  .    .   AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1  AA-1  AA-1   .
Evt16  .   AA-2 AA-3  .   AA-3 AA-3 AA-3 AA-3 AA-3 AA-3  AA-3  AA-3  AA-2
Evt17  .   AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4  AA-4  AA-4  AR-5
Evt18  .   AA-2  .    .    .    .    .    .    .    .     .     .    AA-2
Evt19  .   AA-1 AA-8  .   AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-7
"""


def _read(grid: str) -> dict[tuple[Stimulus, State], Action]:
    columns, *rows = (line.split() for line in grid.strip().splitlines())
    return {
        (Stimulus(row[0]), State(column)): Action(cell)
        for row in rows
        for column, cell in zip(columns, row[1:], strict=True)
        if cell != "."
    }


TABLE = _read(GRID)

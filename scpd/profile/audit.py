"""What an audit wants to know: log lines about it carry the field `audit`, with the event's name in PS3.15 A.5.3.

A collector selects by that field; the line's other fields say who, from where and why. Messages in the schema of
PS3.15 A.5.1, sent to an audit repository, are not made yet.
"""

from enum import StrEnum


class Audit(StrEnum):
    """Events worth an audit message, by their names in PS3.15 A.5.3."""

    NODE_AUTHENTICATION = "Security Alert: Node Authentication"
    LOGIN = "User Authentication: Login"
    INSTANCES_TRANSFERRED = "DICOM Instances Transferred"

"""What must be known of an object, read from its data set while the bytes pass by on their way to the Sink.

Nothing is changed or refused for its contents: only an object that cannot be filed, because it is not what the
C-STORE-RQ announced or does not say where it belongs, is turned away (PS3.4 B.2.3). A structure that breaks behind
the UIDs that file it is kept as it came, and marked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from scpd.dataset.attributes import Attributes, Tag, text
from scpd.dataset.recall import Recall
from scpd.dataset.scan import DEFAULT_LIMITS, Scan, ScanLimits, Wanted
from scpd.dataset.scanner import Scanner
from scpd.dataset.site import Site
from scpd.dataset.uid import is_odd_uid, is_valid_uid
from scpd.dimse.status import DimseFailure, Status
from scpd.query.levels import WANTED
from scpd.storage.base import Incoming, Instance

SOP_CLASS_UID: Tag = 0x00080016
SOP_INSTANCE_UID: Tag = 0x00080018
STUDY_INSTANCE_UID: Tag = 0x0020000D
SERIES_INSTANCE_UID: Tag = 0x0020000E

# PS3.4 Table GG.3-1: their IODs have neither a patient nor a study.
NON_PATIENT_SOP_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol
        "1.2.840.10008.5.1.4.39.1",  # Color Palette
        "1.2.840.10008.5.1.4.43.1",  # Generic Implant Template
        "1.2.840.10008.5.1.4.44.1",  # Implant Assembly Template
        "1.2.840.10008.5.1.4.45.1",  # Implant Template Group
        "1.2.840.10008.5.1.4.1.1.200.1",  # CT Defined Procedure Protocol
        "1.2.840.10008.5.1.4.1.1.200.3",  # Protocol Approval
        "1.2.840.10008.5.1.4.1.1.200.7",  # XA Defined Procedure Protocol
        "1.2.840.10008.5.1.4.1.1.201.1",  # Inventory
    }
)


@cache
def _indexed(besides: Site) -> Wanted:
    """What the scanner looks for: prepared once for the attributes of a site."""
    return Wanted(WANTED | besides.watched)


@dataclass(frozen=True, slots=True)
class Leniency:
    """What is tolerated of some peers: UIDs that are none, and others in the data set than in the command."""

    odd_uids: bool = False
    mismatch: bool = False


STRICT = Leniency()


class Head:
    """Reads one data set: `feed` every piece in order, then ask for the `instance`.

    `differing` are then the UIDs that are others than those of the command, which only leniency lets pass.
    """

    def __init__(
        self,
        incoming: Incoming,
        limits: ScanLimits = DEFAULT_LIMITS,
        leniency: Leniency = STRICT,
        recall: Recall | None = None,
    ) -> None:
        self._incoming = incoming
        self._besides = limits.besides
        self._leniency = leniency
        self._is_uid = is_odd_uid if leniency.odd_uids else is_valid_uid
        self._attributes: Attributes = {}
        self.differing: tuple[Tag, ...] = ()
        self._scanner = Scanner(incoming.transfer_syntax_uid, _indexed(limits.besides), limits, recall)

    def feed(self, chunks: Iterable[memoryview]) -> None:
        """The next bytes of the data set; the views may be reused when this returns."""
        for chunk in chunks:
            self._scanner.feed(chunk)

    def instance(self) -> Instance:
        """The object that the bytes were. Raises DimseFailure: A900H or C000H (PS3.4 B.2.3)."""
        scan = self._scanner.finish()
        if scan.file_meta_inside:  # PS3.10 7.1: group 0002 belongs to files
            raise DimseFailure(Status.CANNOT_UNDERSTAND, "file meta information in the data set")
        attributes = self._attributes = self._besides.kept(scan.attributes(), scan.elements)
        self._check_present(scan, attributes)
        attributes = self._as_announced(attributes)
        filed = self._incoming.sop_class_uid not in NON_PATIENT_SOP_CLASSES
        return Instance(
            study_instance_uid=text(attributes, STUDY_INSTANCE_UID) if filed else "",
            series_instance_uid=text(attributes, SERIES_INSTANCE_UID) if filed else "",
            attributes=attributes,
            damaged=scan.damage is not None,
        )

    def unfit(self, reason: str) -> Instance:
        """What is known of an object that `instance` turned away, for those who keep it nevertheless."""
        return Instance("", "", self._attributes, damaged=True, unfit=reason)

    def _check_present(self, scan: Scan, attributes: Attributes) -> None:
        """Each UID that files the object must be one: a text that is none, or two of them, is no place (PS3.5 9.1)."""
        required = [SOP_CLASS_UID, SOP_INSTANCE_UID]
        if self._incoming.sop_class_uid not in NON_PATIENT_SOP_CLASSES:
            required += [STUDY_INSTANCE_UID, SERIES_INSTANCE_UID]
        missing = tuple(tag for tag in required if not self._is_uid(text(attributes, tag)))
        if not missing:
            return
        if scan.damage is not None:
            raise DimseFailure(Status.CANNOT_UNDERSTAND, "damaged before the required UIDs")
        if scan.capped:
            raise DimseFailure(Status.CANNOT_UNDERSTAND, "no required UIDs within the inflate limit")
        if not attributes:
            raise DimseFailure(Status.CANNOT_UNDERSTAND, "empty or not a data set")
        quirk = "odd-uids" if all(is_odd_uid(text(attributes, tag)) for tag in missing) else ""
        comment = "required UIDs missing or invalid"
        raise DimseFailure(Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, comment, missing, quirk=quirk)

    def _as_announced(self, attributes: Attributes) -> Attributes:
        """What the index gets: an object is found by the UIDs that its sender knows it by, those of the command."""
        announced = {
            SOP_CLASS_UID: self._incoming.sop_class_uid,
            SOP_INSTANCE_UID: self._incoming.sop_instance_uid,
        }
        self.differing = tuple(tag for tag, uid in announced.items() if text(attributes, tag) != uid)
        if self.differing and not self._leniency.mismatch:
            comment = "UIDs of data set and command differ"
            raise DimseFailure(
                Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS, comment, self.differing, quirk="uid-mismatch-warned"
            )
        return {**attributes, **announced} if self.differing else attributes

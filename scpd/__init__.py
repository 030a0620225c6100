"""scpd: a DICOM Storage and Query SCP daemon (PS3.4 Annex B and Annex C)."""

__version__ = "0.1.0"

IMPLEMENTATION_CLASS_UID = "2.25.103535670066856218801367847845771113604"
"""Of every release of scpd (PS3.7 D.3.3.2, PS3.10 7.1); derived from a UUID as PS3.5 B.2 allows."""

IMPLEMENTATION_VERSION_NAME = "SCPD_0_1_0"
"""In associations and in files alike; at most 16 characters."""

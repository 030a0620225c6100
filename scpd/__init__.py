"""scpd: a DICOM Storage and Query SCP daemon (PS3.4 Annex B and Annex C)."""

__version__ = "0.1.0"

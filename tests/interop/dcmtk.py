"""DCMTK's programs as functions: echoscu, storescu, findscu and dcmdump."""

import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pydicom

from tests.interop.corpus import Sample
from tests.interop.programs import run

STORESCU = ("-aec", "SCPD", "--no-halt", "--verbose", "--dimse-timeout", 60)


def write_profile(path: Path, batch: Iterable[Sample]) -> Path:
    """A negotiation profile named P: one presentation context for each pair of SOP class and transfer syntax.

    With a single syntax in a context the peer has no choice, and storescu sends each file in its own syntax.
    """
    pairs = sorted({(sample.sop_class_uid, sample.transfer_syntax_uid) for sample in batch})
    lines = ["[[TransferSyntaxes]]"]
    for syntax in sorted({syntax for _, syntax in pairs}):
        lines += [f"[{section_of(syntax)}]", f"TransferSyntax1 = {syntax}"]
    lines += ["[[PresentationContexts]]", "[Pairs]"]
    for number, (sop_class, syntax) in enumerate(pairs, start=1):
        lines.append(f"PresentationContext{number} = {sop_class}\\{section_of(syntax)}")
    lines += ["[[Profiles]]", "[P]", "PresentationContexts = Pairs", ""]
    path.write_text("\n".join(lines))
    return path


def section_of(syntax: str) -> str:
    """The name under which a profile lists a transfer syntax."""
    return "Syntax" + syntax.replace(".", "_")


def echoscu(port: int, *options: object) -> subprocess.CompletedProcess[str]:
    """Sends one C-ECHO."""
    return run("echoscu", "-aec", "SCPD", *options, "127.0.0.1", port)


def storescu(port: int, files: Sequence[Path], *options: object) -> subprocess.CompletedProcess[str]:
    """Sends files over one association, whatever becomes of each."""
    return run("storescu", *STORESCU, *options, "127.0.0.1", port, *files)


def findscu(
    port: int, level: str, keys: Mapping[str, str], *options: object, model: str = "--study"
) -> list[pydicom.FileDataset]:
    """The matches of one C-FIND; `keys` has keywords and values, an empty value asks for the attribute."""
    asked = [option for keyword, value in keys.items() for option in ("-k", f"{keyword}={value}")]
    with tempfile.TemporaryDirectory() as folder:
        answers = ("--extract", "--output-directory", folder)
        query = ("-k", f"QueryRetrieveLevel={level}", *asked)
        finished = run("findscu", "-aec", "SCPD", *options, model, *answers, *query, "127.0.0.1", port)
        assert finished.returncode == 0, finished.stdout
        return [pydicom.dcmread(path) for path in sorted(Path(folder).iterdir())]


def dcmdump_refuses(files: Sequence[Path]) -> list[str]:
    """The names of the files that dcmdump cannot read to the end."""
    if run("dcmdump", "--quiet", *files).returncode == 0:
        return []
    return [path.name for path in files if run("dcmdump", "--quiet", path).returncode != 0]

"""Where the programs are that the benchmarks start: the C ones of this folder, and other people's."""

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def compiled(name: str) -> Path:
    """The C program `name`.c of this folder, compiled when it is older than a source."""
    source, header, program = HERE / f"{name}.c", HERE / "peer.h", HERE / ".build" / name
    newest = max(source.stat().st_mtime, header.stat().st_mtime)
    if not program.exists() or program.stat().st_mtime < newest:
        program.parent.mkdir(exist_ok=True)
        growing = program.with_suffix(f".{os.getpid()}")  # another benchmark may be starting the old one
        subprocess.run(["cc", "-O2", "-Wall", "-pthread", "-o", str(growing), str(source)], check=True)
        growing.rename(program)
    return program


def installed(name: str) -> str:
    """The path of a program of DCMTK or Orthanc. Raises FileNotFoundError when it is not installed.

    pynetdicom installs scripts under the names of DCMTK's programs, and a virtual environment puts its scripts first.
    """
    for folder in [*os.environ.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin"]:  # Debian keeps Orthanc there
        path = shutil.which(name, path=folder)
        if path and not is_script(Path(path)):
            return path
    raise FileNotFoundError(f"{name} is not installed")


def is_script(path: Path) -> bool:
    """Whether an interpreter would run it."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"

"""A private Orthanc as a DICOM client: its own configuration, storage and HTTP port, driven through its REST API."""

import json
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

from tests.interop.programs import ENVIRONMENT, program

REQUEST_SECONDS = 60


class Orthanc:
    """Runs Orthanc, which knows the daemon as the modality `scpd`, and calls its REST API."""

    def __init__(self, folder: Path, daemon_port: int | None = None, **options: object) -> None:
        """`options` are further words of Orthanc's configuration. Without a port, `aim` it before it is to call."""
        self._folder = folder
        self._http_port = free_port()
        self._configuration = {
            "Name": "interop",
            "StorageDirectory": str(folder / "orthanc"),
            "IndexDirectory": str(folder / "orthanc"),
            "DicomServerEnabled": False,
            "DicomAet": "ORTHANC",
            "DicomModalities": {"scpd": ["SCPD", "127.0.0.1", daemon_port]} if daemon_port else {},
            "HttpPort": self._http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            **options,
        }

    def __enter__(self) -> "Orthanc":
        configuration = self._folder / "orthanc.json"
        configuration.write_text(json.dumps(self._configuration))
        self._process = subprocess.Popen(
            [program("Orthanc"), "--verbose", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
            errors="replace",
        )
        self._wait_started()
        return self

    def __exit__(self, *exc: "type[BaseException] | BaseException | TracebackType | None") -> None:
        self._process.terminate()
        self._process.communicate()

    def post(self, path: str, body: bytes | dict[str, object] | list[str]) -> Any:  # Any: whatever JSON it answers
        """POSTs bytes as they are, and anything else as JSON. Raises HTTPError when the answer is not 200."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._call(Request(self._url(path), data=data, method="POST"))

    def aim(self, port: int, *, tls: bool) -> None:
        """From now on the modality `scpd` is on this port, with or without TLS."""
        modality = {"AET": "SCPD", "Host": "127.0.0.1", "Port": port, "UseDicomTls": tls}
        request = Request(self._url("/modalities/scpd"), data=json.dumps(modality).encode(), method="PUT")
        with urlopen(request, timeout=REQUEST_SECONDS):
            pass

    def fetch(self, path: str) -> Any:  # Any: whatever JSON it answers
        """GETs a resource."""
        return self._call(Request(self._url(path)))

    def find(self, level: str, query: dict[str, str]) -> list[dict[str, str]]:
        """Sends a C-FIND to the daemon and returns the answers by keyword."""
        # "Normalize" would wipe out the keys that Orthanc does not know of the level.
        found = self.post("/modalities/scpd/query", {"Level": level, "Query": query, "Normalize": False})
        answers = f"/queries/{found['ID']}/answers"
        return [self.fetch(f"{answers}/{number}/content?simplify") for number in self.fetch(answers)]

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http_port}{path}"

    def _call(self, request: Request) -> Any:
        with urlopen(request, timeout=REQUEST_SECONDS) as response:
            return json.load(response)

    def _wait_started(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        printed = []
        for line in stderr:
            printed.append(line)
            if "Orthanc has started" in line:
                return
        self._process.communicate()
        raise AssertionError("Orthanc did not start:\n" + "".join(printed))


def free_port() -> int:
    """A port nobody listens on at this moment: Orthanc cannot choose its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])

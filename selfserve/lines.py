"""What comes in over a socket, with an end to patience: however slowly it drips, it is over at its time."""

from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import Any


class Line(RawIOBase):
    """What comes in from a server. Each wait for it ends at its time, however slowly it drips."""

    def __init__(self, sock: Any, until: float) -> None:
        """Listen to a socket."""
        self.sock, self.until = sock, until
        self.raw = sock.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> BufferedReader:
        """Be read line by line, as http.client reads a socket."""
        return BufferedReader(self)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> Any:
        """Take what comes. Raises TimeoutError."""
        left = self.until - monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        return self.raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self.raw.close()
        super().close()


class Listening:
    """Lets a connection of urllib3 read its answers through a line; mixed in before the connection's own class."""

    line: Line | None = None
    timeout: Any
    response_class: Any

    def getresponse(self) -> Any:
        """Read the head of an answer through a line of ours."""
        self.response_class = self._answer_from
        return super().getresponse()  # type: ignore[misc]

    def _answer_from(self, sock: Any, **given: Any) -> HTTPResponse:
        """Begin an answer, whose whole head must come before the patience with it is over."""
        self.line = Line(sock, monotonic() + self.timeout)
        return HTTPResponse(self.line, **given)  # type: ignore[arg-type]

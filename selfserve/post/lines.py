"""Connections whose time ends, however slowly the other side drips: every wait alone is short, a thousand are not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic


class Line:
    """A connection with a deadline for each thing that is done over it; when that is over it is cut."""

    def __init__(self) -> None:
        """Begin without one."""
        self._handle: socket.socket | None = None
        self._ends = monotonic()
        self.is_cut = False

    def reach(self, host: str, port: int, patience: float) -> socket.socket:
        """Connect; needs an open `within`. What is cut later is the connection, whatever is wrapped around it."""
        left = self._ends - monotonic()
        if left <= 0:
            raise TimeoutError
        line = socket.create_connection((host, port), min(patience, left))
        line.settimeout(patience)
        self.close()
        self._handle = line.dup()
        if self.is_cut:  # while it was being opened
            self._cut()
        return line

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Do something that is over after so many seconds, one way or the other."""
        self._ends, self.is_cut = monotonic() + seconds, False
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        if self._handle:
            self._handle.close()
        self._handle = None

    def _cut(self) -> None:
        """Let whoever reads or writes find the end of the connection."""
        self.is_cut = True
        if self._handle:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

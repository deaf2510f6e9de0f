"""Requests that come too slowly: a thread is woken from waiting for one when its time is over."""

import socket
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic, sleep

_LOOKS_EVERY = 0.25


class Deadlines:
    """The connections that somebody reads from, and until when; those that are over are shut for reading."""

    def __init__(self) -> None:
        """Begin with none; nobody looks before there is one."""
        self._ends: dict[socket.socket, float] = {}
        self._lock = Lock()
        self._is_watched = False

    def begin(self, line: socket.socket, seconds: float) -> None:
        """Give a connection so long from now on, whatever it had before."""
        with self._lock:
            self._ends[line] = monotonic() + seconds
            if not self._is_watched:
                self._is_watched = True
                Thread(target=self._watch, daemon=True).start()

    def end(self, line: socket.socket) -> None:
        """Let a connection take its time again."""
        with self._lock:
            self._ends.pop(line, None)

    def _watch(self) -> None:
        """Look again and again."""
        while True:
            sleep(_LOOKS_EVERY)
            with self._lock:
                for line in [line for line, ends in self._ends.items() if ends <= monotonic()]:
                    del self._ends[line]
                    stop_reading(line)


def stop_reading(line: socket.socket) -> None:
    """Let whoever reads find the end; what was not sent yet can still be sent."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RD)


deadlines = Deadlines()

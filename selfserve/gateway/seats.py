"""Seats: how many calls one process passes on at once, so that a thread is always left for the pages."""

import threading

from selfserve.errors import Unavailable

_FULL = "As many calls as this portal passes on at once are on their way. Try again in a second."


class Seats:
    """As many seats as there are threads, less an eighth of them; at least one thread is left, and one seat."""

    def __init__(self, threads: int) -> None:
        """Set up the seats of a process."""
        self.count = max(1, threads - max(1, threads // 8))
        self._free = threading.BoundedSemaphore(self.count)

    def take(self) -> "Seat":
        """Take a seat. Raises Unavailable when all are taken."""
        if not self._free.acquire(blocking=False):
            raise Unavailable(_FULL, retry_after=1)
        return Seat(self._free)


class Seat:
    """A seat that is given back once, however often it is left."""

    def __init__(self, free: threading.BoundedSemaphore) -> None:
        """Sit down."""
        self._free, self._is_taken = free, True

    def leave(self) -> None:
        """Stand up."""
        if self._is_taken:
            self._is_taken = False
            self._free.release()

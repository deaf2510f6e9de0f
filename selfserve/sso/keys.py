"""The keys that a provider signs with, kept by issuer and key id; asked for anew when one is unknown, but not often."""

import time
from threading import Lock
from typing import Any

from selfserve.errors import ProviderAway
from selfserve.sso import http

KEPT_SECONDS = 3600
PAUSE_SECONDS = 30
"""Between two questions for a key that is not there: who sends made-up key ids makes us ask no more often."""
AWAY_SECONDS = 3
"""After a question that failed: whoever waited for its answer does not ask again one after the other."""
MOST_KEYS = 50
_KINDS = ("RSA", "EC")


class KeyRing:
    """The public keys of one issuer."""

    def __init__(self, address: str, label: str) -> None:
        """Know where they are; ask when the first is wanted."""
        self.address, self.label = address, label
        self.lock = Lock()
        self.keys: dict[str, dict[str, Any]] = {}
        self.asked: float | None = None
        self.failed: tuple[float, str] | None = None

    def find(self, key_id: str | None) -> dict[str, Any] | None:
        """Find a key by its id, or the only one there is by none. Raises ProviderAway."""
        if not self._wants(key_id):
            return self._known(key_id)
        with self.lock:
            if self._wants(key_id):
                self._ask_unless_away()
            return self._known(key_id)

    def ask(self) -> int:
        """Ask for the keys; tell how many there are."""
        answer = http.get(self.address, self.label)
        listed = answer.get("keys") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise ProviderAway(self.label, "It answered, but not with a set of keys.")
        usable = [key for key in listed if _signs(key)][:MOST_KEYS]
        self.keys = {str(key.get("kid", "")): key for key in usable}
        self.asked = time.monotonic()
        return len(self.keys)

    def _wants(self, key_id: str | None) -> bool:
        """Tell whether to ask: what is kept is old, or does not have this key and may have it by now."""
        age = KEPT_SECONDS if self.asked is None else time.monotonic() - self.asked
        return age >= KEPT_SECONDS or (self._known(key_id) is None and age >= PAUSE_SECONDS)

    def _ask_unless_away(self) -> None:
        """Ask, or say again what the last question came to when that was a moment ago. Raises ProviderAway."""
        if self.failed and time.monotonic() - self.failed[0] < AWAY_SECONDS:
            raise ProviderAway(self.label, self.failed[1])
        try:
            self.ask()
        except ProviderAway as away:
            self.failed = time.monotonic(), away.why
            raise
        self.failed = None

    def _known(self, key_id: str | None) -> dict[str, Any] | None:
        """Look among those that are kept."""
        if key_id is None:
            return next(iter(self.keys.values())) if len(self.keys) == 1 else None
        return self.keys.get(key_id)


_rings: dict[str, KeyRing] = {}
"""By issuer: as many as the settings name."""


def ring_of(issuer: str, address: str, label: str) -> KeyRing:
    """Give the keys of an issuer."""
    ring = _rings.get(issuer)
    if ring is None or ring.address != address:
        ring = _rings[issuer] = KeyRing(address, label)
    return ring


def _signs(key: Any) -> bool:
    """Tell whether something is a public key to check signatures with."""
    return isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use", "sig") == "sig" and "d" not in key

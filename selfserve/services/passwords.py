"""Passwords: argon2id with OWASP's parameters, few at a time, and one rule for every place that sets one."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from selfserve.errors import Invalid, TooMany

MOST_AT_ONCE = 4
"""Hashes at a time per worker: 32 at once would take 600 MiB."""
WAIT_SECONDS = 2
LONGEST = 128
EASY = "That password is easy to guess. Add words or pick others; a short sentence works well."
WEAKEST_SCORE = 2
"""zxcvbn scores 0 to 4; below 2 a password is guessed in under a million tries."""

hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""19 MiB, two passes, one lane: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"""
_places = threading.BoundedSemaphore(MOST_AT_ONCE)
_judge = threading.Lock()
_nobodys_hash: dict[int, str] = {}


@dataclass(frozen=True)
class Strength:
    """How hard a password is to guess, from 0 to 4, and why it is not taken, if it is not."""

    score: int
    refusal: str | None
    lasts: str = ""
    """How long it would take somebody who stole its hash."""


def hash_password(password: str) -> str:
    """Hash a password that was accepted. Raises TooMany when the worker is busy hashing."""
    with _place():
        return hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Tell whether the password is right; for nobody's hash it takes as long and says no (S-13, S-20b)."""
    with _place():
        try:
            return hasher.verify(stored or _dummy(), password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def check_new_password(password: str, shortest: int, about: list[str | None], param: str = "password") -> None:
    """Refuse a password that is too short, too long or easily guessed, `about` being what is known of the person.

    Raises Invalid with a sentence on `param`.
    """
    if refusal := judge(password, shortest, about).refusal:
        raise Invalid(refusal, param=param)


def judge(password: str, shortest: int, about: list[str | None]) -> Strength:
    """Tell how hard a password is to guess. Length before composition: NIST SP 800-63B, 5.1.1.2."""
    if refusal := _misshapen(password, shortest):
        return Strength(0, refusal)
    score, lasts = _score(password, about)
    return Strength(score, EASY if score < WEAKEST_SCORE else None, lasts)


@contextmanager
def judging() -> Iterator[bool]:
    """Take the one place where passwords are judged while they are typed; tell whether it was free."""
    is_free = _judge.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            _judge.release()


def _misshapen(password: str, shortest: int) -> str | None:
    """Say why a password cannot be one, whatever it says."""
    if len(password) < shortest:
        return f"Use {shortest} characters or more."
    if len(password) > LONGEST:
        return f"Use {LONGEST} characters or fewer."
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in password):
        return "Use letters, digits, spaces and signs, no control characters."
    return None


def _score(password: str, about: list[str | None]) -> tuple[int, str]:
    """Let zxcvbn judge; it is loaded by those who need it (10 MB) and reads 72 characters at most."""
    from zxcvbn import zxcvbn

    words = [word for text in about if text for word in [text, *re.split(r"[\W_]+", text)] if len(word) > 2]
    found = zxcvbn(password[:72], user_inputs=words)
    return int(found["score"]), str(found["crack_times_display"]["offline_slow_hashing_1e4_per_second"])


def _dummy() -> str:
    """Keep a hash that nobody's password has, made once: a second run of argon2 would tell who is unknown (S-20b)."""
    if id(hasher) not in _nobodys_hash:
        _nobodys_hash[id(hasher)] = hasher.hash("nobody has this password")
    return _nobodys_hash[id(hasher)]


@contextmanager
def _place() -> Iterator[None]:
    """Wait for one of the few places."""
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise TooMany("Too many people are signing in at once. Try again in a few seconds.", retry_after=5)
    try:
        yield
    finally:
        _places.release()

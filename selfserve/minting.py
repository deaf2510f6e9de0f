"""Secrets: how they are made, hashed, checked and shown afterwards.

A key is `sk-ss_` + 33 random base62 characters (196 bits) + 6 base62 characters of the CRC-32 of all before them, so a
mistyped or made-up key is refused without asking the database, and scanners can tell a real one.
"""

import hashlib
import secrets
import string
import uuid
import zlib

KEY_PREFIX = "sk-ss_"
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS, _CHECKSUM_CHARACTERS = 33, 6


def mint_key() -> str:
    """Make a key's secret. It exists in the answer that shows it and nowhere else."""
    body = KEY_PREFIX + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def is_well_formed(secret: str) -> bool:
    """Tell whether a key with our prefix has the right length, letters and checksum."""
    body, checksum = secret[:-_CHECKSUM_CHARACTERS], secret[-_CHECKSUM_CHARACTERS:]
    return len(body) == len(KEY_PREFIX) + _RANDOM_CHARACTERS and _checksum(body) == checksum


def mint_token() -> str:
    """Make a session id: 256 bits from the system's random source."""
    return secrets.token_urlsafe(32)


def mint_invitation() -> str:
    """Make an invitation's secret in the documented shape, a random uuid (122 bits, single use, seven days)."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def fingerprint(secret: str) -> str:
    """Hash a secret for storage and lookup: SHA-256 in hex. Enough for what has more than 120 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def tail(secret: str) -> str:
    """Keep the last four characters, all that is ever shown of a secret again."""
    return secret[-4:]


def _checksum(body: str) -> str:
    """Write the CRC-32 of `body` in base62."""
    number, letters = zlib.crc32(body.encode("utf-8", "surrogatepass")), ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, 62)
        letters = _BASE62[digit] + letters
    return letters

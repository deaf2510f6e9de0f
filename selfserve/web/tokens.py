"""Signing, one derived key per purpose: what one purpose signs, no other accepts (S-11)."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

ONBOARDING_SECONDS = RESET_SECONDS = 15 * 60
TYPING_SECONDS = 60 * 60


def derive(secret_key: str, label: str) -> bytes:
    """Derive the key of one purpose from the installation's secret key: HKDF, RFC 5869."""
    return HKDF(SHA256(), 32, None, f"selfserve {label}".encode()).derive(secret_key.encode())


def sign_onboarding(invitation_id: str) -> str:
    """Sign the row's id of an invitation that somebody showed the link of; ends after 15 minutes, nothing is stored."""
    return _onboarding().dumps(invitation_id)


def read_onboarding(token: str) -> str | None:
    """Read the invitation's row id out of a token, None if it is old or not ours."""
    try:
        return str(_onboarding().loads(token, max_age=ONBOARDING_SECONDS))
    except BadSignature:
        return None


def sign_reset(link_id: str) -> str:
    """Sign the row's id of a reset link that somebody showed; ends after 15 minutes, nothing is stored."""
    return _resetting().dumps(link_id)


def read_reset(token: str) -> str | None:
    """Read the reset link's row id out of a token, None if it is old or not ours."""
    try:
        return str(_resetting().loads(token, max_age=RESET_SECONDS))
    except BadSignature:
        return None


def sign_typing() -> str:
    """Sign that a page asks for a new password: only who was shown one has passwords judged, for an hour."""
    return _typing().dumps("")


def is_typing(token: str) -> bool:
    """Tell whether a token came with such a page lately."""
    try:
        return _typing().loads(token, max_age=TYPING_SECONDS) == ""
    except BadSignature:
        return False


def _typing() -> URLSafeTimedSerializer:
    """Build the signer for pages that ask for a new password."""
    return URLSafeTimedSerializer(current_app.config["TYPING_KEY"], salt="typing")


def _resetting() -> URLSafeTimedSerializer:
    """Build the signer for reset links."""
    return URLSafeTimedSerializer(current_app.config["RESET_KEY"], salt="reset")


def _onboarding() -> URLSafeTimedSerializer:
    """Build the signer for onboarding."""
    return URLSafeTimedSerializer(current_app.config["ONBOARDING_KEY"], salt="onboarding")

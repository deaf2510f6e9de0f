"""What becomes of passwords where they are no way in (`SELFSERVE_SSO_ONLY`)."""

from selfserve.errors import Forbidden
from selfserve.services.onboarding import OpenInvitation
from selfserve.services.resets import OpenReset
from selfserve.ways_in import passwords_are_off
from selfserve.web.links import providers


def may_set_password(link: OpenInvitation | OpenReset) -> bool:
    """Tell whether a link may set a password: everywhere but where none is used, and there in an emergency."""
    return link.is_break_glass or not passwords_are_off()


def refuse_passwords() -> None:
    """Refuse to take or to set a password where none is used. Raises Forbidden."""
    if passwords_are_off():
        ways = " or ".join(provider.label for provider in providers().values())
        raise Forbidden(f"Passwords are switched off here. Sign in with {ways}.")

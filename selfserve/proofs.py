"""What somebody who is signed in does only if they proved lately who they are (S-39)."""

from datetime import timedelta
from enum import StrEnum

from selfserve.permissions import Role

RECENT = timedelta(minutes=15)
"""For how long nobody is asked again."""


_OPENING = ("", Role.PROXY_ADMIN_VIEWER, Role.PROXY_ADMIN)


def power(role: str, *, is_blocked: bool = False) -> int:
    """Rank what a role opens of other people's: nothing, everything to see, everything."""
    return _OPENING.index(role) if role in _OPENING and not is_blocked else 0


class Sensitive(StrEnum):
    """Each such deed, in the words of the page that asks: "You are about to ..."."""

    PROMOTE = "give somebody the rights of an admin"
    ADDRESS = "change the address that somebody signs in with"
    RESET_LINK = "make a link that sets somebody's password"
    INVITATION_LINK = "make a link that opens somebody's account"
    UNLINK = "part somebody from single sign-on"
    LINK = "let another account open yours"
    ADMIN_KEY = "get a key that does whatever its admin may"
    COMMAND_LINE = "give a program a key of an admin"

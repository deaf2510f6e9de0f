"""What somebody who is signed in does only if they proved lately who they are (S-39)."""

from datetime import timedelta
from enum import StrEnum

RECENT = timedelta(minutes=15)
"""For how long nobody is asked again."""


class Sensitive(StrEnum):
    """Each such deed, in the words of the page that asks: "You are about to ..."."""

    PROMOTE = "make somebody a proxy admin"
    ADDRESS = "change the address that somebody signs in with"
    RESET_LINK = "make a link that sets somebody's password"
    INVITATION_LINK = "make a link that opens somebody's account"
    UNLINK = "part somebody from single sign-on"
    LINK = "let another account open yours"
    ADMIN_KEY = "get a key that does whatever its admin may"
    COMMAND_LINE = "give a program a key of an admin"

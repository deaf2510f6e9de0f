"""The kinds of mail, and what about them is said at more than one place."""

from enum import StrEnum


class MailKind(StrEnum):
    """What a mail tells somebody."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"
    PASSWORD_CHANGED = "password_changed"
    NEW_SIGN_IN = "new_sign_in"
    SIGN_IN_CHANGED = "sign_in_changed"
    KEY_CREATED = "key_created"
    KEY_ROTATED = "key_rotated"
    KEY_EXPIRING = "key_expiring"
    BUDGET = "budget"


class Channel(StrEnum):
    """Which way a message goes."""

    MAIL = "mail"
    WEBHOOK = "webhook"

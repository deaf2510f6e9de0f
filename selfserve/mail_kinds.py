"""The kinds of mail and of alerts, and what about them is said at more than one place."""

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


class AlertKind(StrEnum):
    """What only the webhook tells, of mail itself: mail would not arrive."""

    GIVEN_UP = "given_up"
    STUCK = "stuck"


class Channel(StrEnum):
    """Which way a message goes."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class Trouble(StrEnum):
    """Where a message failed: with its recipient, with what it says, at the server for all of them, or with us."""

    ADDRESS = "address"
    MAIL = "mail"
    SERVER = "server"
    OURS = "ours"


Kind = MailKind | AlertKind


def kind_named(name: str) -> Kind:
    """Give the kind with a name. Raises ValueError for one of a later version."""
    return AlertKind(name) if name in list(AlertKind) else MailKind(name)

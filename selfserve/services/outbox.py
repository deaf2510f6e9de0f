"""Messages are written down in the transaction of the deed they tell of, and sent later."""

from typing import Any

from selfserve.database import insert
from selfserve.errors import Invalid
from selfserve.extensions import db
from selfserve.mail_kinds import Channel, Kind, MailKind
from selfserve.mail_setup import mail_setup
from selfserve.models import ApiKey, Mail, User
from selfserve.permissions import MASTER_USER_ID, Actor

WEBHOOK = ":webhook"
"""Ends the name of what is told once by the webhook, beside the same by mail."""


def queue_mail(
    kind: MailKind,
    user: User,
    *,
    subject_id: str | None = None,
    facts: dict[str, Any] | None = None,
    secret: str | None = None,
    once: str | None = None,
    to: str | None = None,
) -> None:
    """Write a mail to somebody down; needs an open transaction. Nothing happens where none would arrive.

    `facts` must hold no secret; `secret` is what its link opens, sealed until it went. `once` names what is told once,
    `to` an address that is not theirs any more.
    """
    recipient = to or user.email
    if mail_setup().sends_mail and recipient and not _is_made_up(recipient):
        _add(kind, Channel.MAIL, recipient, user, subject_id, facts, secret, once)


def can_be_mailed(user: User) -> bool:
    """Tell whether mail is sent at all, and somebody has an address that can be a mailbox."""
    return mail_setup().sends_mail and user.email is not None and not is_made_up(user)


def is_made_up(user: User) -> bool:
    """Tell whether somebody is of the demo."""
    return _is_made_up(user.email or "")


def _is_made_up(address: str) -> bool:
    """Tell whether an address can never be a mailbox: https://www.rfc-editor.org/rfc/rfc6761#section-6."""
    return address.casefold().rstrip(".").endswith((".example", ".invalid"))


def require_mail(asked_by: str) -> None:
    """Refuse a field that asks for mail where none is sent: nobody should wait for it. Raises Invalid."""
    if not mail_setup().sends_mail:
        raise Invalid(
            f"{asked_by} cannot be used: no mail is sent here, as SMTP_HOST is not set. "
            "Leave it out; `/invitation/new` makes a link that you can send yourself.",
            param=asked_by,
        )


def facts_of_key(key: ApiKey) -> dict[str, Any]:
    """Tell a mail which key is meant: by its name and what may be shown of it, never by its secret."""
    return {
        "key": key.name,
        "key_id": key.id,
        "masked": key.masked,
        "max_budget": key.max_budget,
        "budget_duration": key.budget_duration,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }


def by(actor: Actor, user: User) -> str | None:
    """Name who did something to somebody; nobody where they did it themselves or the master key did."""
    return None if actor.id == user.id or actor.user_id == MASTER_USER_ID else actor.name


def queue_alert(
    kind: Kind, user: User | None, *, subject_id: str | None = None, facts: dict[str, Any] | None = None, once: str
) -> None:
    """Write an alert to the webhook down, once; needs an open transaction. Nothing happens where none is set."""
    if mail_setup().sends_alerts and not (user and is_made_up(user)):
        _add(kind, Channel.WEBHOOK, "", user, subject_id, facts, None, once + WEBHOOK)


def _add(
    kind: Kind,
    channel: Channel,
    recipient: str,
    user: User | None,
    subject_id: str | None,
    facts: dict[str, Any] | None,
    secret: str | None,
    once: str | None,
) -> None:
    """Add the row, unless the same was told before."""
    row = insert(Mail).values(
        kind=kind.value,
        channel=channel.value,
        recipient=recipient,
        user_pk=user.id if user else None,
        subject_id=subject_id,
        facts=facts or {},
        sealed=mail_setup().seal(secret) if secret else None,
        once=once,
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=["once"]))

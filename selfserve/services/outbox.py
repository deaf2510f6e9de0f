"""Messages are written down in the transaction of the deed they tell of, and sent later."""

from typing import Any

from selfserve.database import insert
from selfserve.extensions import db
from selfserve.mail_kinds import Channel, MailKind
from selfserve.mail_setup import mail_setup
from selfserve.models import Mail, User

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
) -> None:
    """Write a mail to somebody down; needs an open transaction. Nothing happens where no mail is sent or can arrive.

    `facts` must hold no secret; `secret` is what its link opens, sealed until it went. `once` names what is told once.
    """
    if mail_setup().sends_mail and user.email:
        _add(kind, Channel.MAIL, user.email, user, subject_id, facts, secret, once)


def queue_alert(
    kind: MailKind, user: User, *, subject_id: str | None = None, facts: dict[str, Any] | None = None, once: str
) -> None:
    """Write an alert to the webhook down, once; needs an open transaction. Nothing happens where none is set."""
    if mail_setup().sends_alerts:
        _add(kind, Channel.WEBHOOK, "", user, subject_id, facts, None, once + WEBHOOK)


def _add(
    kind: MailKind,
    channel: Channel,
    recipient: str,
    user: User,
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
        user_pk=user.id,
        subject_id=subject_id,
        facts=facts or {},
        sealed=mail_setup().seal(secret) if secret else None,
        once=once,
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=["once"]))

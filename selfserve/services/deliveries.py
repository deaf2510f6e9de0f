"""What becomes of a message: claimed before it is sent, sent, tried again later, given up.

A claim is a try that counts and puts the next one off: a process that dies with a message in hand leaves it to be sent
by another one. What a link opens is forgotten as soon as its mail went or was given up.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.mail_kinds import AlertKind, Channel, Kind, MailKind, Trouble, kind_named
from selfserve.mail_setup import mail_setup
from selfserve.models import Invitation, Mail, MailState, ResetLink, User
from selfserve.services.outbox import queue_alert

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
"""How long after each failed try the next one is made: seven tries in 17 hours, then it is given up."""
CLAIM = timedelta(minutes=10)
"""Longer than any try takes: after it, who claimed a message is taken for dead."""
KEPT = timedelta(days=90)
KEPT_ONCE = timedelta(days=400)
"""What is told once is remembered until the longest window of a budget is over."""
STUCK_AFTER = timedelta(hours=1)
MOST_SWEPT = 1_000
LINK_ENDED = "The link was used, replaced or ended before the mail went."
PERSON_GONE = "The person was blocked or deleted before the mail went."
BROKE_OFF = "Every try broke off before it ended."
UNREADABLE = "SELFSERVE_SECRET_KEY was changed before the mail went. Make a new link."


@dataclass(frozen=True)
class Claimed:
    """A message that is ours to send, with all that it tells."""

    id: int
    kind: Kind
    channel: Channel
    recipient: str
    person: str
    subject_id: str | None
    facts: dict[str, Any]
    secret: str | None = field(repr=False)
    attempt: int
    created_at: datetime


def are_due(ways: Collection[Channel]) -> bool:
    """Tell whether anything waits to be sent by these ways; only a look, no write."""
    return db.session.scalar(select(Mail.id).where(*_are_ours(ways)).limit(1)) is not None


def claim_next(ways: Collection[Channel] = tuple(Channel)) -> Claimed | None:
    """Claim the message that waits longest; one that should not go any more is given up on the way."""
    while are_due(ways):
        with transaction():
            mail = _next(ways)
            claimed = _claim(mail, _person_of(mail)) if mail else None
        if claimed:
            return claimed
    return None


def note_sent(claimed: Claimed) -> None:
    """Note that a message went."""
    _note(claimed, state=MailState.SENT.value, sent_at=now(), error=None, sealed=None)


def note_failed(claimed: Claimed, reason: str, trouble: Trouble, *, is_final: bool) -> None:
    """Note why a message did not go, and when it is tried again; that it was given up is told to the admins."""
    if is_final or claimed.attempt > len(WAITS):
        _note(claimed, trouble, state=MailState.FAILED.value, error=reason[:255], sealed=None)
    else:
        _note(claimed, next_attempt_at=now() + WAITS[claimed.attempt - 1], error=reason[:255])


def alert_if_stuck() -> None:
    """Alert admins, once a day, where mail has waited for an hour in which none went."""
    if not mail_setup().sends_alerts:
        return
    long_ago = now() - STUCK_AFTER
    is_mail = Mail.channel == Channel.MAIL.value
    waiting = select(func.count()).where(is_mail, Mail.state == MailState.PENDING.value, Mail.created_at <= long_ago)
    count = db.session.scalar(waiting)
    if count and db.session.scalar(select(Mail.id).where(is_mail, Mail.sent_at > long_ago).limit(1)) is None:
        with transaction():
            queue_alert(AlertKind.STUCK, None, facts={"waiting": count}, once=f"stuck:{now():%Y%m%d}")


def sweep_mails() -> None:
    """Forget messages that went or were given up long ago; needs an open transaction."""
    moment = now()
    is_old = (Mail.once.is_(None) & (Mail.created_at < moment - KEPT)) | (Mail.created_at < moment - KEPT_ONCE)
    over = select(Mail.id).where(Mail.state != MailState.PENDING.value, is_old).limit(MOST_SWEPT)
    db.session.execute(delete(Mail).where(Mail.id.in_(over)))


def _are_ours(ways: Collection[Channel]) -> tuple[ColumnElement[bool], ...]:
    """Say which messages are due; what a later version wrote waits for that."""
    kinds = [kind.value for kind in (*MailKind, *AlertKind)]
    is_known = Mail.kind.in_(kinds), Mail.channel.in_([way.value for way in ways])
    return (Mail.state == MailState.PENDING.value, Mail.next_attempt_at <= now(), *is_known)


def _next(ways: Collection[Channel]) -> Mail | None:
    """Lock the message that waits longest."""
    due = select(Mail).where(*_are_ours(ways))
    return db.session.scalar(due.order_by(Mail.next_attempt_at, Mail.id).limit(1).with_for_update(skip_locked=True))


def _person_of(mail: Mail) -> User | None:
    """Give the person that a message is about, if there is one."""
    return db.session.get(User, mail.user_pk) if mail.user_pk else None


def _claim(mail: Mail, user: User | None) -> Claimed | None:
    """Count the try and put the next one off, or give up what should not go any more."""
    secret = mail_setup().unseal(mail.sealed) if mail.sealed else None
    reason = _reason_against(mail, user, secret)
    if reason:
        mail.state, mail.error, mail.sealed = MailState.FAILED.value, reason, None
        if reason in (BROKE_OFF, UNREADABLE):
            _alert(mail, user, Trouble.OURS)
        return None
    mail.attempts += 1
    mail.next_attempt_at = now() + CLAIM
    return Claimed(
        mail.id,
        kind_named(mail.kind),
        Channel(mail.channel),
        mail.recipient,
        user.name if user else "",
        mail.subject_id,
        mail.facts,
        secret,
        mail.attempts,
        mail.created_at,
    )


def _reason_against(mail: Mail, user: User | None, secret: str | None) -> str | None:
    """Say why a message should not go any more, None if it should."""
    is_of_mail = mail.kind in list(AlertKind)
    if not is_of_mail and (user is None or user.deleted_at is not None or user.is_blocked):
        return PERSON_GONE
    if mail.attempts > len(WAITS):
        return BROKE_OFF
    if mail.sealed is None:
        return None
    if secret is None:
        return UNREADABLE
    return None if _is_open(mail) else LINK_ENDED


def _is_open(mail: Mail) -> bool:
    """Tell whether the link in a mail still opens something."""
    moment = now()
    if mail.kind == MailKind.INVITATION:
        used, link = Invitation.accepted_at, Invitation
    else:
        used, link = ResetLink.used_at, ResetLink  # type: ignore[assignment]
    is_open = link.id == mail.subject_id, used.is_(None), link.ended_at.is_(None), link.expires_at > moment
    return db.session.scalar(select(link.id).where(*is_open)) is not None


def _note(claimed: Claimed, given_up_for: Trouble | None = None, **columns: Any) -> None:
    """Change a message that is still ours: another process may have taken it for left behind."""
    still_ours = Mail.id == claimed.id, Mail.attempts == claimed.attempt, Mail.state == MailState.PENDING.value
    with transaction():
        change = update(Mail).where(*still_ours).values(**columns)
        mail = db.session.scalar(change.returning(Mail))
        if mail and given_up_for:
            _alert(mail, _person_of(mail), given_up_for)


def _alert(mail: Mail, user: User | None, trouble: Trouble) -> None:
    """Alert admins that a mail was given up, once a day for each person and kind; needs an open transaction.

    Of an alert that is given up nothing is told: that would go the way that it did not go.
    """
    if mail.channel == Channel.MAIL.value and user:
        once = f"given-up:{user.id}:{mail.kind}:{now():%Y%m%d}"
        told = {"what": mail.kind, "why": trouble.value}
        queue_alert(AlertKind.GIVEN_UP, user, subject_id=user.id, facts=told, once=once)

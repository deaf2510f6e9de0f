"""How mail and alerts went lately, for the settings page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from selfserve.extensions import db
from selfserve.mail_kinds import Channel
from selfserve.models import Mail, MailState
from selfserve.permissions import Actor, Permission
from selfserve.services.actors import require

MOST_LOOKED_AT = 1_000
"""Messages that are looked at: the newest."""
MOST_NAMED = 5
"""Failed mails that are named: the newest of them."""


@dataclass(frozen=True)
class Health:
    """How many of the newest messages went, failed and wait, and when the last one went."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    last_sent_at: datetime | None = None


def tell_mail_health(actor: Actor) -> dict[Channel, Health]:
    """Tell how each way out does, in one query."""
    require(actor, Permission.SETTINGS_READ)
    newest = select(Mail).order_by(Mail.id.desc()).limit(MOST_LOOKED_AT).subquery()
    rows = select(newest.c.channel, newest.c.state, func.count(), func.max(newest.c.sent_at))
    counts = {channel: dict[str, int]() for channel in Channel}
    last: dict[Channel, datetime | None] = dict.fromkeys(Channel)
    for channel, state, count, sent_at in db.session.execute(rows.group_by(newest.c.channel, newest.c.state)):
        counts[Channel(channel)][state] = count
        last[Channel(channel)] = sent_at or last[Channel(channel)]
    return {channel: _health(counts[channel], last[channel]) for channel in Channel}


def list_failed_mails(actor: Actor) -> Sequence[Mail]:
    """Name the newest mails that failed, of those that are looked at."""
    require(actor, Permission.SETTINGS_READ)
    newest = select(Mail).order_by(Mail.id.desc()).limit(MOST_LOOKED_AT).subquery()
    mail = aliased(Mail, newest)
    is_failed = mail.channel == Channel.MAIL.value, mail.state == MailState.FAILED.value, mail.user_pk.is_not(None)
    return db.session.scalars(select(mail).where(*is_failed).order_by(mail.id.desc()).limit(MOST_NAMED)).all()


def _health(counts: dict[str, int], last_sent_at: datetime | None) -> Health:
    """Put the counts of one way out together."""
    sent, failed, waiting = (
        counts.get(state.value, 0) for state in (MailState.SENT, MailState.FAILED, MailState.PENDING)
    )
    return Health(sent, failed, waiting, last_sent_at)

"""What people are warned of before it happens: keys that end, budgets that are being used up. Each is told once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select, tuple_

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.mail_setup import mail_setup
from selfserve.models import ApiKey, Mail, User
from selfserve.services.keys import living_keys
from selfserve.services.outbox import WEBHOOK, can_be_mailed, facts_of_key, is_made_up, queue_alert, queue_mail

DAYS = (1, 7, 14)
SHARES = (100, 80, 50)
ALERT_FROM_SHARE = 80
ALERT_FROM_DAYS = 1
"""The webhook is for what somebody must act on soon."""
PAGE = 500


@dataclass(frozen=True)
class Reminder:
    """Something to tell once, by mail and, if it is urgent, by the webhook."""

    kind: MailKind
    user: User
    subject_id: str
    facts: dict[str, Any]
    once: str
    is_alert: bool

    @property
    def marks(self) -> set[str]:
        """Name the rows that are there once it was told."""
        by_mail = {self.once} if can_be_mailed(self.user) else set()
        is_alerted = mail_setup().sends_alerts and self.is_alert and not is_made_up(self.user)
        return by_mail | ({self.once + WEBHOOK} if is_alerted else set())


def remind() -> int:
    """Write down all that is to be told now and was not told before; tell how much that was."""
    setup = mail_setup()
    if not setup.sends_mail and not setup.sends_alerts:
        return 0
    moment = now()
    return sum(_queue(page) for page in (*_expiring(moment), *_budgets_of_keys(moment), *_budgets_of_users(moment)))


def _expiring(moment: datetime) -> Iterator[list[Reminder]]:
    """Find keys that end within two weeks, in the order in which they do."""
    soon = ApiKey.expires_at.between(moment, moment + timedelta(days=max(DAYS)))
    rows = _working_keys().where(soon)
    for page in _pages(rows, ApiKey.expires_at, ApiKey.id):
        yield [reminder for key in page if (reminder := _of_expiry(key, moment))]


def _of_expiry(key: ApiKey, moment: datetime) -> Reminder | None:
    """Say by how many days a key is warned of now; one that was made for no longer than that is not."""
    assert key.expires_at  # noqa: S101 - the query asked for it
    days = next(days for days in DAYS if key.expires_at - moment <= timedelta(days=days))
    if key.expires_at - key.created_at <= timedelta(days=days):
        return None
    once = f"expiring:{key.id}:{key.expires_at:%Y%m%d%H%M%S}:{days}"
    facts = facts_of_key(key) | {"days": days}
    return Reminder(MailKind.KEY_EXPIRING, key.owner, key.id, facts, once, days <= ALERT_FROM_DAYS)


def _budgets_of_keys(moment: datetime) -> Iterator[list[Reminder]]:
    """Find keys whose budget is half used or more."""
    for page in _pages(_working_keys().where(*_half_used(ApiKey, moment)), ApiKey.id):
        yield [_of_budget(key, key.owner, facts_of_key(key)) for key in page]


def _budgets_of_users(moment: datetime) -> Iterator[list[Reminder]]:
    """Find people whose budget is half used or more."""
    rows = select(User).where(User.deleted_at.is_(None), User.is_blocked.is_(False), *_half_used(User, moment))
    for page in _pages(rows, User.id):
        told = ({"max_budget": user.max_budget, "budget_duration": user.budget_duration} for user in page)
        yield [_of_budget(user, user, facts) for user, facts in zip(page, told, strict=True)]


def _of_budget(subject: ApiKey | User, user: User, facts: dict[str, Any]) -> Reminder:
    """Say how much of a budget is used, by the highest mark that was passed; a new window is told anew."""
    share = next(share for share in SHARES if subject.window_spend * 100 >= share * (subject.max_budget or 0))
    end = subject.budget_reset_at
    window = f"{end:%Y%m%d%H%M%S}" if end else f"total-{subject.max_budget}"
    facts |= {"share": share, "spend": subject.window_spend, "resets_at": end.isoformat() if end else None}
    once = f"budget:{subject.id}:{window}:{share}"
    return Reminder(MailKind.BUDGET, user, subject.id, facts, once, share >= ALERT_FROM_SHARE)


def _half_used(subject: type[ApiKey | User], moment: datetime) -> tuple[Any, ...]:
    """Say that half of the budget of the window that holds now is used, or more."""
    is_now = or_(subject.budget_reset_at.is_(None), subject.budget_reset_at > moment)
    return subject.max_budget > 0, subject.window_spend * 2 >= subject.max_budget, is_now


def _working_keys() -> Select[ApiKey]:
    """Select keys that are not blocked, of people who are not."""
    is_wanted = ApiKey.is_blocked.is_(False), User.deleted_at.is_(None), User.is_blocked.is_(False)
    return living_keys().where(*is_wanted)


def _pages(rows: Select[Any], *order: Any) -> Iterator[list[Any]]:
    """Read rows page by page, each after the last one of the page before."""
    last: tuple[Any, ...] | None = None
    while True:
        after = rows if last is None else rows.where(tuple_(*order) > last)
        page = list(db.session.scalars(after.order_by(*order).limit(PAGE)))
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = tuple(getattr(page[-1], column.key) for column in order)


def _queue(reminders: list[Reminder]) -> int:
    """Write down what was not told before; a page that holds nothing new is only read."""
    marks = [mark for reminder in reminders for mark in reminder.marks]
    known = set(db.session.scalars(select(Mail.once).where(Mail.once.in_(marks)))) if marks else set()
    fresh = [reminder for reminder in reminders if reminder.marks - known]
    if fresh:
        with transaction():
            for one in fresh:
                told: dict[str, Any] = {"subject_id": one.subject_id, "facts": one.facts, "once": one.once}
                queue_mail(one.kind, one.user, **told)
                if one.is_alert:
                    queue_alert(one.kind, one.user, **told)
    return len(fresh)

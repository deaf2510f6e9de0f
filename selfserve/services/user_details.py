"""One person as the admins see them: their row, their keys, the links that were made for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, func, select

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.models import ApiKey, Invitation, Mail, User
from selfserve.permissions import Actor, Permission
from selfserve.services.actors import require
from selfserve.services.holds import holding, holds
from selfserve.services.invitations import are_open
from selfserve.services.keys import works_now
from selfserve.services.users import living_users, unknown_user

SOON = timedelta(days=7)
MOST_KEYS = 5
MOST_LINKS = 5
MOST_MAILS = 100


@dataclass(frozen=True)
class UserDetail:
    """A person, how many keys they have and when their open link expires."""

    user: User
    active_keys: int
    expiring_keys: int
    all_keys: int
    invitation_expires_at: datetime | None


@dataclass(frozen=True)
class MadeLink:
    """A link that was made for a person, and the mail that it went with, if any."""

    invitation: Invitation
    mail: Mail | None


def get_detail(actor: Actor, row_id: str) -> UserDetail:
    """Get a person with the counts of their keys, in one query. Raises NotFound."""
    require(actor, Permission.USER_LIST)
    is_active = works_now() & User.is_blocked.is_(False)
    ends_soon = is_active & (ApiKey.expires_at <= now() + SOON)
    counts = _count_keys(is_active), _count_keys(ends_soon), _count_keys()
    open_link = select(Invitation.expires_at).where(Invitation.user_pk == User.id, are_open())
    rows = living_users().where(User.id == row_id).add_columns(*holds(User), *counts, open_link.scalar_subquery())
    found = db.session.execute(rows).one_or_none()
    if found is None:
        raise unknown_user()
    user, held, running, *told = found
    return UserDetail(holding(user, held, running), *told)


def list_newest_keys(actor: Actor, user: User) -> list[ApiKey]:
    """List the newest keys of a person, a handful."""
    require(actor, Permission.KEY_OVERSEE)
    theirs = select(ApiKey).where(ApiKey.owner_id == user.id, ApiKey.deleted_at.is_(None))
    return list(db.session.scalars(theirs.order_by(ApiKey.created_at.desc(), ApiKey.id.desc()).limit(MOST_KEYS)))


def list_invitations(actor: Actor, user: User) -> list[MadeLink]:
    """List the newest links that were made for a person, whatever became of them and of their mail, in one query."""
    require(actor, Permission.INVITATION_READ)
    went_with = (Mail.subject_id == Invitation.id) & (Mail.kind == MailKind.INVITATION.value)
    theirs = select(Invitation, Mail).outerjoin(Mail, went_with).where(Invitation.user_pk == user.id)
    return [
        MadeLink(*row) for row in db.session.execute(theirs.order_by(Invitation.created_at.desc()).limit(MOST_LINKS))
    ]


def find_mails(actor: Actor, link_ids: list[str]) -> list[Mail]:
    """Find the mails that links went with, by the row ids of the links."""
    require(actor, Permission.INVITATION_READ)
    kinds = MailKind.INVITATION.value, MailKind.PASSWORD_RESET.value
    theirs = Mail.subject_id.in_(filter(str.isprintable, link_ids)), Mail.kind.in_(kinds)
    return list(db.session.scalars(select(Mail).where(*theirs).order_by(Mail.id).limit(MOST_MAILS)))


def _count_keys(*conditions: Any) -> ScalarSelect[int]:
    """Count, beside a person, their keys of a kind."""
    is_theirs = ApiKey.owner_id == User.id, ApiKey.deleted_at.is_(None)
    return select(func.count()).select_from(ApiKey).where(*is_theirs, *conditions).correlate(User).scalar_subquery()

"""One person as the admins see them: their row, their keys, the links that were made for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import aliased

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.models import ApiKey, Invitation, Mail, ResetLink, User
from selfserve.models.traits import LinkStatus
from selfserve.permissions import Actor, Permission
from selfserve.services import invitations, resets
from selfserve.services.actors import require
from selfserve.services.holds import holding, holds
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
    """A link that was made for a person, an invitation or a reset link, and the mail that it went with, if any."""

    id: str
    is_reset: bool
    status: LinkStatus
    created_at: datetime
    created_by: str | None
    """The `user_id` of who made it; None: somebody asked for it at the sign-in page."""
    created_by_name: str
    """The name of who made it, empty for the master key."""
    over_at: datetime
    """When it was used or ended, else when it expires."""
    mail: Mail | None


def get_detail(actor: Actor, row_id: str) -> UserDetail:
    """Get a person with the counts of their keys, in one query. Raises NotFound."""
    require(actor, Permission.USER_LIST)
    is_active = works_now() & User.is_blocked.is_(False)
    ends_soon = is_active & (ApiKey.expires_at <= now() + SOON)
    counts = _count_keys(is_active), _count_keys(ends_soon), _count_keys()
    open_link = select(Invitation.expires_at).where(Invitation.user_pk == User.id, invitations.are_open())
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


def list_links(actor: Actor, user: User) -> list[MadeLink]:
    """List the newest links that were made for a person, whatever became of them and of their mail.

    An open one is always among them, however many were asked for since.
    """
    require(actor, Permission.INVITATION_READ)
    links = [*_list_invitations(user), *_list_resets(user)]
    links.sort(key=lambda link: (link.status is LinkStatus.OPEN, link.created_at), reverse=True)
    return sorted(links[:MOST_LINKS], key=lambda link: link.created_at, reverse=True)


def find_mails(actor: Actor, link_ids: list[str]) -> list[Mail]:
    """Find the mails that links went with, by the row ids of the links."""
    require(actor, Permission.INVITATION_READ)
    kinds = MailKind.INVITATION.value, MailKind.PASSWORD_RESET.value
    theirs = Mail.subject_id.in_(filter(str.isprintable, link_ids)), Mail.kind.in_(kinds)
    return list(db.session.scalars(select(Mail).where(*theirs).order_by(Mail.id).limit(MOST_MAILS)))


def _list_invitations(user: User) -> list[MadeLink]:
    """List somebody's open invitation and their newest, in one query."""
    is_open = invitations.are_open() & (Invitation.expires_at > now())
    went_with = (Mail.subject_id == Invitation.id) & (Mail.kind == MailKind.INVITATION.value)
    theirs = select(Invitation, Mail).outerjoin(Mail, went_with).where(Invitation.user_pk == user.id)
    newest = theirs.order_by(is_open.desc(), Invitation.created_at.desc()).limit(MOST_LINKS)
    return [_made(link, link.accepted_at, link.created_by_name, mail) for link, mail in db.session.execute(newest)]


def _list_resets(user: User) -> list[MadeLink]:
    """List somebody's open reset links and their newest, with the names of who made them, in one query."""
    maker = aliased(User)
    went_with = (Mail.subject_id == ResetLink.id) & (Mail.kind == MailKind.PASSWORD_RESET.value)
    theirs = select(ResetLink, Mail, maker).outerjoin(Mail, went_with).where(ResetLink.user_pk == user.id)
    named = theirs.outerjoin(maker, (maker.user_id == ResetLink.created_by) & maker.is_reserved.is_(False))
    newest = named.order_by(resets.are_open().desc(), ResetLink.created_at.desc()).limit(MOST_LINKS)
    found = db.session.execute(newest)
    return [_made(link, link.used_at, by.name if by else "", mail) for link, mail, by in found]


def _made(link: Invitation | ResetLink, used_at: datetime | None, made_by: str, mail: Mail | None) -> MadeLink:
    """Tell a link of either kind."""
    over_at = {LinkStatus.USED: used_at, LinkStatus.ENDED: link.ended_at}.get(link.status)
    return MadeLink(
        id=link.id,
        is_reset=isinstance(link, ResetLink),
        status=link.status,
        created_at=link.created_at,
        created_by=link.created_by,
        created_by_name=made_by,
        over_at=over_at or link.expires_at,
        mail=mail,
    )


def _count_keys(*conditions: Any) -> ScalarSelect[int]:
    """Count, beside a person, their keys of a kind."""
    is_theirs = ApiKey.owner_id == User.id, ApiKey.deleted_at.is_(None)
    return select(func.count()).select_from(ApiKey).where(*is_theirs, *conditions).correlate(User).scalar_subquery()

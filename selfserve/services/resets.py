"""Reset links: they let somebody who is there already set another password, once, within an hour.

A link touches neither keys nor spend, and who asks for one learns nothing of who is here (S-20b).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, select, update

from selfserve.addresses import comparable
from selfserve.clock import now
from selfserve.database import transaction
from selfserve.devices import device
from selfserve.errors import Conflict, Gone, NotFound, TooMany
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.minting import fingerprint, mint_token
from selfserve.models import ResetLink, User
from selfserve.models.reset_link import LIFETIME
from selfserve.models.traits import LinkStatus
from selfserve.permissions import MASTER_USER_ID, Actor, Client, Permission, Role, allows
from selfserve.proofs import Sensitive
from selfserve.services import passwords, throttles
from selfserve.services.actors import actor_of, confirm, nobody, require, require_proof
from selfserve.services.audit import record_event
from selfserve.services.onboarding import GONE
from selfserve.services.outbox import by, can_be_mailed, queue_mail
from selfserve.services.sign_in_changes import tell_of_password
from selfserve.services.users import end_access, end_reset_links, lock_user, unknown_user
from selfserve.ways_in import passwords_are_off

MOST_A_DAY = 10
"""Links that may be asked for by mail for one person in a day; after these one an hour, so that one always works."""


@dataclass(frozen=True)
class ResetCreated:
    """A new reset link with the secret that opens it, which exists here and in the answer made of it only."""

    user: User
    link_id: str
    secret: str
    expires_at: datetime
    is_mailed: bool = False
    """Whether a mail with the link was written down."""


@dataclass(frozen=True)
class OpenReset:
    """A reset link that still opens, with the person it is for."""

    id: str
    user: User
    expires_at: datetime
    is_break_glass: bool
    """Whether the operator made it for an admin, so that it sets a password also where none is used otherwise."""


def create_reset(actor: Actor, user_id: str, *, by_mail: bool = False) -> ResetCreated:
    """Make a reset link for the user with this `user_id`; an older one ends.

    Raises NotFound for an unknown user, Conflict for one who is blocked or may not have a password.
    """
    return _create(actor, User.user_id == user_id, by_mail=by_mail)


def create_reset_for(actor: Actor, row_id: str, *, by_mail: bool = False) -> ResetCreated:
    """Make a reset link for the user with this row id, and mail it if that is asked for."""
    return _create(actor, User.id == row_id, by_mail=by_mail)


def ask_for_reset(email: str, client: Client) -> None:
    """Mail a reset link to whose address this is, if they have a password; nobody learns whether that is so (S-20b).

    For strangers the same is done in the name of the reserved user and taken back, so that it costs as much; so it is
    for who asks too often, as long as the newest link that was asked for still works. Raises TooMany for who asks too
    much for all sorts of addresses.
    """
    throttles.take_try(throttles.asking_bucket(client.address), client=client)
    is_too_often = _asks_too_often(client, comparable(email))
    with transaction():
        user = lock_user(User.email_key == comparable(email)[:320])
        reserved_id = db.session.scalar(select(User.id).where(User.user_id == MASTER_USER_ID))
        asked_today, open_now = _count_asked_for(user.id if user else reserved_id)
        has_enough = open_now > 0 and (is_too_often or asked_today >= MOST_A_DAY)
        is_theirs = user is not None and user.has_password and not user.is_blocked and not has_enough
        who = user.user_id if user else None
        record_event(nobody(client), "reset.asked", "user", who, owner=who, after={"device": device(client.user_agent)})
        db.session.flush()
        attempt = db.session.begin_nested()
        _add(nobody(client), user if user and is_theirs else _stranger(reserved_id, email), by_mail=True)
        if is_theirs:
            attempt.commit()
        else:
            attempt.rollback()


def _asks_too_often(client: Client, email: str) -> bool:
    """Count that somebody asks for an address, and tell whether that is too often, without a word."""
    try:
        throttles.take_try(throttles.asked_bucket(client.address, email), client=client)
    except TooMany:
        return True
    return False


def _count_asked_for(user_pk: str | None) -> tuple[int, int]:
    """Count the links of a day that were asked for and not made by an admin, and those of them that still open."""
    counts = select(func.count(), func.count(case((are_open(), 1)))).where(
        ResetLink.user_pk == user_pk, ResetLink.created_by.is_(None), ResetLink.created_at > now() - timedelta(days=1)
    )
    asked, still_open = db.session.execute(counts).one()
    return asked, still_open


def open_reset_link(secret: str, client: Client) -> OpenReset:
    """Look at a link without using it. Raises Gone, the same for every cause, and counts guesses."""
    found = _find(ResetLink.secret_hash == fingerprint(secret))
    if found is None:
        throttles.take_try(throttles.guess_bucket(client.address), client=client)
    return _still_open(found)


def open_reset(link_id: str) -> OpenReset:
    """Look at a link by its row's id, as a signed token names it. Raises Gone."""
    return _still_open(_find(ResetLink.id == link_id))


def claim(link_id: str, password: str, client: Client, *, shortest: int) -> User:
    """Use a link: set the password, end all sessions and links of the person. Of many at once one wins.

    Raises Gone, Invalid (password).
    """
    opened = open_reset(link_id)
    passwords.check_new_password(password, shortest, [opened.user.email, opened.user.alias])
    password_hash = passwords.hash_password(password)
    with transaction():
        user = _use(link_id, opened.user.id)
        user.set_password(password_hash)
        end_access(user)
        record_event(actor_of(user, client), "password.reset", "user", user.user_id, owner=user.user_id)
        tell_of_password(user, client)
    return user


def revoke(actor: Actor, row_id: str, link_id: str) -> User:
    """End one link of a user if it is open still. Raises NotFound for an unknown user or link."""
    require(actor, Permission.USER_RESET)
    with transaction():
        confirm(actor, Permission.USER_RESET)
        user = lock_user(User.id == row_id)
        theirs = select(ResetLink).where(ResetLink.id == link_id, ResetLink.user_pk == row_id)
        link = db.session.scalar(theirs.execution_options(populate_existing=True))
        if user is None or not allows(actor, Permission.USER_RESET, user.id):
            raise unknown_user()
        if link is None:
            raise NotFound("There is no such link.", param="link_id")
        if link.status is LinkStatus.OPEN:
            link.ended_at = now()
            record_event(actor, "reset.ended", "user", user.user_id, owner=user.user_id)
    return user


def are_open() -> ColumnElement[bool]:
    """Say that links are neither used nor over; of one person there may be two: handed over, and asked for."""
    return and_(ResetLink.used_at.is_(None), ResetLink.ended_at.is_(None), ResetLink.expires_at > now())


def _create(actor: Actor, is_meant: ColumnElement[bool], *, by_mail: bool) -> ResetCreated:
    """Make a link for the one user who is meant."""
    require(actor, Permission.USER_RESET)
    with transaction():
        confirm(actor, Permission.USER_RESET)
        user = lock_user(is_meant)
        if user is None or not allows(actor, Permission.USER_RESET, user.id):
            raise unknown_user()
        _refuse_useless(actor, user)
        require_proof(actor, Sensitive.RESET_LINK)
        created = _add(actor, user, by_mail=by_mail)
        record_event(actor, "reset.created", "user", user.user_id, owner=user.user_id)
    return created


def _refuse_useless(actor: Actor, user: User) -> None:
    """Refuse a link that would open nothing. Raises Conflict."""
    if user.is_blocked:
        raise Conflict("That user is blocked. Unblock them first.", param="user_id")
    if user.email is None:
        raise Conflict("That user has no e-mail address to sign in with. Invite them instead.", param="user_id")
    if passwords_are_off() and not _is_break_glass(actor.user_id, user):
        raise Conflict("Passwords are switched off here: a reset link would open nothing.", param="user_id")


def _add(actor: Actor, user: User, *, by_mail: bool) -> ResetCreated:
    """Add a link's row after ending older ones; needs an open transaction and the user's row locked.

    What a stranger asks for does not end what an admin handed over.
    """
    end_reset_links(user, are_asked_for=not actor.user_id)
    secret, moment = mint_token(), now()
    link = ResetLink(
        secret_hash=fingerprint(secret),
        user_pk=user.id,
        created_at=moment,
        created_by=actor.user_id or None,
        expires_at=moment + LIFETIME,
    )
    db.session.add(link)
    db.session.flush()
    is_mailed = by_mail and can_be_mailed(user)
    if is_mailed:
        asked = {"by": by(actor, user)} if actor.user_id else {"is_asked": True, "address": actor.client.address}
        facts = asked | {"expires_at": link.expires_at.isoformat()}
        queue_mail(MailKind.PASSWORD_RESET, user, subject_id=link.id, facts=facts, secret=secret)
    return ResetCreated(user, link.id, secret, link.expires_at, is_mailed)


def _stranger(reserved_id: str | None, email: str) -> User:
    """Stand somebody in for whoever is not here, without storing them."""
    return User(id=reserved_id, user_id=MASTER_USER_ID, email=email[:320] or "nobody")


def _find(is_meant: ColumnElement[bool]) -> tuple[ResetLink, User] | None:
    """Find a link and its person."""
    query = select(ResetLink, User).join(User, User.id == ResetLink.user_pk).where(is_meant)
    found = db.session.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


def _still_open(found: tuple[ResetLink, User] | None) -> OpenReset:
    """Give what a living link may show; all else is gone, in one wording (S-20)."""
    if found is None:
        raise Gone(GONE)
    link, user = found
    is_over = link.used_at is not None or link.ended_at is not None or link.expires_at <= now()
    if is_over or user.deleted_at is not None or user.is_blocked:
        raise Gone(GONE)
    return OpenReset(link.id, user, link.expires_at, _is_break_glass(link.created_by, user))


def _use(link_id: str, user_pk: str) -> User:
    """Mark a link used if nobody did before, in one statement (S-19); give its user, who is locked before the link."""
    user = lock_user(User.id == user_pk)
    mark = update(ResetLink).where(ResetLink.id == link_id, are_open()).values(used_at=now())
    is_used = db.session.scalar(mark.returning(ResetLink.id))
    if not is_used or user is None or user.is_blocked:
        raise Gone(GONE)
    return user


def _is_break_glass(made_by: str | None, user: User) -> bool:
    """Tell whether the operator made a link for an admin."""
    return made_by == MASTER_USER_ID and user.role == Role.PROXY_ADMIN

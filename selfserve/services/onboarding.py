"""Invitations: a link that lets one person set a password once, for the first time or again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import contains_eager

from selfserve.addresses import comparable
from selfserve.clock import now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, Gone, Invalid, NotFound
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.minting import fingerprint, mint_invitation
from selfserve.models import Invitation, User
from selfserve.models.invitation import LIFETIME
from selfserve.permissions import MASTER_USER_ID, Actor, Client, Permission, Role
from selfserve.proofs import Sensitive
from selfserve.schemas.users import InvitePeople, UserCreate
from selfserve.services import passwords, throttles
from selfserve.services.actors import actor_of, confirm, require, require_proof
from selfserve.services.audit import record_event
from selfserve.services.outbox import by, can_be_mailed, queue_mail, require_mail
from selfserve.services.sign_in_changes import tell_of_address, tell_of_password
from selfserve.services.users import UserCreated, add_user, add_user_with_key, end_access, lock_user, taken

GONE = "This link is no longer valid: it has expired, was used, or was replaced. Sign in, or ask for a new one."


@dataclass(frozen=True)
class InvitationCreated:
    """A new invitation with the secret that opens its link, which exists here and in the answer made of it only."""

    invitation: Invitation
    user: User
    secret: str
    is_mailed: bool = False
    """Whether a mail with the link was written down."""

    @property
    def link_id(self) -> str:
        """The id of its row, which opens nothing."""
        return self.invitation.id

    @property
    def expires_at(self) -> datetime:
        """When it opens nothing any more."""
        return self.invitation.expires_at


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation that still opens, with the person it is for and who sent it."""

    id: str
    user: User
    invited_by: str
    expires_at: datetime
    is_break_glass: bool = False
    """Whether the operator made it for an admin, so that it sets a password also where none is used otherwise."""


def create_invitation(actor: Actor, user_id: str) -> InvitationCreated:
    """Make a link for the user with this `user_id`; an older open one ends. For who has a password it is a reset link.

    Raises NotFound for an unknown user, Conflict for a blocked one.
    """
    return _create(actor, User.user_id == user_id)


def create_invitation_for(actor: Actor, row_id: str, *, by_mail: bool = False) -> InvitationCreated:
    """Make a link for the user with this row id, and mail it if that is asked for."""
    return _create(actor, User.id == row_id, by_mail=by_mail)


def invite_new_user(actor: Actor, command: UserCreate, *, with_key: bool) -> UserCreated:
    """Make a user and mail them their link, in one transaction. Raises Invalid where no mail can go, and Conflict."""
    require(actor, Permission.USER_CREATE)
    require(actor, Permission.INVITATION_CREATE)
    require_mail("send_invite_email")
    if not command.user_email:
        raise Invalid("user_email is needed to send the invitation to.", param="user_email")
    with conflicts(taken(command.user_email, command.user_id)), transaction():
        confirm(actor, Permission.USER_CREATE)
        created = add_user_with_key(actor, command, with_key=with_key)
        add_invitation(actor, created.user, by_mail=True)
    return created


def invite_people(actor: Actor, command: InvitePeople) -> list[InvitationCreated]:
    """Make users and their links, all or none, in the order of the addresses so that overlapping forms do not deadlock.

    Raises Conflict naming the address that exists.
    """
    require(actor, Permission.USER_CREATE)
    require(actor, Permission.INVITATION_CREATE)
    emails = {comparable(email): email for email in command.emails if email}
    if not emails:
        raise Invalid("Enter at least one e-mail address.", param="emails")
    made = {}
    with transaction():
        confirm(actor, Permission.USER_CREATE)
        for key, email in sorted(emails.items()):
            budget = command.model_dump(include={"max_budget", "budget_duration"})
            user = add_user(actor, UserCreate.model_construct(user_email=email, user_role=command.role, **budget))
            made[key] = add_invitation(actor, user, by_mail=command.send_email)
    return [made[key] for key in emails]


def get_invitation(actor: Actor, name: str) -> Invitation:
    """Get an invitation by the link's id or the row's own. Raises NotFound."""
    require(actor, Permission.INVITATION_READ)
    invitation = db.session.scalar(_named(name))
    if invitation is None:
        raise _unknown()
    return invitation


def end_invitation(actor: Actor, name: str, *, is_accepted: bool) -> Invitation:
    """`/invitation/update`: true ends the link, false changes nothing. Raises Conflict for an accepted one."""
    require(actor, Permission.INVITATION_UPDATE)
    with transaction():
        invitation = _lock(name)
        if invitation.is_accepted:
            raise Conflict("That invitation was accepted already.", param="invitation_id")
        if is_accepted and invitation.ended_at is None:
            _end(actor, invitation, invitation.user)
    return invitation


def delete_invitation(actor: Actor, name: str) -> Invitation:
    """Delete an invitation: its link ends, it is not found any more."""
    require(actor, Permission.INVITATION_DELETE)
    with transaction():
        invitation = _lock(name)
        invitation.deleted_at = now()
        _end(actor, invitation, invitation.user, "invitation.deleted")
    return invitation


def revoke_invitation(actor: Actor, row_id: str) -> User:
    """End the open link of a user, if there is one. Raises NotFound for an unknown user."""
    require(actor, Permission.INVITATION_UPDATE)
    with transaction():
        user = lock_user(User.id == row_id)
        if user is None:
            raise NotFound("There is no such user.", param="user_id")
        for invitation in db.session.scalars(_open_ones(user)):
            _end(actor, invitation, user)
    return user


def open_link(secret: str, client: Client) -> OpenInvitation:
    """Look at a link without using it. Raises Gone, the same for every cause, and counts guesses."""
    invitation = db.session.scalar(_invitations().where(Invitation.secret_hash == fingerprint(secret)))
    if invitation is None:
        throttles.take_try(throttles.guess_bucket(client.address), client=client)
    return _still_open(invitation)


def open_invitation(invitation_id: str) -> OpenInvitation:
    """Look at an invitation by its row's id, as a signed token names it. Raises Gone."""
    return _still_open(db.session.scalar(_invitations().where(Invitation.id == invitation_id)))


def claim(invitation_id: str, password: str, email: str | None, client: Client, *, shortest: int) -> User:
    """Use a link: set the password, end all sessions and links of the person. Of many at once one wins.

    Raises Gone, Invalid (password, missing address), Conflict (address taken).
    """
    opened = open_invitation(invitation_id)
    if opened.user.email is None and email is None:
        raise Invalid("Enter your e-mail address: you sign in with it.", param="user_email")
    address = opened.user.email or email
    passwords.check_new_password(password, shortest, [address, opened.user.alias])
    password_hash = passwords.hash_password(password)
    with (
        conflicts({"uq_users_email_key": Conflict("That address belongs to another account.", param="user_email")}),
        transaction(),
    ):
        user = _use(invitation_id, opened.user.id)
        taken_address = _take_address(user, address, client)
        if user.has_password:
            tell_of_password(user, client)
        user.set_password(password_hash)
        end_access(user)
        who, owner = actor_of(user, client), user.user_id
        record_event(who, "invitation.accepted", "invitation", invitation_id, owner=owner, after=taken_address)
    return user


def _take_address(user: User, address: str | None, client: Client) -> dict[str, Any] | None:
    """Give an account that has no address the one that was typed; nobody proved it, so it is told and on record."""
    if user.email is not None:
        return None
    user.email = address
    tell_of_address(actor_of(user, client), user, None)
    return {"email": address}


def _create(actor: Actor, is_meant: ColumnElement[bool], *, by_mail: bool = False) -> InvitationCreated:
    """Make a link for the one user who is meant."""
    require(actor, Permission.INVITATION_CREATE)
    with transaction():
        confirm(actor, Permission.INVITATION_CREATE)
        user = lock_user(is_meant)
        if user is None:
            raise NotFound("There is no such user. Make one with `/user/new` first.", param="user_id")
        if user.is_blocked:
            raise Conflict("That user is blocked. Unblock them first.", param="user_id")
        require_proof(actor, Sensitive.INVITATION_LINK)
        return add_invitation(actor, user, by_mail=by_mail)


def add_invitation(actor: Actor, user: User, *, by_mail: bool = False) -> InvitationCreated:
    """Add an invitation's row after ending older open ones; needs an open transaction and the user's row locked."""
    for older in db.session.scalars(_open_ones(user)):
        _end(actor, older, user)
    db.session.flush()
    secret, moment = mint_invitation(), now()
    invitation = Invitation(
        secret_hash=fingerprint(secret),
        user_pk=user.id,
        user=user,
        expires_at=moment + LIFETIME,
        created_at=moment,
        created_by=actor.user_id,
        created_by_name="" if actor.user_id == MASTER_USER_ID else actor.name,
        updated_at=moment,
        updated_by=actor.user_id,
    )
    db.session.add(invitation)
    db.session.flush()
    told = {"is_reset": user.has_password}
    record_event(actor, "invitation.created", "invitation", invitation.id, owner=user.user_id, after=told)
    is_mailed = by_mail and can_be_mailed(user)
    if is_mailed:
        facts = _facts_of(actor, invitation, user)
        queue_mail(MailKind.INVITATION, user, subject_id=invitation.id, facts=facts, secret=secret)
    return InvitationCreated(invitation, user, secret, is_mailed)


def _facts_of(actor: Actor, invitation: Invitation, user: User) -> dict[str, Any]:
    """Tell the mail of an invitation all but what opens it."""
    return {
        "by": by(actor, user),
        "is_reset": user.has_password,
        "role": user.role,
        "max_budget": user.max_budget,
        "budget_duration": user.budget_duration,
        "expires_at": invitation.expires_at.isoformat(),
    }


def _use(invitation_id: str, user_pk: str) -> User:
    """Mark an invitation used if nobody did before, in one statement (S-19); give its user, locked.

    The person is locked before the link, as those do who block, delete or invite: the other order is a deadlock.
    """
    moment, user = now(), lock_user(User.id == user_pk)
    is_used = db.session.scalar(
        update(Invitation)
        .where(
            Invitation.id == invitation_id,
            Invitation.accepted_at.is_(None),
            Invitation.ended_at.is_(None),
            Invitation.expires_at > moment,
        )
        .values(accepted_at=moment, updated_at=moment)
        .returning(Invitation.id)
    )
    if not is_used or user is None or user.is_blocked:
        raise Gone(GONE)
    return user


def _still_open(invitation: Invitation | None) -> OpenInvitation:
    """Give what a living link may show; all else is gone, in one wording (S-20)."""
    if (
        invitation is None
        or invitation.accepted_at is not None
        or invitation.ended_at is not None
        or invitation.expires_at <= now()
        or invitation.user.deleted_at is not None
        or invitation.user.is_blocked
    ):
        raise Gone(GONE)
    is_break_glass = invitation.created_by == MASTER_USER_ID and invitation.user.role == Role.PROXY_ADMIN
    told = invitation.id, invitation.user, invitation.created_by_name, invitation.expires_at
    return OpenInvitation(*told, is_break_glass)


def _invitations() -> Select[Invitation]:
    """Select invitations with their users."""
    return select(Invitation).join(Invitation.user).options(contains_eager(Invitation.user))


def _named(name: str) -> Select[Invitation]:
    """Select the invitation that a caller means: by the link's id or the row's own."""
    is_it = or_(Invitation.secret_hash == fingerprint(name), Invitation.id == name)
    return _invitations().where(is_it, Invitation.deleted_at.is_(None))


def _lock(name: str) -> Invitation:
    """Read an invitation for a change. Raises NotFound."""
    rows = _named(name).with_for_update(of=Invitation).execution_options(populate_existing=True)
    invitation = db.session.scalar(rows)
    if invitation is None:
        raise _unknown()
    return invitation


def are_open() -> ColumnElement[bool]:
    """Say that invitations are neither accepted nor ended; of one person there is one at most."""
    return and_(Invitation.accepted_at.is_(None), Invitation.ended_at.is_(None))


def _open_ones(user: User) -> Select[Invitation]:
    """Select a user's open invitations."""
    return select(Invitation).where(Invitation.user_pk == user.id, are_open()).execution_options(populate_existing=True)


def _end(actor: Actor, invitation: Invitation, user: User, action: str = "invitation.ended") -> None:
    """End one link if it is open still; needs an open transaction."""
    invitation.updated_at = now()
    invitation.ended_at = invitation.ended_at or invitation.updated_at
    invitation.updated_by = actor.user_id
    record_event(actor, action, "invitation", invitation.id, owner=user.user_id)


def _unknown() -> NotFound:
    """Say that there is no such invitation."""
    return NotFound("There is no such invitation.", param="invitation_id")

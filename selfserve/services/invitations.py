"""Invitations as admins make, find and end them: of each person one is open at most."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import contains_eager

from selfserve.addresses import comparable
from selfserve.clock import now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, Invalid, NotFound
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.minting import fingerprint, mint_invitation
from selfserve.models import Invitation, User
from selfserve.models.invitation import LIFETIME
from selfserve.permissions import MASTER_USER_ID, Actor, Permission
from selfserve.proofs import Sensitive
from selfserve.schemas.users import InvitePeople, UserCreate
from selfserve.services.actors import confirm, require, require_proof
from selfserve.services.audit import record_event
from selfserve.services.outbox import by, can_be_mailed, queue_mail, require_mail
from selfserve.services.users import UserCreated, add_user, add_user_with_key, lock_user, taken


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


def are_open() -> ColumnElement[bool]:
    """Say that invitations are neither accepted nor ended; of one person there is one at most."""
    return and_(Invitation.accepted_at.is_(None), Invitation.ended_at.is_(None))


def with_people() -> Select[Invitation]:
    """Select invitations with the people they are for."""
    return select(Invitation).join(Invitation.user).options(contains_eager(Invitation.user))


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


def _open_ones(user: User) -> Select[Invitation]:
    """Select a user's open invitations."""
    return select(Invitation).where(Invitation.user_pk == user.id, are_open()).execution_options(populate_existing=True)


def _named(name: str) -> Select[Invitation]:
    """Select the invitation that a caller means: by the link's id or the row's own."""
    is_it = or_(Invitation.secret_hash == fingerprint(name), Invitation.id == name)
    return with_people().where(is_it, Invitation.deleted_at.is_(None))


def _lock(name: str) -> Invitation:
    """Read an invitation for a change. Raises NotFound."""
    rows = _named(name).with_for_update(of=Invitation).execution_options(populate_existing=True)
    invitation = db.session.scalar(rows)
    if invitation is None:
        raise _unknown()
    return invitation


def _end(actor: Actor, invitation: Invitation, user: User, action: str = "invitation.ended") -> None:
    """End one link if it is open still; needs an open transaction."""
    invitation.updated_at = now()
    invitation.ended_at = invitation.ended_at or invitation.updated_at
    invitation.updated_by = actor.user_id
    record_event(actor, action, "invitation", invitation.id, owner=user.user_id)


def _unknown() -> NotFound:
    """Say that there is no such invitation."""
    return NotFound("There is no such invitation.", param="invitation_id")

"""The link of an invitation, as the invited person uses it: once, to set a password for the first time or again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update

from selfserve.clock import now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, Gone, Invalid
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import Invitation, User
from selfserve.permissions import MASTER_USER_ID, Client, Role
from selfserve.services import passwords, throttles
from selfserve.services.actors import actor_of
from selfserve.services.audit import record_event
from selfserve.services.invitations import are_open, with_people
from selfserve.services.sign_in_changes import tell_of_address, tell_of_password
from selfserve.services.users import end_access, lock_user

GONE = "This link is no longer valid: it has expired, was used, or was replaced. Sign in, or ask for a new one."


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation that still opens, with the person it is for and who sent it."""

    id: str
    user: User
    invited_by: str
    expires_at: datetime
    is_break_glass: bool = False
    """Whether the operator made it for an admin, so that it sets a password also where none is used otherwise."""


def open_link(secret: str, client: Client) -> OpenInvitation:
    """Look at a link without using it. Raises Gone, the same for every cause, and counts guesses."""
    invitation = db.session.scalar(with_people().where(Invitation.secret_hash == fingerprint(secret)))
    if invitation is None:
        throttles.take_try(throttles.guess_bucket(client.address), client=client)
    return _still_open(invitation)


def open_invitation(invitation_id: str) -> OpenInvitation:
    """Look at an invitation by its row's id, as a signed token names it. Raises Gone."""
    return _still_open(db.session.scalar(with_people().where(Invitation.id == invitation_id)))


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


def _use(invitation_id: str, user_pk: str) -> User:
    """Mark an invitation used if nobody did before, in one statement (S-19); give its user, locked.

    The person is locked before the link, as those do who block, delete or invite: the other order is a deadlock.
    """
    moment, user = now(), lock_user(User.id == user_pk)
    is_used = db.session.scalar(
        update(Invitation)
        .where(
            Invitation.id == invitation_id,
            are_open(),
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

"""The very first admin, and the way back in for one who is locked out: only from the server's own shell."""

from sqlalchemy import func, select

from selfserve.database import end_read, transaction
from selfserve.errors import Conflict, NotFound
from selfserve.extensions import db
from selfserve.models import User
from selfserve.permissions import Actor, Client, Role
from selfserve.schemas.fields import Command, OptionalEmail
from selfserve.schemas.users import UserCreate
from selfserve.services import invitations, resets
from selfserve.services.actors import master
from selfserve.services.admins import take_turns
from selfserve.services.users import add_user, can_sign_in, find_by_email


class Address(Command):
    """An address given on the command line."""

    email: OptionalEmail = None


def invite_first_admin(email: str | None) -> str | None:
    """Make the first admin and their link, if no user was ever made; give what opens it (S-41).

    Without an address the link's page asks for one.
    """
    return _invite_new_admin(Address(email=email).email, only_first=True)


def create_admin(email: str | None) -> str:
    """Make another admin and give what opens their link. Raises Conflict when the address exists."""
    secret = _invite_new_admin(Address(email=email).email, only_first=False)
    if secret is None:
        raise Conflict("No admin was made.")
    return secret


def reset_password(email: str) -> str:
    """Make a link that resets a person's password. Raises NotFound for an unknown address, Conflict."""
    user = find_by_email(email)
    if user is None:
        raise NotFound(f"There is no user with the address {email}.")
    return resets.create_reset_for(_operator(), user.id).secret


def has_admin() -> bool:
    """Tell whether any admin has a way to sign in."""
    is_admin = User.role == Role.PROXY_ADMIN.value, can_sign_in(), User.deleted_at.is_(None)
    return bool(db.session.scalar(select(func.count()).select_from(User).where(*is_admin)))


def _invite_new_admin(email: str | None, *, only_first: bool) -> str | None:
    """Make an admin and a link in one transaction."""
    operator = _operator()
    with transaction():
        take_turns()
        if only_first and db.session.scalar(select(func.count()).select_from(User).where(User.is_reserved.is_(False))):
            return None
        user = add_user(operator, UserCreate(user_email=email, user_role=Role.PROXY_ADMIN))
        db.session.flush()
        return invitations.add_invitation(operator, user).secret


def _operator() -> Actor:
    """Act as the reserved user, from the command line."""
    operator = master(Client(source="cli"))
    end_read()
    return operator

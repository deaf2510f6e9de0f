"""Who acts, and whether they still may when the row locks are held."""

from sqlalchemy import select

from selfserve.errors import Forbidden, ProofNeeded, Unavailable
from selfserve.extensions import db
from selfserve.models import User
from selfserve.permissions import MASTER_USER_ID, Actor, Client, KeyGrant, Permission, Role, allows, reach
from selfserve.proofs import Sensitive

NOBODY_ID = ""


def actor_of(user: User, client: Client, key: KeyGrant | None = None) -> Actor:
    """Make the actor that a user is."""
    return Actor(user.id, user.user_id, Role(user.role), user.email, user.name, client, key)


def nobody(client: Client) -> Actor:
    """Make the actor that stands for a visitor we do not know, for the audit only: it owns nothing."""
    return Actor(NOBODY_ID, NOBODY_ID, Role.INTERNAL_USER_VIEWER, client=client)


def master(client: Client) -> Actor:
    """Make the actor of the master key: the reserved user. Raises Unavailable before the migrations ran."""
    user = db.session.scalar(select(User).where(User.user_id == MASTER_USER_ID))
    if user is None:
        raise Unavailable("The database is empty. Run `python -m selfserve.setup` first.")
    return actor_of(user, client)


def confirm(actor: Actor, permission: Permission) -> None:
    """Read the actor's role again inside a transaction: it may have changed since the request began (S-43).

    Raises Forbidden when it no longer holds the permission.
    """
    role = db.session.scalar(
        select(User.role).where(User.id == actor.id, User.deleted_at.is_(None), User.is_blocked.is_(False))
    )
    if role is None or reach(Role(role), permission) is None:
        raise refusal(actor, permission)


def require(actor: Actor, permission: Permission) -> None:
    """Refuse a role that does not hold the permission at all, and a change by a secret that was rotated (S-37).

    Raises Forbidden.
    """
    if not allows(actor, permission):
        raise refusal(actor, permission)
    if actor.key and actor.key.former_hash and not permission.outlives_rotation:
        raise Forbidden("This secret was rotated and changes nothing any more. Use the new one.")


def require_proof(actor: Actor, deed: Sensitive) -> None:
    """Want that somebody who is signed in proved lately who they are (S-39). Raises ProofNeeded."""
    if not actor.is_proven:
        raise ProofNeeded(deed)


def refusal(actor: Actor, permission: Permission) -> Forbidden:
    """Say that a role does not hold a permission."""
    return Forbidden(f"Your role {actor.role} may not {permission.sentence}. Ask an admin if you need it.")

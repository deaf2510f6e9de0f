"""Proving again who is signed in, in the way that their session began or a stronger one (S-39)."""

from datetime import timedelta

from sqlalchemy import select, update

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.errors import Forbidden, Invalid, SignInRefused, Unauthenticated
from selfserve.extensions import db
from selfserve.identities import Began, Identity
from selfserve.minting import fingerprint, mint_token
from selfserve.models import Session, User
from selfserve.permissions import Actor, Permission
from selfserve.services import passwords, throttles
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.ways_in import passwords_are_off

LEEWAY = timedelta(seconds=60)
"""By how much a provider's clock may differ."""
WRONG = "That is not your current password."
ASKED_HERE = "You signed in with your password, so it is your password that confirms who you are."


def takes_password(method: str, *, has_password: bool) -> bool:
    """Tell whether a password, and nothing else, is proof: not in a session that a provider began."""
    return has_password and method != "sso" and not passwords_are_off()


def check_password(actor: Actor, user: User, password: str) -> None:
    """Check the actor's password; tries are counted before, wrong ones are written down. Raises Invalid, TooMany."""
    throttles.take_try(throttles.password_bucket(user.id), client=actor.client)
    if not passwords.verify_password(user.password_hash, password):
        with transaction(durable=False):
            record_event(actor, "password.failed", "user", actor.user_id, owner=actor.user_id)
        raise Invalid(WRONG, param="current_password")


def prove_by_password(actor: Actor, session_id: str, password: str) -> str:
    """Note that who is signed in proved by their password who they are; one that a provider began is proven there.

    The session's new id is given back (S-9). Raises Invalid, TooMany, Forbidden.
    """
    require(actor, Permission.ACCOUNT_READ)
    user, method = _signed_in(fingerprint(session_id))
    if method == "sso":
        raise Forbidden("You signed in through a provider, so it is the provider that confirms who you are.")
    check_password(actor, user, password)
    with transaction():
        throttles.give_back(throttles.password_bucket(user.id))
        return _note(actor, fingerprint(session_id), "password")


def prove_by_provider(actor: Actor, session_id: str, began: Began, identity: Identity) -> str:
    """Note that who is signed in proved to their provider who they are: the very same account there, and only now.

    A session that a password began is confirmed by it: a provider may let in unasked. The session's new id is given
    back (S-9). Raises SignInRefused, Forbidden.
    """
    require(actor, Permission.ACCOUNT_READ)
    if began.session_hash != fingerprint(session_id):
        raise _refused(actor, identity, "state", "This was begun by somebody who is not signed in here any more.")
    user, method = _signed_in(began.session_hash)
    if takes_password(method, has_password=user.has_password):
        raise Forbidden(ASKED_HERE)
    if (user.sso_issuer, user.sso_subject) != (identity.issuer, identity.subject):
        why = f"That is another account at {identity.label} than the one you sign in with here. Nothing was done."
        raise _refused(actor, identity, "another", why)
    if not _was_asked_anew(began, identity):
        why = f"{identity.label} did not ask you again who you are. Nothing was done. Sign out there, then try again."
        raise _refused(actor, identity, "not_asked", why)
    with transaction():
        return _note(actor, began.session_hash, "sso")


def _was_asked_anew(began: Began, identity: Identity) -> bool:
    """Tell whether somebody proved who they are since they were sent there; silence is trusted where it is usual."""
    if identity.proved_at is None or began.began_at is None:
        return not identity.must_say_when
    return identity.proved_at >= began.began_at - LEEWAY


def _refused(actor: Actor, identity: Identity, reason: str, why: str) -> SignInRefused:
    """Refuse what a provider says about who is signed in."""
    refusal = SignInRefused(why, reason=reason, label=identity.label, account=identity.email)
    refusal.user_id = actor.user_id
    return refusal


def _signed_in(session_hash: str) -> tuple[User, str]:
    """Read who is signed in by a session, and what it began with."""
    query = select(User, Session.method).join(Session, Session.user_pk == User.id)
    found = db.session.execute(query.where(Session.id_hash == session_hash)).one_or_none()
    if found is None:
        raise _ended()
    return found[0], found[1]


def _note(actor: Actor, session_hash: str, method: str) -> str:
    """Note on one session of the actor that its person proved who they are, under a new id; needs a transaction.

    Whoever copied the cookie before gains nothing by it.
    """
    session_id = mint_token()
    proven = update(Session).where(Session.id_hash == session_hash, Session.user_pk == actor.id)
    if not db.session.execute(proven.values(id_hash=fingerprint(session_id), proved_at=now())).rowcount:  # type: ignore[attr-defined]
        raise _ended()
    record_event(actor, "session.proven", "user", actor.user_id, owner=actor.user_id, after={"method": method})
    return session_id


def _ended() -> Unauthenticated:
    """Say that the session ended meanwhile."""
    return Unauthenticated("Please sign in again.")

"""Linking the own account to a provider, by who is signed in: from then on it opens the account too."""

from selfserve.addresses import comparable
from selfserve.database import conflicts, transaction
from selfserve.errors import Unauthenticated
from selfserve.extensions import db
from selfserve.identities import Began, Identity, Rules
from selfserve.models import User
from selfserve.permissions import Actor, Permission
from selfserve.proofs import Sensitive
from selfserve.services.actors import require, require_proof
from selfserve.services.audit import record_event
from selfserve.services.sign_in_changes import tell_of_link
from selfserve.services.sso import begin
from selfserve.services.sso_people import check_address, refused
from selfserve.services.users import lock_user

_TAKEN = "Another account here signs in with it. Ask an admin, who can part the two."
_BOUND = "Your account signs in another way there already. Ask an admin, who can part the two."
_OTHER = "It is not the address of your account here. Sign in there as yourself, or ask an admin to change the address."


def begin_link(actor: Actor, session_id: str, provider: str, browser: str, next_path: str) -> Began:
    """Begin to link the actor's account in their browser. Raises TooMany, ProofNeeded (S-39)."""
    require(actor, Permission.ACCOUNT_PASSWORD)
    require_proof(actor, Sensitive.LINK)
    return begin(provider, browser, next_path, actor.client, session_id=session_id, user_pk=actor.id)


def link(actor: Actor, identity: Identity, rules: Rules) -> None:
    """Link the actor's account, if the provider vouches for its very address: a session alone shows not whose it is.

    What opened it before still does. Nobody who is bound is bound anew. Raises SignInRefused (S-21, S-22).
    """
    require(actor, Permission.ACCOUNT_PASSWORD)
    with conflicts({"uq_users_sso": refused(identity, "taken", _TAKEN)}), transaction():
        user = lock_user(User.id == actor.id)
        if user is None:
            raise Unauthenticated("Please sign in again.")
        if (user.sso_issuer, user.sso_subject) == (identity.issuer, identity.subject):
            return
        if user.is_bound:
            raise refused(identity, "bound", _BOUND, user)
        check_address(identity, rules)
        if user.email_key is None or comparable(identity.email or "") != user.email_key:
            raise refused(identity, "other_address", _OTHER, user)
        user.bind(identity.issuer, identity.subject)
        db.session.flush()
        after = {"provider": identity.label}
        record_event(actor, "sso.linked", "user", user.user_id, owner=user.user_id, after=after)
        tell_of_link(user, actor.client, identity.label, had_password=False)

"""Signing in through an identity provider: who began it, whom it lets in, and as what."""

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update

from selfserve.addresses import comparable
from selfserve.clock import now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, ProviderAway, SignInLost, SignInRefused
from selfserve.extensions import db
from selfserve.identities import Began, Identity, Rules
from selfserve.minting import fingerprint, mint_token
from selfserve.models import Invitation, Session, SsoLogin, User
from selfserve.permissions import Actor, Client, Permission
from selfserve.proofs import Sensitive
from selfserve.services import auth, throttles
from selfserve.services.actors import actor_of, confirm, nobody, require, require_proof
from selfserve.services.admins import keep_an_admin, take_turns
from selfserve.services.audit import record_event
from selfserve.services.invitations import are_open
from selfserve.services.sign_in_changes import tell_of_link, tell_of_parting
from selfserve.services.sso_people import AT_ONCE, add_person, check_address, refused
from selfserve.services.users import end_access, lock_user, tell_user, unknown_user
from selfserve.ways_in import passwords_are_off

LIFETIME = timedelta(minutes=10)
"""From the click on the button to the way back."""
_LOST = "This sign-in did not begin in this browser, took more than ten minutes, or was used before. Begin again."


def begin(
    provider: str,
    browser: str,
    next_path: str | None,
    client: Client,
    *,
    session_id: str | None = None,
    user_pk: str | None = None,
) -> Began:
    """Begin a sign-in in a browser, or a proof of who is signed in there, or a link of their account.

    What comes back must fit what is kept here (S-23).

    Raises TooMany.
    """
    throttles.take_try(throttles.sso_bucket(client.address), client=client)
    began = Began(f"{provider}.{mint_token()}", mint_token(), mint_token(), next_path)
    with transaction(durable=False):
        _sweep()
        db.session.add(
            SsoLogin(
                state_hash=fingerprint(began.state),
                browser_hash=fingerprint(browser),
                nonce=began.nonce,
                verifier=began.verifier,
                next_path=next_path,
                session_hash=fingerprint(session_id) if session_id else None,
                user_pk=user_pk,
                expires_at=now() + LIFETIME,
            )
        )
    return began


def take(state: str, browser: str, client: Client) -> Began:
    """Take up a sign-in where it was begun: once, in time, in the same browser. Raises SignInLost, TooMany."""
    is_it = SsoLogin.state_hash == fingerprint(state), SsoLogin.browser_hash == fingerprint(browser)
    with transaction(durable=False):
        taken = delete(SsoLogin).where(*is_it, SsoLogin.expires_at > now())
        kept = SsoLogin.nonce, SsoLogin.verifier, SsoLogin.next_path, SsoLogin.session_hash, SsoLogin.user_pk
        row = db.session.execute(taken.returning(*kept, SsoLogin.created_at)).one_or_none()
    if row is None:
        throttles.take_try(throttles.guess_bucket(client.address), client=client)
        raise SignInLost(_LOST, reason="state")
    return Began(state, *row)


def sign_in(identity: Identity, rules: Rules, client: Client) -> auth.NewSession:
    """Let somebody in whom a provider vouches for, making or linking their account at the first time.

    Raises SignInRefused with the reason, the same for addresses that they did not prove to be theirs (S-21, S-22).
    """
    at_once = refused(identity, "at_once", AT_ONCE)
    with conflicts({"uq_users_sso": at_once, "uq_users_email_key": at_once}), transaction():
        if identity.owns_role:
            take_turns()
        user = lock_user(_is(identity))
        if user is None:
            user = _link_or_create(identity, rules, client)
        elif user.is_blocked:
            raise _blocked(identity, user)
        check_address(identity, rules, user)
        _apply_role(user, identity, rules, client)
        session_id = auth.enter(user, client, "sso", identity.proved_at, provider=identity.label)
    return auth.NewSession(session_id, user)


def record_refusal(refusal: SignInRefused | ProviderAway, client: Client) -> None:
    """Write down that somebody was not let in, and why; also when their provider did not answer (S-45)."""
    who = None if isinstance(refusal, ProviderAway) else refusal.user_id
    after: dict[str, str | None] = {"method": "sso", "provider": refusal.label}
    if isinstance(refusal, ProviderAway):
        after |= {"reason": "away", "why": refusal.why}
    else:
        after |= {"reason": refusal.reason, "account": refusal.account}
    with transaction(durable=False):
        record_event(nobody(client), "login.refused", "user", who, owner=who, after=after)


def part_from_provider(actor: Actor, row_id: str) -> User:
    """Part somebody from their account at the provider: sessions and links end (S-10). Raises NotFound, Conflict."""
    require(actor, Permission.USER_UPDATE)
    with transaction():
        take_turns()
        confirm(actor, Permission.USER_UPDATE)
        user = lock_user(User.id == row_id)
        if user is None:
            raise unknown_user()
        require_proof(actor, Sensitive.UNLINK)
        if passwords_are_off() or not user.has_password:
            keep_an_admin(user)
        if user.is_bound:
            user.bind(None, None)
            end_access(user)
            tell_of_parting(actor, user)
            record_event(actor, "sso.unlinked", "user", user.user_id, owner=user.user_id)
    return user


def issuer_of(session_id: str | None) -> str | None:
    """Tell which provider began a session, None where a password or a link did."""
    began_it = Session.id_hash == fingerprint(session_id or ""), Session.method == "sso"
    return db.session.scalar(select(User.sso_issuer).join(Session, Session.user_pk == User.id).where(*began_it))


def _is(identity: Identity) -> ColumnElement[bool]:
    """Say that a user is bound to this very account of a provider."""
    return (User.sso_issuer == identity.issuer) & (User.sso_subject == identity.subject)


def _link_or_create(identity: Identity, rules: Rules, client: Client) -> User:
    """Find who was invited under the address that the provider vouches for, or make an account, if that is allowed."""
    check_address(identity, rules)
    user = lock_user(User.email_key == comparable(identity.email or "")[:320])
    if user is None:
        user = add_person(identity, rules, client)
    elif (user.sso_issuer, user.sso_subject) == (identity.issuer, identity.subject):
        return user
    else:
        _check_linkable(user, identity)
        tell_of_link(user, client, identity.label, had_password=user.has_password)
        _accept_invitation(user)
        user.alias = user.alias or identity.name
    user.bind(identity.issuer, identity.subject)
    db.session.flush()
    after = {"provider": identity.label}
    record_event(actor_of(user, client), "sso.linked", "user", user.user_id, owner=user.user_id, after=after)
    return user


def _check_linkable(user: User, identity: Identity) -> None:
    """Refuse an account that is blocked, bound or has no open invitation: none yet, or not any more (S-21, S-22)."""
    if user.is_blocked:
        raise _blocked(identity, user)
    if user.is_bound:
        why = "The account with this address belongs to another sign-in. Ask an admin, who can part the two."
        raise refused(identity, "bound", why, user)
    open_one = select(Invitation.id).where(Invitation.user_pk == user.id, are_open(), Invitation.expires_at > now())
    if db.session.scalar(open_one.with_for_update()) is None:
        has_another = user.has_password and not passwords_are_off()
        what = (
            "Sign in with your password, or ask an admin for a new link" if has_another else "Ask an admin for a link"
        )
        why = f"There is an account with this address, and nobody invited it to sign in this way. {what}."
        raise refused(identity, "not_invited", why, user)


def _accept_invitation(user: User) -> None:
    """Use the open invitation up; whatever opened the account before opens nothing any more, nor does its password."""
    moment = now()
    of_user = update(Invitation).where(Invitation.user_pk == user.id, are_open())
    db.session.execute(of_user.values(accepted_at=moment, updated_at=moment, updated_by=user.user_id))
    user.password_hash, user.must_change_password = None, False
    end_access(user)


def _apply_role(user: User, identity: Identity, rules: Rules, client: Client) -> None:
    """Give the role of the claims where the provider decides: none is kept that it does not give (S-25, S-43)."""
    role = identity.role or rules.default_role
    if not identity.owns_role or user.role == role.value:
        return
    try:
        keep_an_admin(user)
    except Conflict:
        why = f"{identity.label} does not name you an admin any more, and you are the last one here."
        raise refused(identity, "last_admin", why, user) from None
    before = tell_user(user)
    user.role = role.value
    end_access(user)
    who, after = actor_of(user, client), tell_user(user)
    record_event(who, "user.updated", "user", user.user_id, owner=user.user_id, before=before, after=after)


def _blocked(identity: Identity, user: User) -> SignInRefused:
    """Say that somebody is blocked."""
    return refused(identity, "blocked", "This account is blocked. Ask an admin if you need it.", user)


def _sweep() -> None:
    """Remove sign-ins that nobody came back from; needs an open transaction without other locks."""
    over = select(SsoLogin.state_hash).where(SsoLogin.expires_at <= now()).limit(throttles.MOST_SWEPT)
    db.session.execute(delete(SsoLogin).where(SsoLogin.state_hash.in_(over.with_for_update(skip_locked=True))))

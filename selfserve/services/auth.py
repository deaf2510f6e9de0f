"""Who is asking: sessions for pages, keys for the API."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, inspect, or_, select, true, update

from selfserve.addresses import comparable
from selfserve.clock import now
from selfserve.database import ask_once, transaction, unwritable
from selfserve.devices import device
from selfserve.errors import Unauthenticated
from selfserve.extensions import db
from selfserve.minting import KEY_PREFIX, fingerprint, is_well_formed, mint_token, tail
from selfserve.models import ApiKey, FormerSecret, Session, User
from selfserve.permissions import Actor, Client, KeyGrant
from selfserve.proofs import RECENT
from selfserve.services import passwords, throttles
from selfserve.services.actors import actor_of, master, nobody
from selfserve.services.audit import record_event
from selfserve.services.key_graces import begin_last_hour
from selfserve.services.key_limits import limits_of
from selfserve.services.keys import living_keys
from selfserve.services.new_devices import tell_of_new_device
from selfserve.services.users import find_by_email
from selfserve.ways_in import passwords_are_off

ABSOLUTE_LIFETIME = timedelta(days=7)
SEEN_EVERY = timedelta(seconds=60)
WRONG = "Email or password is wrong."
_OF_KEY = inspect(ApiKey).columns
_OF_OWNER = (
    *("id", "user_id", "role", "email", "alias", "is_blocked"),
    *("models", "max_budget", "budget_duration", "budget_reset_at", "window_spend"),
    *("rpm_limit", "tpm_limit", "max_parallel_requests"),
)
_BY_TOKEN = (
    select(*_OF_KEY, *(getattr(User, name) for name in _OF_OWNER))
    .join(User, User.id == ApiKey.owner_id)
    .where(ApiKey.token == bindparam("token"), ApiKey.deleted_at.is_(None), User.deleted_at.is_(None))
)
"""Asked on every call with a key, so it is built once and needs no session."""
_BY_FORMER = (
    living_keys()
    .join(FormerSecret, FormerSecret.key_id == ApiKey.id)
    .where(FormerSecret.token == bindparam("token"), User.deleted_at.is_(None))
    .add_columns(FormerSecret)
)
"""Asked when no key has the token: it may be the secret that a key had before."""


@dataclass(frozen=True)
class NewSession:
    """A session just begun; its id exists here and in the browser's cookie only."""

    session_id: str
    user: User


@dataclass(frozen=True)
class LiveSession:
    """A session that is alive, and the actor it belongs to."""

    session_id: str
    actor: Actor
    must_change_password: bool = False
    """Whether they may do nothing before they set another password; who came through a provider uses none."""
    method: str = "password"
    """What it began with; it is confirmed in the same way."""
    has_password: bool = False
    issuer: str | None = None
    """The provider that vouches for them."""


def log_in(email: str, password: str, client: Client) -> NewSession:
    """Sign in by password. One error for all causes and as much time for each (S-20b); tries are counted before (S-18).

    Raises Unauthenticated, TooMany.
    """
    buckets = throttles.login_buckets(client.address, comparable(email))
    throttles.take_try(*buckets, client=client)
    user = find_by_email(email)
    is_right = passwords.verify_password(user.password_hash if user else None, password)
    if user is None or not is_right or user.is_blocked:
        with transaction(durable=False):
            who = user.user_id if user else None
            record_event(nobody(client), "login.failed", "user", who, owner=who, after=_told(client))
        raise Unauthenticated(WRONG)
    with transaction():
        throttles.give_back(*buckets)
        session_id = enter(user, client, "password")
    _sweep()
    return NewSession(session_id, user)


def begin_session(user: User, client: Client, *, is_break_glass: bool = False) -> str:
    """Begin a session for somebody who has just proved who they are by a link, or by one of the operator's."""
    with transaction():
        return enter(user, client, "operator" if is_break_glass else "link")


def enter(user: User, client: Client, method: str, proved_at: datetime | None = None, **told: str) -> str:
    """Add a session's row and record that somebody signed in, and with what; needs an open transaction."""
    is_first = user.last_login_at is None
    session_id = add_session(user, client, method, proved_at)
    who = actor_of(user, client)
    after = _told(client) | ({"method": method} if method != "password" else {}) | told
    tell_of_new_device(user, client, is_first=is_first, provider=told.get("provider"))
    record_event(who, "login.succeeded", "user", user.user_id, owner=user.user_id, after=after)
    return session_id


def add_session(user: User, client: Client, method: str = "password", proved_at: datetime | None = None) -> str:
    """Add a session's row, of somebody who proves now who they are, or when their provider says; needs a transaction.

    Where it does not say, they may have been let in unasked: the session begins unproven (S-39).
    Raises Unauthenticated if the person's access ended or their password changed meanwhile.
    """
    moment = now()
    seen = update(User).where(User.id == user.id, User.deleted_at.is_(None), User.is_blocked.is_(False))
    same_password = seen.where(User.password_hash == user.password_hash)
    if not db.session.execute(same_password.values(last_login_at=moment, updated_at=User.updated_at)).rowcount:  # type: ignore[attr-defined]
        raise Unauthenticated(WRONG)
    session_id, proved_at = mint_token(), proved_at if method == "sso" else moment
    db.session.add(
        Session(
            id_hash=fingerprint(session_id),
            user_pk=user.id,
            address=client.address,
            user_agent=(client.user_agent or "")[:255] or None,
            method=method,
            proved_at=proved_at and min(proved_at, moment),
            created_at=moment,
            last_seen_at=moment,
            expires_at=moment + ABSOLUTE_LIFETIME,
        )
    )
    return session_id


def find_session(session_id: str, client: Client, idle: timedelta, *, is_click: bool = True) -> LiveSession | None:
    """Find a living session and who it belongs to, in one query; note a click at most once a minute."""
    moment, id_hash = now(), fingerprint(session_id)
    asked = select(User, Session.last_seen_at, Session.method, Session.proved_at)
    query = asked.join(Session, Session.user_pk == User.id).where(Session.id_hash == id_hash)
    alive = (
        Session.expires_at > moment,
        Session.last_seen_at > moment - idle,
        User.deleted_at.is_(None),
        User.is_blocked.is_(False),
        began_by_a_way_in(),
    )
    found = db.session.execute(query.where(*alive)).one_or_none()
    if found is None:
        return None
    user, last_seen_at, method, proved_at = found
    is_due = user.must_change_password and method != "sso"
    actor = replace(actor_of(user, client), is_proven=proved_at is not None and proved_at > moment - RECENT)
    live = LiveSession(session_id, actor, is_due, method, user.has_password, user.sso_issuer)
    if is_click and last_seen_at < moment - SEEN_EVERY:
        with transaction(durable=False):
            db.session.execute(update(Session).where(Session.id_hash == id_hash).values(last_seen_at=moment))
    return live


def began_by_a_way_in() -> ColumnElement[bool]:
    """Say that sessions opened by what is a way in here still: where passwords are off, one or its link is none."""
    return Session.method.in_(("sso", "operator")) if passwords_are_off() else true()


def end_session(session_id: str, client: Client) -> bool:
    """End a session; tell whether there was one. It is dead for every worker at once (S-10)."""
    with transaction():
        query = select(User).join(Session, Session.user_pk == User.id).where(Session.id_hash == fingerprint(session_id))
        user = db.session.scalar(query)
        if user is None:
            return False
        db.session.execute(delete(Session).where(Session.id_hash == fingerprint(session_id)))
        record_event(actor_of(user, client), "logout", "user", user.user_id, owner=user.user_id)
    return True


def identify(token: str, master_key: str, client: Client) -> Actor:
    """Tell who a bearer token is: the master key or a key's owner.

    Raises Unauthenticated, with the documented type and no more of the token than its tail; TooMany for guessers.
    """
    if hmac.compare_digest(fingerprint(token), fingerprint(master_key)):
        return master(client)
    if not token.startswith("sk-"):
        raise Unauthenticated(
            "Authentication Error, the key must start with 'sk-'. Use the key itself, not its hash or id."
        )
    key, former = _find_key(token)
    if key is None:
        throttles.take_try(throttles.guess_bucket(client.address), client=client)
        raise Unauthenticated(
            "Authentication Error, Invalid proxy server token passed. "
            f"Received API Key = sk-...{tail(token)}. Unable to find it.",
            param="key",
            type="token_not_found_in_db",
        )
    refuse_unusable(key, former)
    row = None if _note_use(key, former, client) else key
    sent = former.token if former else None
    grant = KeyGrant(key.id, key.token, limits_of(key), tuple(key.allowed_routes), key.key_type, sent, row)
    return actor_of(key.owner, client, grant)


def _told(client: Client) -> dict[str, str]:
    """Tell the audit what somebody came with."""
    return {"device": device(client.user_agent)}


def _sweep() -> None:
    """Remove what is over, in a transaction of its own: others' rows are never waited for with a lock in hand."""
    over = select(Session.id_hash).where(Session.expires_at <= now()).limit(throttles.MOST_SWEPT)
    with transaction(durable=False):
        throttles.sweep()
        db.session.execute(delete(Session).where(Session.id_hash.in_(over.with_for_update(skip_locked=True))))


def _find_key(token: str) -> tuple[ApiKey | None, FormerSecret | None]:
    """Look a key up by the hash of its secret or of a former one, unless the checksum shows that it never was ours."""
    if token.startswith(KEY_PREFIX) and not is_well_formed(token):
        return None, None
    hashed = {"token": fingerprint(token)}
    row = ask_once(_BY_TOKEN, hashed)
    if row is not None:
        return _key_of(row), None
    found = db.session.execute(_BY_FORMER, hashed).one_or_none()
    return (found[0], found[1]) if found else (None, None)


def _key_of(row: Row[Any]) -> ApiKey:
    """Give the key, with its owner, that a row of `_BY_TOKEN` tells of."""
    owner = unwritable(User, dict(zip(_OF_OWNER, row[len(_OF_KEY) :], strict=True)))
    return unwritable(ApiKey, dict(zip(_OF_KEY.keys(), row, strict=False)) | {"owner": owner})


def refuse_unusable(key: ApiKey, former: FormerSecret | None) -> None:
    """Refuse a blocked or expired key, one whose owner is blocked, and a secret whose grace is over."""
    if key.is_blocked or key.owner.is_blocked:
        whose = "Key" if key.is_blocked else "User"
        raise Unauthenticated(f"Authentication Error, {whose} is blocked. Ask an admin if you need it.", param="key")
    if former and former.ends_at <= now():
        raise Unauthenticated(
            f"Authentication Error - Expired Key. Rotated {former.rotated_at:%Y-%m-%dT%H:%M:%SZ}: use its new secret.",
            param="key",
            type="expired_key",
        )
    if key.is_expired and key.expires_at:
        expired = key.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        raise Unauthenticated(
            f"Authentication Error - Expired Key. Key Expiry time {expired}", param="key", type="expired_key"
        )


def _note_use(key: ApiKey, former: FormerSecret | None, client: Client) -> bool:
    """Note at most once a minute that a secret was used, whence and by what; tell whether it was noted now."""
    moment = now()
    before = former.last_used_at if former else key.secret_used_at
    is_recent = before is not None and before > moment - SEEN_EVERY
    is_first_use = former is None and key.is_grace_until_use
    if is_recent and not is_first_use:
        return False
    seen = {"last_used_at": moment, "last_address": client.address, "last_agent": client.user_agent}
    of_key = seen if former else seen | {"secret_used_at": moment}
    column = ApiKey.last_used_at if former else ApiKey.secret_used_at
    is_stale = or_(column.is_(None), column <= moment - SEEN_EVERY)
    with transaction(durable=False):
        used = update(ApiKey).where(ApiKey.id == key.id, is_stale).values(**of_key, updated_at=ApiKey.updated_at)
        db.session.execute(used)
        if former:
            db.session.execute(update(FormerSecret).where(FormerSecret.token == former.token).values(**seen))
        elif is_first_use:
            begin_last_hour(key.id, moment)
    return True

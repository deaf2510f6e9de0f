"""Signing in on a command line: a program begins, a person confirms in their browser, the program gets a key, once.

What the person compares is a short code, so that a link that somebody else sent them is not confirmed by mistake; what
the program polls with is a long secret that no browser sees.
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.devices import UNKNOWN, device
from selfserve.errors import Forbidden, Gone, Invalid, NotFound
from selfserve.extensions import db
from selfserve.minting import fingerprint, mint_token
from selfserve.models import CliLogin, User
from selfserve.permissions import Actor, Client, Permission, Role
from selfserve.proofs import Sensitive
from selfserve.schemas.keys import KeyCreate
from selfserve.services import throttles
from selfserve.services.actors import actor_of, confirm, require, require_proof
from selfserve.services.audit import record_event
from selfserve.services.keys import KeyCreated, add_key
from selfserve.services.users import lock_user

LIFETIME = timedelta(minutes=10)
MOST_WRONG = 5
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no words come out, and nothing that is mistaken for something else."""
_ID = re.compile(r"cli-[A-Za-z0-9_-]{43}")
_OVER = "This sign-in was confirmed, has ended or never began. Start it again in your terminal."
_GUESSED = "The code was wrong five times, so this sign-in has ended. Start it again in your terminal."


@dataclass(frozen=True)
class Started:
    """A sign-in just begun; its secret and its code exist here and in the answer made of it only."""

    login_id: str
    poll_secret: str
    user_code: str


@dataclass(frozen=True)
class OpenLogin:
    """A sign-in that may be confirmed, with what asks for it and from where."""

    id: str
    address: str | None
    device: str | None
    created_at: datetime
    expires_at: datetime


def start(client: Client) -> Started:
    """Begin a sign-in for a program. Raises TooMany."""
    throttles.take_try(throttles.cli_bucket(client.address), client=client)
    started = Started(f"cli-{mint_token()}", mint_token(), _mint_code())
    with transaction(durable=False):
        db.session.add(
            CliLogin(
                id=started.login_id,
                poll_hash=fingerprint(started.poll_secret),
                code_hash=_hash_code(started.login_id, started.user_code),
                address=client.address,
                device=device(client.user_agent),
                expires_at=now() + LIFETIME,
            )
        )
    return started


def open_login(login_id: str, client: Client) -> OpenLogin:
    """Look at a sign-in that may be confirmed. Raises Gone, the same for every cause, and counts guesses."""
    login = _find(login_id)
    if login is None or not _is_open(login):
        _count_guess(login_id, client)
        raise Gone(_OVER)
    return OpenLogin(login.id, login.address, login.device, login.created_at, login.expires_at)


def approve(actor: Actor, login_id: str, code: str) -> None:
    """Confirm a sign-in in the actor's name. Five wrong codes end it, also when they are sent at once.

    Raises Forbidden, Gone, Invalid (code).
    """
    require(actor, Permission.KEY_CREATE)
    with transaction():
        confirm(actor, Permission.KEY_CREATE)
        if actor.role == Role.PROXY_ADMIN:
            require_proof(actor, Sensitive.COMMAND_LINE)
        login = db.session.scalar(
            select(CliLogin).where(CliLogin.id == login_id).with_for_update().execution_options(populate_existing=True)
        )
        if login is None or not _is_open(login):
            raise Gone(_OVER)
        is_right = hmac.compare_digest(login.code_hash, _hash_code(login_id, code))
        if is_right:
            login.user_pk, login.confirmed_at = actor.id, now()
        else:
            login.wrong_codes += 1
        _record(actor, login, is_right=is_right)
        is_over = login.wrong_codes >= MOST_WRONG
    if is_over:
        raise Gone(_GUESSED)
    if not is_right:
        raise Invalid("That is not the code in your terminal. Look again.", param="user_code")


def poll(login_id: str, secret: str, client: Client, *, hours: int) -> KeyCreated | None:
    """Give the program its key if the sign-in was confirmed, None while it was not. Of many at once one gets it.

    Raises NotFound, Forbidden (another's secret, or a role that makes no keys), TooMany for guessers.
    """
    login = _find(login_id)
    if login is None:
        _count_guess(login_id, client)
        raise _unknown()
    if not hmac.compare_digest(login.poll_hash, fingerprint(secret)):
        _count_guess(login_id, client)
        raise Forbidden("That is not the secret of this sign-in. Send `poll_secret` as x-litellm-cli-poll-secret.")
    if login.wrong_codes >= MOST_WRONG:
        raise _unknown()
    return _hand_over(login.id, login.user_pk, client, hours) if login.user_pk else None


def _hand_over(login_id: str, user_pk: str, client: Client, hours: int) -> KeyCreated:
    """Use a confirmed sign-in up, in one statement, and make its key (S-19)."""
    with transaction():
        owner = lock_user(User.id == user_pk)
        used_up = delete(CliLogin).where(CliLogin.id == login_id, CliLogin.user_pk == user_pk)
        name = db.session.scalar(used_up.returning(CliLogin.device))
        if name is None or owner is None or owner.is_blocked:
            raise _unknown()
        actor = actor_of(owner, client)
        require(actor, Permission.KEY_CREATE)
        alias = f"command line, {name}, {login_id[-6:]}"
        return add_key(actor, owner, KeyCreate(key_alias=alias, duration=f"{hours}h", key_type=_type_for(owner)))


def _type_for(owner: User) -> str:
    """Choose what the key may do: an admin's only calls models, lest a link that was sent to them give it all away."""
    return "llm_api" if owner.role == Role.PROXY_ADMIN else "default"


def _find(login_id: str) -> CliLogin | None:
    """Find a sign-in whose time is not over."""
    is_it: ColumnElement[bool] = CliLogin.id == login_id
    query = select(CliLogin).where(is_it, CliLogin.expires_at > now())
    return db.session.scalar(query) if _ID.fullmatch(login_id) else None


def _count_guess(login_id: str, client: Client) -> None:
    """Count what may be a guess (S-18): what has not even the shape of a name is none."""
    if _ID.fullmatch(login_id):
        throttles.take_try(throttles.guess_bucket(client.address), client=client)


def _is_open(login: CliLogin) -> bool:
    """Tell whether a sign-in may be confirmed."""
    return login.user_pk is None and login.wrong_codes < MOST_WRONG and login.expires_at > now()


def _record(actor: Actor, login: CliLogin, *, is_right: bool) -> None:
    """Write down that a sign-in was confirmed, or that a wrong code was typed for it; needs an open transaction."""
    why = {} if is_right else {"method": "cli", "provider": "the command line", "reason": "wrong_code"}
    after = why | {"device": login.device or UNKNOWN, "asked_from": login.address or ""}
    action = "cli.confirmed" if is_right else "login.refused"
    record_event(actor, action, "user", actor.user_id, owner=actor.user_id, after=after)


def _mint_code() -> str:
    """Make a code that is compared by eye, as `BCDF-GHJK`: 34 bits, for five tries within ten minutes."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def _hash_code(login_id: str, code: str) -> str:
    """Hash a code as it is meant: in capitals, with or without its dash."""
    return fingerprint(f"{login_id} {re.sub('[^A-Z]', '', code.upper())}")


def _unknown() -> NotFound:
    """Say that there is no such sign-in, whether it ended, was used or never began."""
    return NotFound("This sign-in was used, has ended or never began. Start it again.", param="login_id")

"""People, keys and invitations with sensible defaults, straight into the tables.

Each call opens its own application context and gives back rows that are loaded and detached.
"""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import inspect, select
from sqlalchemy.orm import joinedload

from selfserve import minting
from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.models import ApiKey, Call, FormerSecret, Invitation, ModelPrice, OpenCall, ResetLink, Tally, User
from selfserve.models.api_key import shown_prefix
from selfserve.services import passwords
from tests.application import the_app

PASSWORD = "a calm river before sunrise"
numbers = itertools.count(1)


@dataclass(frozen=True)
class MadeKey:
    """A key and its secret, which the row itself no longer knows."""

    row: ApiKey
    secret: str
    former: str | None = None


@dataclass(frozen=True)
class MadeInvitation:
    """An invitation and the id that opens its link."""

    row: Invitation
    secret: str


@cache
def hash_of(password: str) -> str:
    """Hash each password of the cast once."""
    return passwords.hasher.hash(password)


def make_user(
    name: str | None = None, *, role: str = "internal_user", password: str | None = PASSWORD, **columns
) -> User:
    """Make a person: `make_user("Mia")` is mia@example.com with the user id mia and the cast's password."""
    word = (name or f"person-{next(numbers)}").lower()
    email = columns.pop("email", f"{word}@example.com")
    defaults = {
        "user_id": word,
        "email": email,
        "email_key": email.casefold() if email else None,
        "alias": name,
        "password_hash": hash_of(password) if password else None,
        "password_changed_at": now() if password else None,
    }
    return save(User(role=role, **(defaults | columns)), count="users")


def make_key(owner: User, alias: str | None = None, *, secret: str | None = None, **columns) -> MadeKey:
    """Make a key of somebody; it works and has no limits unless told otherwise."""
    secret = secret or minting.mint_key()
    return MadeKey(save(key_row(owner, secret, alias or f"key-{next(numbers)}", **columns), count="keys"), secret)


def make_rotating_key(owner: User, alias: str | None = None, *, lasts: timedelta = timedelta(hours=24)) -> MadeKey:
    """Make a key whose secret before this one still works, for a day unless told otherwise."""
    ends_at, former = now() + lasts, minting.mint_key()
    made = make_key(owner, alias, rotated_at=now(), grace_ends_at=ends_at)
    hashed = {"token": minting.fingerprint(former), "prefix": shown_prefix(former), "tail": minting.tail(former)}
    save(FormerSecret(key_id=made.row.id, ends_at=ends_at, **hashed))
    return MadeKey(made.row, made.secret, former)


def key_row(owner: User, secret: str, alias: str, **columns) -> ApiKey:
    """Write the row of a key, without storing it."""
    defaults = {
        "alias": alias,
        "token": minting.fingerprint(secret),
        "prefix": shown_prefix(secret),
        "tail": minting.tail(secret),
        "owner_id": owner.id,
        "created_by": owner.user_id,
        "updated_by": owner.user_id,
    }
    return ApiKey(**(defaults | columns))


def make_open_call(key: ApiKey, **columns) -> OpenCall:
    """Let a call with a key run; it takes a minute at most unless told otherwise."""
    run = {"model": "gpt", "provider": "openai", "started_at": now(), "lapses_at": now() + timedelta(minutes=1)}
    owned = {"request_id": f"open-{next(numbers)}", "key_id": key.id, "user_pk": key.owner_id}
    return save(OpenCall(**(run | owned | {"reserved": 0} | columns)))


def make_calls(key: ApiKey, *each: dict, since: datetime | None = None) -> None:
    """Let calls with a key be over, one a minute, the first of them the newest."""
    went = {"provider": "openai", "status": 200, "latency_ms": 840}
    paid = {"cost": 12 * 10**8, "prompt_tokens": 12_345, "completion_tokens": 600, "cached_tokens": 45}
    owned = {"key_id": key.id, "user_pk": key.owner_id}
    save_all(
        [
            Call(
                **owned | went | paid | {"request_id": f"call-{next(numbers)}", "model": f"model-{number}"}
                | {"started_at": (since or now()) - timedelta(minutes=number + 1)} | more,
            )
            for number, more in enumerate(each)
        ]
    )  # fmt: skip


def make_invitation(
    user: User, *, by: User | None = None, lasts: timedelta = timedelta(days=7), **columns
) -> MadeInvitation:
    """Invite somebody; the link is open unless told otherwise."""
    secret = minting.mint_invitation()
    sent = {"created_by": by.user_id, "created_by_name": by.name, "updated_by": by.user_id} if by else {}
    return MadeInvitation(save(invitation_row(user, secret, expires_at=now() + lasts, **(sent | columns))), secret)


def make_reset(user: User, **columns) -> tuple[str, ResetLink]:
    """Make an open reset link; give what opens it and its row."""
    secret = minting.mint_token()
    hour = {"expires_at": now() + timedelta(hours=1)}
    return secret, save(ResetLink(secret_hash=minting.fingerprint(secret), user_pk=user.id, **hour | columns))


def invitation_row(user: User, secret: str, **columns) -> Invitation:
    """Write the row of an invitation, without storing it."""
    defaults = {
        "secret_hash": minting.fingerprint(secret),
        "user_pk": user.id,
        "expires_at": now() + timedelta(days=7),
        "created_by": "default_user_id",
        "updated_by": "default_user_id",
    }
    return Invitation(**(defaults | columns))


def key_of(user: User) -> str:
    """Give the secret of a working key of this person, made for the occasion."""
    return make_key(user, f"door-{next(numbers)}").secret


def make_price(model: str, prompt: str = "0.000002", completion: str = "0.000008", cached: str | None = None) -> None:
    """Let an admin have set what a model costs, in dollars per token."""
    with the_app().app_context(), transaction():
        said = {"prompt": prompt, "completion": completion, "cached": cached, "updated_by": "ada"}
        db.session.merge(ModelPrice(model=model, **said))


def make_keys(owner: User, count: int) -> None:
    """Make many keys of one person at once."""
    save_all([key_row(owner, minting.mint_key(), f"key-{next(numbers)}") for _ in range(count)], count="keys")


def make_company(people: int) -> list[User]:
    """Make many people at once, each with one key and an open invitation or a password."""
    numbered = [next(numbers) for _ in range(people)]
    hashed = hash_of(PASSWORD)
    users = [
        User(
            user_id=f"employee-{number}",
            email=f"employee-{number}@example.com",
            email_key=f"employee-{number}@example.com",
            role="internal_user",
            password_hash=hashed if number % 2 else None,
        )
        for number in numbered
    ]
    save_all(users, count="users")
    secrets = [minting.mint_key() for _ in users]
    save_all(
        [key_row(user, secret, f"key-{user.user_id}") for user, secret in zip(users, secrets, strict=True)],
        count="keys",
    )
    save_all([invitation_row(user, minting.mint_invitation()) for user in users if not user.has_password])
    return users


def save(row, count: str | None = None):
    """Store a row, and count it where a tally is kept."""
    return save_all([row], count)[0]


def save_all(rows: list, count: str | None = None) -> list:
    """Store rows in one transaction, and count them where a tally is kept."""
    with the_app().app_context(), transaction():
        db.session.add_all(rows)
        if count and (tally := db.session.get(Tally, count)):
            tally.amount += len(rows)
    return rows


def change(row, **columns):
    """Change a row behind the application's back."""
    with the_app().app_context(), transaction():
        stored = db.session.get(type(row), inspect(row).identity)
        for name, value in columns.items():
            setattr(stored, name, value)
    return stored


def reload(row):
    """Read a row again; a key comes with its owner."""
    with the_app().app_context():
        query = select(type(row)).where(type(row).id == row.id)
        return db.session.scalars(query.options(joinedload(ApiKey.owner)) if isinstance(row, ApiKey) else query).one()


def rows(model) -> list:
    """Read all rows of a table."""
    with the_app().app_context():
        return list(db.session.scalars(select(model)))

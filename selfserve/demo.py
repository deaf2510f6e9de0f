"""A made-up company for `make demo`: people of every role, keys in every state, ninety days of spend.

Everything goes through the services that real calls use; only times are moved back afterwards.
"""

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from selfserve.calls import CLIENT_LEFT, CallException
from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.models import ApiKey, Invitation, User
from selfserve.money import to_nanos
from selfserve.permissions import Actor, Client, Role
from selfserve.schemas.keys import KeyCreate, KeyRegenerate, KeyUpdate
from selfserve.schemas.spend import CallRecord
from selfserve.schemas.users import UserCreate, UserUpdate
from selfserve.services import invitations, key_changes, key_rotation, keys, passwords, spend, user_changes, users
from selfserve.services.actors import actor_of, master

PASSWORD = "a quiet demo of nothing real"  # noqa: S105 - of made-up people in a throw-away database
DAYS = 90
_ADMIN, _VIEWER, _USER, _READER = (
    Role.PROXY_ADMIN,
    Role.PROXY_ADMIN_VIEWER,
    Role.INTERNAL_USER,
    Role.INTERNAL_USER_VIEWER,
)
_PEOPLE = (
    ("Sam Okafor", "sam", _ADMIN, 100),
    ("Vera Novak", "vera", _VIEWER, 50),
    ("Dana Lindqvist", "dana", _USER, 50),
    ("Priya Shah", "priya", _USER, 200),
    ("Lee Wong", "lee", _USER, 20),
    ("Maya Adeyemi", "maya", _READER, 50),
    ("Rasmus Koch", "rasmus", _USER, 100),
)
_SIGN_IN = ("sam", "vera", "dana", "maya")
_INVITED = ("noor", "theo")
_MODELS = (
    ("gpt-5-mini", "openai", "0.25", "2.00"),
    ("claude-sonnet-4-5", "anthropic", "3.00", "15.00"),
    ("text-embedding-3-small", "openai", "0.02", "0"),
)
_OWN_MODEL = "summaries-preview", "in-house"
"""A model of the company's own, which nobody has given a price yet."""
_FAILURES = (429, 500, 502, 504)
_SOFT_BUDGETS = {"ci-nightly": 12, "search-ranking": 150}
_KEYS = (
    ("dana", "laptop", "90d", None, None),
    ("dana", "docs-search-indexer-production-eu", None, 5, ["text-embedding-3-small"]),
    ("dana", "ci-nightly", "6d", 20, ["gpt-5-mini", "claude-sonnet-4-5"]),
    ("dana", "notebook", "365d", None, ["claude-sonnet-4-5"]),
    ("dana", "eval-runner", "60d", 1, ["gpt-5-mini"]),
    ("dana", "hackathon", "90d", None, None),
    ("dana", "old-laptop", "30d", None, None),
    ("sam", "ops", "90d", None, None),
    ("priya", "search-ranking", "365d", 200, None),
    ("priya", "batch-labels", "90d", 50, ["gpt-5-mini"]),
    ("lee", "rank-eval", "90d", None, None),
    ("maya", "dashboard", "365d", 5, None),
    ("rasmus", "staging", None, None, None),
)
_CLIENTS = (
    ("10.0.8.21", "OpenAI/Python 2.8.0"),
    ("10.0.3.7", "python-requests/2.32.5"),
    ("10.0.3.9", "node-fetch/3.3.2"),
    ("192.0.2.44", "claude-cli/2.0.1"),
    ("2001:db8::17", "curl/8.14.1"),
)


def fill() -> list[tuple[str, str]]:
    """Fill an empty database; give the addresses and roles to sign in with."""
    sam = _make_people()
    made = {
        alias: _make_key(sam, who, alias, duration, budget, models) for who, alias, duration, budget, models in _KEYS
    }
    spend.record_calls([*_calls(random.Random(11), made)])  # noqa: S311 - a believable pattern, no secret
    _age(made)
    for alias, soft in _SOFT_BUDGETS.items():
        key_changes.update_key(sam, KeyUpdate(key=made[alias].id, soft_budget=soft))
    key_rotation.rotate_key(sam, KeyRegenerate(key=made["notebook"].id, grace_period="24h"))
    key_changes.block_key(sam, made["hackathon"].id)
    user_changes.update_user(sam, UserUpdate(user_id="rasmus", blocked=True))
    return [(f"{who}@acme.example", role.label) for _, who, role, _ in _PEOPLE if who in _SIGN_IN]


def _make_people() -> Actor:
    """Make the people with their passwords and invite two more; give the admin who does the rest."""
    operator = master(Client(source="cli"))
    for name, who, role, budget in _PEOPLE:
        users.create_user(
            operator,
            UserCreate(
                user_id=who,
                user_email=f"{who}@acme.example",
                user_alias=name,
                user_role=role,
                max_budget=budget,
                budget_duration="1mo",
            ),
            with_key=False,
        )
    password_hash = passwords.hash_password(PASSWORD)
    with transaction():
        people = update(User).where(User.is_reserved.is_(False))
        db.session.execute(people.values(password_hash=password_hash, password_changed_at=now(), last_login_at=now()))
    sam = actor_of(users.get_user_by_user_id(operator, "sam"), Client(source="web"))
    for who in _INVITED:
        users.create_user(sam, UserCreate(user_id=who, user_email=f"{who}@acme.example"), with_key=False)
        invitations.create_invitation(sam, who)
    return sam


def _make_key(
    sam: Actor, who: str, alias: str, duration: str | None, budget: int | None, models: list[str] | None
) -> ApiKey:
    """Make one key for somebody."""
    window = "1mo" if budget else None
    asked = KeyCreate(
        user_id=who, key_alias=alias, duration=duration, max_budget=budget, models=models, budget_duration=window
    )
    return keys.create_key(sam, asked).key


def _calls(dice: random.Random, made: dict[str, ApiKey]) -> list[CallRecord]:
    """Make up ninety days of calls: fewer at weekends, more lately, now and then one that fails."""
    calls: list[CallRecord] = []
    today = now()
    for days_ago in range(DAYS, -1, -1):
        day = today - timedelta(days=days_ago)
        for alias, key in made.items():
            busy = 0 if alias in ("hackathon", "dashboard") else dice.randint(0, 3 if day.weekday() > 4 else 7)
            count = busy * (2 if days_ago < DAYS // 2 else 1) // 2
            client = _CLIENTS[len(alias) % len(_CLIENTS)]
            calls += [_call(dice, key, day, f"demo-{alias}-{days_ago}-{number}", client) for number in range(count)]
    return calls


def _call(dice: random.Random, key: ApiKey, day: datetime, request_id: str, client: tuple[str, str]) -> CallRecord:
    """Make up one call with a key, at the price of its model; what is cached costs a tenth."""
    allowed = [model for model in _MODELS if not key.models or model[0] in key.models]
    name, provider, price_in, price_out = dice.choice(allowed)
    tokens_in, tokens_out = dice.randint(2_000, 60_000), dice.randint(200, 9_000) if price_out != "0" else 0
    cached = tokens_in * dice.choice((0, 0, 3, 7)) // 10 if tokens_out else 0
    paid = (10 * tokens_in - 9 * cached) * to_nanos(price_in) // 10 + tokens_out * to_nanos(price_out)
    went = _went(dice, key) | {"latency_ms": 180 + tokens_in // 200 + tokens_out * dice.randint(6, 11)}
    told = {
        "model": name,
        "provider": provider,
        "cost": paid // 1_000_000,
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "cached_tokens": cached,
    }
    return CallRecord(
        request_id=request_id,
        key_id=key.id,
        started_at=min(day, now()) - timedelta(minutes=dice.randint(1, 50)),
        address=client[0],
        user_agent=client[1],
        **(told | went),
    )


def _went(dice: random.Random, key: ApiKey) -> dict[str, Any]:
    """Say how a call went: nearly always well, now and then it failed, was left or has no price."""
    fate = dice.random()
    if fate < 0.01:
        nothing = {"cost": 0, "completion_tokens": 0, "cached_tokens": 0}
        return nothing | {"status": dice.choice(_FAILURES), "is_failed": True}
    if fate < 0.015:
        return {"status": CLIENT_LEFT, "exception": CallException.USAGE_ESTIMATED}
    if fate < 0.03 and not key.models:
        model, provider = _OWN_MODEL
        unknown = {"model": model, "provider": provider, "cost": 0, "exception": CallException.PRICE_UNKNOWN}
        return unknown | {"status": 200}
    return {"status": 200}


def _age(made: dict[str, ApiKey]) -> None:
    """Move times back, so that the company looks lived in."""
    moment = now()
    with transaction():
        for number, (alias, key) in enumerate(made.items()):
            used = None if alias in ("hackathon", "dashboard") else moment - timedelta(minutes=4 + 97 * number)
            changes: dict[str, datetime | str | None] = {
                "created_at": moment - timedelta(days=80 - number),
                "last_used_at": used,
                "secret_used_at": used,
            }
            if used:
                changes["last_address"], changes["last_agent"] = _CLIENTS[number % len(_CLIENTS)]
            if alias == "old-laptop":
                changes["expires_at"] = moment - timedelta(days=3)
            db.session.execute(update(ApiKey).where(ApiKey.id == key.id).values(**changes))
        for number, user_id in enumerate([*_INVITED, *(who for _, who, _, _ in reversed(_PEOPLE))]):
            arrived = moment - timedelta(days=2 + 15 * number)
            db.session.execute(update(User).where(User.user_id == user_id).values(created_at=arrived))
        theo = db.session.query(User.id).where(User.user_id == "theo").scalar_subquery()
        db.session.execute(
            update(Invitation).where(Invitation.user_pk == theo).values(expires_at=moment - timedelta(days=1))
        )

"""Why a call was refused: what its error says, and what keeps the key that it names from being used now."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import CompoundSelect, or_, select, union

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.minting import KEY_PREFIX, fingerprint, is_well_formed, tail
from selfserve.models import ApiKey, FormerSecret
from selfserve.models.api_key import shown_prefix
from selfserve.permissions import Actor, Permission
from selfserve.routes import CHAT, opens
from selfserve.services.actors import require
from selfserve.services.holds import holding, holds
from selfserve.services.key_names import are_within_reach
from selfserve.services.keys import every_key

MOST_KEYS = 5
_WHOLE = re.compile(r"sk-[A-Za-z0-9_-]{17,}")
_ALONE = re.compile(r"\s*(sk-[!-~]{17,})\s*")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_END = re.compile(r"(?:\.{3}|…)([A-Za-z0-9_-]{4})\b|^\s*([!-~]{4})\s*$")


class Cause(StrEnum):
    """Why a call is refused; of a key, what is looked at first comes first."""

    NO_KEY = "no_key"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    DELETED = "deleted"
    OWNER_BLOCKED = "owner_blocked"
    KEY_BLOCKED = "key_blocked"
    ROTATED = "rotated"
    EXPIRED = "expired"
    ROUTE = "route"
    MASTER = "master"
    MODEL = "model"
    NOT_SERVED = "not_served"
    HELD = "held"
    BUDGET = "budget"
    KEY_BUDGET = "key_budget"
    OWNER_BUDGET = "owner_budget"
    RATE = "rate"
    PARALLEL = "parallel"
    UNREADABLE = "unreadable"
    UPSTREAM = "upstream"
    UPSTREAM_RATE = "upstream_rate"
    NOT_THERE = "not_there"
    UNREACHED = "unreached"
    TIMEOUT = "timeout"
    NO_UPSTREAM = "no_upstream"
    BUSY = "busy"


_SAID: tuple[tuple[Cause, str], ...] = (
    (Cause.NO_KEY, r"no api key passed"),
    (Cause.MALFORMED, r"must start with .{0,2}sk-|too long to be one"),
    (Cause.UNKNOWN, r"token_not_found_in_db|unable to find it"),
    (Cause.ROTATED, r"expired key.{0,40}rotated|secret was rotated"),
    (Cause.EXPIRED, r"expired_key|expired key"),
    (Cause.KEY_BLOCKED, r"key is blocked"),
    (Cause.OWNER_BLOCKED, r"user is blocked"),
    (Cause.ROUTE, r"key may only call"),
    (Cause.MASTER, r"master key"),
    (Cause.MODEL, r"model_access_denied|model_not_allowed"),
    (Cause.NOT_SERVED, r"no upstream serves"),
    (Cause.HELD, r"is held by calls"),
    (Cause.KEY_BUDGET, r"budget has been exceeded!? key="),
    (Cause.OWNER_BUDGET, r"budget has been exceeded!? user=|exceededbudget: user="),
    (Cause.BUDGET, r"budget_exceeded|budget has been exceeded"),
    (Cause.PARALLEL, r"limit type: parallel"),
    (Cause.UPSTREAM_RATE, r"server is asked too much"),
    (Cause.RATE, r"throttling_error|rate limit|\b429\b"),
    (Cause.TIMEOUT, r"upstream_timeout|\b504\b"),
    (Cause.UPSTREAM, r"upstream_error|\b502\b"),
    (Cause.NO_UPSTREAM, r"upstream_base_url"),
    (Cause.BUSY, r"service_unavailable_error|\b503\b|as many calls as this portal"),
    (Cause.NOT_THERE, r"not_found|\b404\b"),
    (Cause.UNREADABLE, r"bad_request_error|validation_error|\b4(?:00|13|15|22)\b"),
    (Cause.UNREACHED, r"connection (?:error|refused)|could not (?:connect|resolve)|failed to connect|connecterror"),
)
"""What the documented refusals say, the words of one before those that it shares with another."""


@dataclass(frozen=True)
class KeyState:
    """A key that was named, by which of its former secrets if by one, and what keeps it from being used now."""

    key: ApiKey
    former: FormerSecret | None
    causes: list[Cause]

    def reasons(self, said: Cause | None) -> list[Cause]:
        """Give the reasons to tell: those of now, after what an error said that a look at the key cannot tell."""
        is_seen = said in (None, Cause.UNKNOWN, Cause.BUDGET) or said in self.causes
        return [*([] if is_seen or said is None else [said]), *self.causes]


@dataclass(frozen=True)
class Explanation:
    """What is to be said of a refusal. What was pasted is not in it, of a whole key only its ends."""

    cause: Cause | None
    states: list[KeyState]
    names_key: bool
    whole_key: str | None
    is_damaged: bool


@dataclass(frozen=True)
class _Names:
    """The keys that a text names: by hash, by id, by their last four letters."""

    tokens: list[str]
    ids: list[str]
    tails: list[str]

    def __bool__(self) -> bool:
        return bool(self.tokens or self.ids or self.tails)


def explain_refusal(actor: Actor, pasted: str) -> Explanation:
    """Explain what a refused call printed. Keys are found within the actor's reach, by their ends only their own."""
    require(actor, Permission.KEY_READ)
    secrets = _secrets_in(pasted)
    names = _names_in(pasted, secrets)
    states = _find_states(actor, names) if names else []
    whole = f"{shown_prefix(secrets[0])}…{tail(secrets[0])}" if secrets else None
    is_damaged = any(secret.startswith(KEY_PREFIX) and not is_well_formed(secret) for secret in secrets)
    return Explanation(_cause_in(pasted), states, bool(names), whole, is_damaged)


def _cause_in(pasted: str) -> Cause | None:
    """Tell which of the documented refusals a text is."""
    return next((cause for cause, words in _SAID if re.search(words, pasted, re.IGNORECASE)), None)


def _secrets_in(pasted: str) -> list[str]:
    """Find whole keys in a text; one that stands alone may hold any sign."""
    alone = _ALONE.fullmatch(pasted)
    return ([alone[1]] if alone else list(dict.fromkeys(_WHOLE.findall(pasted))))[:MOST_KEYS]


def _names_in(pasted: str, secrets: list[str]) -> _Names:
    """Find what names a key."""
    hashes = [*map(fingerprint, secrets), *_HASH.findall(pasted)]
    ends = [first or alone for first, alone in _END.findall(pasted)]
    return _Names(hashes[:MOST_KEYS], _ID.findall(pasted)[:MOST_KEYS], ends[:MOST_KEYS])


def _find_states(actor: Actor, names: _Names) -> list[KeyState]:
    """Read the keys that are named, the deleted ones, too."""
    rows = every_key().where(are_within_reach(actor, Permission.KEY_READ), ApiKey.id.in_(_named(actor, names)))
    rows = rows.order_by(ApiKey.deleted_at.is_not(None), ApiKey.created_at.desc(), ApiKey.id).limit(MOST_KEYS)
    keys = [holding(*row) for row in db.session.execute(rows.add_columns(*holds(ApiKey)))]
    meant = or_(FormerSecret.token.in_(names.tokens), FormerSecret.tail.in_(names.tails))
    theirs = select(FormerSecret).where(FormerSecret.key_id.in_([key.id for key in keys]), meant)
    found = db.session.scalars(theirs.order_by(FormerSecret.rotated_at)) if keys else ()
    formers = {former.key_id: former for former in found}
    return [_state(key, formers.get(key.id), names) for key in keys]


def _named(actor: Actor, names: _Names) -> CompoundSelect[Any]:
    """Find the ids of the keys that are meant; each part is answered by an index."""
    own = ApiKey.owner_id == actor.id
    by_end = select(FormerSecret.key_id).join(ApiKey, ApiKey.id == FormerSecret.key_id)
    return union(
        select(ApiKey.id).where(ApiKey.token.in_(names.tokens)),
        select(ApiKey.id).where(ApiKey.id.in_(names.ids)),
        select(ApiKey.id).where(own, ApiKey.tail.in_(names.tails)),
        select(FormerSecret.key_id).where(FormerSecret.token.in_(names.tokens)),
        by_end.where(own, FormerSecret.tail.in_(names.tails)),
    )


def _state(key: ApiKey, former: FormerSecret | None, names: _Names) -> KeyState:
    """Tell what keeps a key from being used now; the secret it has wins over one that it had."""
    is_current = key.token in names.tokens or key.id in names.ids or key.tail in names.tails
    former = None if is_current else former
    return KeyState(key, former, list(_causes(key, former)))


def _causes(key: ApiKey, former: FormerSecret | None) -> Iterator[Cause]:
    """Go through what is looked at when a key calls a model, in that order."""
    owner = key.owner
    found = {
        Cause.DELETED: key.deleted_at is not None,
        Cause.KEY_BLOCKED: key.is_blocked,
        Cause.OWNER_BLOCKED: owner.is_blocked or owner.deleted_at is not None,
        Cause.ROTATED: former is not None and former.ends_at <= now(),
        Cause.EXPIRED: key.is_expired,
        Cause.ROUTE: not opens(key.allowed_routes, CHAT),
        Cause.KEY_BUDGET: key.is_over_budget,
        Cause.OWNER_BUDGET: owner.is_over_budget,
    }
    return (cause for cause, is_so in found.items() if is_so)

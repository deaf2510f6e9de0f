"""What a key may do at most: never more than its owner, than the key that made it, or than an admin allowed (S-7)."""

from datetime import datetime
from typing import Any

from selfserve.clock import after
from selfserve.errors import Forbidden, Invalid
from selfserve.minting import KEY_PREFIX, is_well_formed
from selfserve.models import ApiKey, User
from selfserve.money import to_dollars
from selfserve.permissions import (
    ADMIN_ONLY_KEY_FIELDS,
    Actor,
    KeyGrant,
    Limits,
    Permission,
    Reach,
    Role,
    reach,
)
from selfserve.proofs import Sensitive
from selfserve.routes import opens
from selfserve.schemas.keys import KeyCreate, KeyFields, KeyRegenerate, KeyUpdate
from selfserve.services.actors import require_proof

SHORTEST_KEY = 32
FEWEST_LETTERS = 10
NUMBERS = ("max_budget", "tpm_limit", "rpm_limit", "max_parallel_requests")
ROUTES_OF_TYPE = {
    "llm_api": ["llm_api_routes"],
    "management": ["management_routes"],
    "read_only": ["info_routes"],
    "default": [],
}


def refuse_admin_fields(actor: Actor, command: KeyCreate | KeyUpdate | KeyRegenerate) -> None:
    """Refuse a documented field that only an admin may set, unless it says what would be so anyway (S-5)."""
    if is_admin(actor):
        return
    own_identifier = None if isinstance(command, KeyCreate) else "key"
    for field in ADMIN_ONLY_KEY_FIELDS:
        if field != own_identifier and getattr(command, field, None) and field in command.model_fields_set:
            raise Forbidden(f"Your role {actor.role} may not set {field}. Leave it out, or ask an admin.", param=field)
    if getattr(command, "key_type", None) == "management":
        raise Forbidden(f"Your role {actor.role} may not make management keys. Leave key_type out.", param="key_type")


def checked_custom_key(secret: str) -> str:
    """Accept a key that an admin chose (S-17).

    Raises Invalid when it could be guessed, or looks like one of ours and is not.
    """
    if not secret.startswith("sk-") or len(secret) < SHORTEST_KEY or len(set(secret)) < FEWEST_LETTERS:
        raise Invalid(
            f"key must start with sk-, have {SHORTEST_KEY} characters or more and {FEWEST_LETTERS} different ones.",
            param="key",
        )
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise Invalid("key must be plain ASCII without spaces.", param="key")
    if secret.startswith(KEY_PREFIX) and not is_well_formed(secret):
        raise Invalid(f"key begins with {KEY_PREFIX} but its checksum is wrong. Choose another.", param="key")
    return secret


def is_admin(actor: Actor) -> bool:
    """Tell whether the actor may change anyone's keys."""
    return reach(actor.role, Permission.KEY_UPDATE) is Reach.ANYONES


def limits_of_new_key(command: KeyCreate, owner: User, maker: KeyGrant | None, moment: datetime) -> dict[str, Any]:
    """Give a new key's limits: as asked, inherited from the key that makes it, refused where they exceed.

    Raises Invalid on the field that asks for too much.
    """
    most = maker.limits if maker else Limits()
    limits: dict[str, Any] = {
        "models": command.models or list(most.models) or list(owner.models),
        "expires_at": after(command.duration, moment) if command.duration else most.expires_at,
        "allowed_routes": _routes(command, maker),
    }
    inherits = command.max_budget is None and command.budget_duration is None
    limits["budget_duration"] = most.budget_duration if inherits else command.budget_duration
    for name in NUMBERS:
        value = getattr(command, name)
        limits[name] = getattr(most, name) if value is None else value
    _check(limits, limits_of(owner), "your own limit" if maker is None else "the limit of the key's owner")
    _check(limits, most, "the limit of the key that makes it")
    _check_window(limits, most, "the key that makes it")
    return limits


def limits_of(thing: User | ApiKey) -> Limits:
    """Give the limits that a row sets."""
    return Limits(
        tuple(thing.models),
        thing.max_budget,
        thing.budget_duration,
        thing.tpm_limit,
        thing.rpm_limit,
        thing.max_parallel_requests,
        getattr(thing, "expires_at", None),
    )


def check_change(actor: Actor, key: ApiKey, parent: ApiKey | None, changed: dict[str, Any]) -> None:
    """Refuse a change that exceeds the owner, the key that made it or that is used, or an admin's limit (S-7, S-7f)."""
    _check(changed, limits_of(key.owner), "the limit of the key's owner")
    if parent and not is_admin(actor):
        _check(changed, limits_of(parent), "the limit of the key that made it", clearing_exceeds=True)
        _check_window(changed, limits_of(parent), "the key that made it")
    if actor.key:
        _check(changed, actor.key.limits, "the limit of the key you came with", clearing_exceeds=True)
        _check_window(changed, actor.key.limits, "the key you came with")
    if not is_admin(actor):
        _check(changed, _admins_limits(key), "the limit an admin set", clearing_exceeds=True)
        if (
            "max_budget" in key.admin_limits
            and changed.get("budget_duration", key.budget_duration) != key.budget_duration
        ):
            raise Invalid(
                "budget_duration stays as it is: an admin set the budget of this key.", param="budget_duration"
            )


def refuse_wider_secret(actor: Actor, key: ApiKey) -> None:
    """Refuse to hand whoever came with one key the secret of another that may do more (S-7)."""
    if actor.key is None or actor.key.id == key.id:
        return
    limits = limits_of(key)
    asked = {name: getattr(limits, name) for name in (*NUMBERS, "budget_duration", "models", "expires_at")}
    _check(asked, actor.key.limits, "the limit of the key you came with", clearing_exceeds=True)
    _check_window(asked, actor.key.limits, "the key you came with")
    own = actor.key.allowed_routes
    if own and (not key.allowed_routes or any(route not in own for route in key.allowed_routes)):
        raise Forbidden("allowed_routes: more than the key you came with may call.", param="allowed_routes")


def require_proof_for_secret(actor: Actor, owner: User, allowed_routes: list[str]) -> None:
    """Want proof before a secret is shown that does what an admin may: by curl it needs none (S-39)."""
    if owner.role == Role.PROXY_ADMIN and opens(allowed_routes, "/user/update"):
        require_proof(actor, Sensitive.ADMIN_KEY)


def note_admin_limits(actor: Actor, key: ApiKey, changed: dict[str, Any]) -> None:
    """Remember which limits came from wider reach than the owner's; needs an open transaction."""
    if not is_admin(actor) or actor.id == key.owner_id:
        return
    kept = dict(key.admin_limits)
    for name in (*NUMBERS, "models", "expires_at"):
        if name in changed:
            value = changed[name].isoformat() if isinstance(changed[name], datetime) else changed[name]
            kept.pop(name, None)
            if value not in (None, []):
                kept[name] = value
    key.admin_limits = kept


def _admins_limits(key: ApiKey) -> Limits:
    """Read the limits that an admin set."""
    kept = dict(key.admin_limits)
    if "expires_at" in kept:
        kept["expires_at"] = datetime.fromisoformat(kept["expires_at"])
    return Limits(**kept)


def _check(asked: dict[str, Any], most: Limits, whose: str, *, clearing_exceeds: bool = False) -> None:
    """Compare what is asked with the most that is allowed; a cleared limit means no limit."""
    if most.models and "models" in asked:
        extra = [model for model in asked["models"] if model not in most.models]
        if extra or (clearing_exceeds and not asked["models"]):
            named = f"{extra[0]!r} is" if extra else "All models are"
            raise Invalid(f"models: {named} more than {whose}: {', '.join(most.models)}.", param="models")
    for name in (*NUMBERS, "expires_at"):
        allowed, value = getattr(most, name), asked.get(name)
        exceeds = value > allowed if value is not None and allowed is not None else clearing_exceeds and name in asked
        if allowed is not None and exceeds:
            raise Invalid(f"{_words(name)} is more than {whose}, {_shown(name, allowed)}.", param=_wire(name))


def _check_window(asked: dict[str, Any], most: Limits, whose: str) -> None:
    """Refuse that a budget that is bounded starts again more often, or at other times; never again is always less."""
    window = asked.get("budget_duration")
    if most.max_budget is not None and window not in (None, most.budget_duration):
        usual = most.budget_duration or "never"
        raise Invalid(f"budget_duration: {window} is not that of {whose}, {usual}.", param="budget_duration")


def _routes(command: KeyFields, maker: KeyGrant | None) -> list[str]:
    """Give the routes of a new key, never wider than those of the key that makes it."""
    asked = command.allowed_routes or ROUTES_OF_TYPE[getattr(command, "key_type", None) or "default"]
    if maker is None or not maker.allowed_routes:
        return list(asked)
    if any(route not in maker.allowed_routes for route in asked):
        raise Forbidden("allowed_routes: more than the key that makes it may call.", param="allowed_routes")
    return list(asked or maker.allowed_routes)


def _wire(name: str) -> str:
    """Give the field that the caller knows a limit by."""
    return "duration" if name == "expires_at" else name


def _words(name: str) -> str:
    """Call a limit by a name that reads well in a sentence."""
    return {"max_budget": "max_budget", "expires_at": "The expiry"}.get(name, name)


def _shown(name: str, value: Any) -> str:
    """Write a limit for people."""
    if name == "max_budget":
        return f"${to_dollars(value):,.2f}"
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else f"{value:,}"

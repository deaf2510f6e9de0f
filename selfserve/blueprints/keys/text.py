"""A key as a terminal shows it: an aligned table of what the JSON answer holds, so without its secret."""

from collections.abc import Iterator

from selfserve.schemas.keys import KeyAnswer, KeyInfo
from selfserve.web.words import ago, exact, is_past, left, money, number, per_window


def as_table(answer: KeyInfo) -> str:
    """Write one line per fact."""
    return "\n".join(f"{name:<10}  {said}" for name, said in _facts(answer.info))


def _facts(key: KeyAnswer) -> Iterator[tuple[str, str]]:
    """Say what there is to say, in the words of the pages."""
    yield "name", key.key_alias or "Unnamed key"
    yield "key", key.key_name or ""
    yield "status", key.status.replace("_", " ")
    yield "owner", key.user_id
    yield "models", ", ".join(key.models) or "all models"
    yield "spend", _spend(key)
    if key.soft_budget is not None:
        yield "warns at", money(key.soft_budget)
    if key.budget_reset_at:
        yield "resets", f"{exact(key.budget_reset_at)}, in {left(key.budget_reset_at)}"
    yield from _limits(key)
    yield "expires", _expiry(key)
    yield "last used", f"{exact(key.last_active)}, {ago(key.last_active).lower()}" if key.last_active else "never"
    if key.last_rotation_at:
        yield "rotated", exact(key.last_rotation_at)
    if key.grace_ends_at and not is_past(key.grace_ends_at):
        yield "old secret", f"works until {exact(key.grace_ends_at)}"
    yield "created", exact(key.created_at)
    yield "id", key.id or ""


def _spend(key: KeyAnswer) -> str:
    """Say what was spent, and of how much."""
    if key.max_budget is None:
        return money(key.spend)
    return f"{money(key.spend)} of {money(key.max_budget)} {per_window(key.budget_duration)}"


def _limits(key: KeyAnswer) -> Iterator[tuple[str, str]]:
    """Say the limits that are set."""
    limits = ((key.rpm_limit, "requests a minute"), (key.tpm_limit, "tokens a minute"))
    said = [f"{number(limit)} {what}" for limit, what in limits if limit is not None]
    if said:
        yield "limits", ", ".join(said)


def _expiry(key: KeyAnswer) -> str:
    """Say when it ends or ended."""
    if key.expires is None:
        return "never"
    return f"{exact(key.expires)}, " + ("over" if is_past(key.expires) else f"in {left(key.expires)}")

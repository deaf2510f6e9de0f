"""Spend as the rows of a file: one for each day, key and model."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from selfserve.clock import Days
from selfserve.errors import Invalid
from selfserve.extensions import db
from selfserve.models import ApiKey, DailySpend, User
from selfserve.money import to_dollars
from selfserve.permissions import Actor
from selfserve.schemas.spend import SpendFilter
from selfserve.services.spend_overview import choose
from selfserve.services.spend_sums import SUMMED, within

MOST_EXPORTED = 50_000
HEADER = ("day", "user_id", "key_id", "key_alias", "model", *SUMMED)


@dataclass(frozen=True)
class Export:
    """The rows of a file, and the days that they tell of."""

    rows: list[tuple[object, ...]]
    days: Days


def export_days(actor: Actor, wanted: SpendFilter) -> Export:
    """Read what the spend page sums up, oldest day first; `spend` in dollars, exact.

    Raises Invalid for more rows than a file holds, and what `choose` raises.
    """
    _owner, whose, span = choose(actor, wanted)
    some = select(DailySpend).where(*whose, within(span.days)).limit(MOST_EXPORTED + 1).subquery()
    place = some.c.day, User.user_id, some.c.key_id, ApiKey.alias, some.c.model
    rows = select(*place, *[some.c[name] for name in SUMMED]).join(ApiKey, ApiKey.id == some.c.key_id)
    found = db.session.execute(rows.join(User, User.id == some.c.user_pk).order_by(*place)).all()
    if len(found) > MOST_EXPORTED:
        raise Invalid(f"That is more than {MOST_EXPORTED:,} rows, which is the most a file holds. Choose fewer days.")
    return Export([_row(*columns) for columns in found], span.days)


def _row(day: Any, user_id: str, key_id: str, alias: str | None, model: str, spend: int, *rest: int) -> Any:
    """Write a row as the header says."""
    return day.isoformat(), user_id, key_id, alias or "", model, f"{to_dollars(spend):f}", *rest

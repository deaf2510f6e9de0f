"""Spend per day with its breakdown, as the API tells it: from the daily sums only, bounded whatever is asked."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select

from selfserve.clock import Days
from selfserve.database import begin_snapshot
from selfserve.errors import Invalid
from selfserve.extensions import db
from selfserve.models import ApiKey, DailySpend, User
from selfserve.permissions import Actor
from selfserve.schemas.spend import ActivityFilter
from selfserve.services.key_names import named
from selfserve.services.spend_sums import Sums, add_up, are_within_reach, read_sums, sums_of, within

Facts = TypeVar("Facts")
MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is said of a key beside its figures."""

    key_alias: str | None
    user_id: str
    user_email: str | None
    key_exists: bool


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is said of a person beside their figures."""

    user_email: str | None
    user_alias: str | None


@dataclass(frozen=True, slots=True)
class Part(Generic[Facts]):
    """The figures of a key or a person on one day."""

    metrics: Sums
    metadata: Facts


@dataclass(slots=True)
class ModelPart:
    """The figures of a model on one day, and of its keys by their hashes."""

    metrics: Sums = field(default_factory=Sums)
    api_key_breakdown: dict[str, Part[KeyFacts]] = field(default_factory=dict)


@dataclass
class Breakdown:
    """The parts of one day, by the name of the model, the hash of the key and the id of the person."""

    models: dict[str, ModelPart] = field(default_factory=dict)
    api_keys: dict[str, Part[KeyFacts]] = field(default_factory=dict)
    entities: dict[str, Part[PersonFacts]] = field(default_factory=dict)


@dataclass(frozen=True)
class DayActivity:
    """One day."""

    date: date
    metrics: Sums
    breakdown: Breakdown


@dataclass(frozen=True)
class Activity:
    """Some days of a range, newest first, with the figures of the whole range."""

    results: list[DayActivity]
    total: Sums
    total_days: int
    total_keys: int


def list_days(actor: Actor, query: ActivityFilter, *, page: int = 1, size: int | None = None) -> Activity:
    """List the days of a range that have calls, or one page of them; a day is never split over two.

    Only the `api_key_limit` keys and people that spent the most are named; days and models count all. Raises Forbidden
    for somebody else's `user_id`, Invalid when there is more to name than an answer holds.
    """
    whose = [*are_within_reach(actor, query.user_id), *_filtered(query)]
    begin_snapshot()
    told = db.session.execute(_per_day([*whose, within(query.days)])).all()
    every = {day: read_sums(sums) for day, _keys, *sums in told}
    wanted = [*every][(page - 1) * size : page * size] if size else [*every]
    parts = _read_parts([*whose, within(query.days)], wanted, query.api_key_limit)
    results = [DayActivity(day, every[day], parts[day]) for day in wanted]
    return Activity(results, add_up(every.values()), len(every), told[0][1] if told else 0)


def _filtered(query: ActivityFilter) -> Iterable[Any]:
    """Say the filters as conditions; a key is meant by its secret, its hash or its id, also when it was deleted."""
    if query.model is not None:
        yield DailySpend.model == query.model
    if query.api_key is not None:
        yield DailySpend.key_id == select(ApiKey.id).where(named(query.api_key)).scalar_subquery()


def _per_day(meant: list[Any]) -> Select[Any]:
    """Sum up each day, newest first; beside it how many keys there were in all."""
    keys = select(func.count(DailySpend.key_id.distinct())).where(*meant).scalar_subquery()
    return (
        select(DailySpend.day, keys, *sums_of()).where(*meant).group_by(DailySpend.day).order_by(DailySpend.day.desc())
    )


def _read_parts(meant: list[Any], days: list[date], limit: int) -> dict[date, Breakdown]:
    """Read what the days consist of, whatever spent the most first."""
    parts: dict[date, Breakdown] = defaultdict(Breakdown)
    if days:
        shown = within(Days(days[-1], days[0]))
        facts: dict[str, KeyFacts] = {}
        for row in _bounded(_per_model_and_key(meant, shown, limit)):
            _put_key(parts[row.day], row, facts)
        for row in _bounded(_per_person(meant, shown, limit)):
            parts[row.day].entities[row.user_id] = Part(read_sums(row), PersonFacts(row.email, row.alias))
    return parts


def _bounded(rows: Select[Any]) -> Iterable[Any]:
    """Read rows, or refuse what would be too much at once rather than leave some out."""
    found = db.session.execute(rows.limit(MOST_ENTRIES + 1)).all()
    if len(found) > MOST_ENTRIES:
        raise Invalid(
            f"These days have more than {MOST_ENTRIES:,} entries. Ask for fewer days (page_size, start_date, end_date) "
            "or for fewer keys (api_key_limit)."
        )
    return found


def _top(column: Any, meant: list[Any], limit: int) -> Any:
    """Select the keys or people that spent the most."""
    most = func.sum(DailySpend.spend).desc(), func.sum(DailySpend.requests).desc(), column
    return select(column.label("top")).where(*meant).group_by(column).order_by(*most).limit(limit).subquery()


def _per_model_and_key(meant: list[Any], shown: Any, limit: int) -> Select[Any]:
    """Sum up each model of each day per key; the keys that are not named come as one without a name."""
    top = _top(DailySpend.key_id, meant, limit)
    place = DailySpend.day, DailySpend.model, top.c.top
    sums = select(*place, *sums_of()).outerjoin(top, top.c.top == DailySpend.key_id)
    rows = sums.where(*meant, shown).group_by(*place).subquery()
    facts = rows.c.day, rows.c.model, ApiKey.token, ApiKey.alias, ApiKey.deleted_at, User.user_id, User.email
    joined = select(*facts, *[*rows.c][3:]).outerjoin(ApiKey, ApiKey.id == rows.c.top)
    return joined.outerjoin(User, User.id == ApiKey.owner_id).order_by(rows.c.spend.desc(), rows.c.model, ApiKey.token)


def _per_person(meant: list[Any], shown: Any, limit: int) -> Select[Any]:
    """Sum up each day per person, for those who spent the most."""
    top = _top(DailySpend.user_pk, meant, limit)
    sums = select(DailySpend.day, top.c.top, *sums_of()).join(top, top.c.top == DailySpend.user_pk)
    rows = sums.where(*meant, shown).group_by(DailySpend.day, top.c.top).subquery()
    facts = rows.c.day, User.user_id, User.email, User.alias
    return select(*facts, *[*rows.c][2:]).join(User, User.id == rows.c.top).order_by(rows.c.spend.desc(), User.user_id)


def _put_key(day: Breakdown, row: Any, facts: dict[str, KeyFacts]) -> None:
    """Put the figures of a model and key where the documented answer has them; what is said of a key is kept once."""
    sums = read_sums(row)
    model = day.models.setdefault(row.model, ModelPart())
    model.metrics += sums
    if row.token is not None:
        said = facts.setdefault(row.token, KeyFacts(row.alias, row.user_id, row.email, row.deleted_at is None))
        model.api_key_breakdown[row.token] = Part(sums, said)
        key = day.api_keys.get(row.token)
        day.api_keys[row.token] = Part(key.metrics + sums if key else sums, said)

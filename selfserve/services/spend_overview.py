"""What the spend page shows: somebody's spend or everyone's, over a range, by day, model, key and person."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from selfserve.clock import Days
from selfserve.database import begin_snapshot
from selfserve.errors import Forbidden, NotFound, Unauthenticated
from selfserve.extensions import db
from selfserve.models import ApiKey, DailySpend, User
from selfserve.permissions import Actor
from selfserve.schemas.spend import SpendFilter
from selfserve.services.holds import find_person
from selfserve.services.spend_days import DaysByModel, read_days
from selfserve.services.spend_ranges import Range, range_of
from selfserve.services.spend_sums import Sums, add_up, read_sums, sees_all_spend, sums_of, within

MOST_ROWS = 20


@dataclass(frozen=True)
class Share:
    """One row of a table: a model, a key or a person, and what they spent. `id` leads on, where there is a page."""

    name: str
    sums: Sums
    id: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Shares:
    """Whatever spent the most, and how many there are besides, which spent the rest."""

    rows: list[Share]
    others: int
    rest: Sums

    @property
    def count(self) -> int:
        """How many there are in all."""
        return len(self.rows) + self.others


@dataclass(frozen=True)
class Overview:
    """The spend of `owner`, or everyone's where there is none."""

    owner: User | None
    range: Range
    by_day: DaysByModel
    total: Sums
    models: Shares
    keys: Shares
    people: Shares | None

    @property
    def is_budget(self) -> bool:
        """Whether the sum of the days is what counts against the budget now."""
        if self.owner is None or self.owner.window is None or self.range.name not in ("month", "period"):
            return False
        return self.range.axis.first == self.owner.window.start.date() and self.owner.spend == self.total.spend


def give_overview(actor: Actor, wanted: SpendFilter) -> Overview:
    """Sum up what the page shows, all of it as of one moment. Raises what `choose` raises."""
    owner, whose, span = choose(actor, wanted)
    by_day = read_days(whose, span.days, span.before)
    total = by_day.total
    return Overview(
        owner,
        span,
        by_day,
        total,
        _models(by_day, total),
        _keys(whose, span.days, total),
        None if owner else _people(span.days, total),
    )


def choose(actor: Actor, wanted: SpendFilter) -> tuple[User | None, list[Any], Range]:
    """Find whose spend is asked for, None for everyone's, with the conditions that say so, and of which days.

    Begins a snapshot. Raises Forbidden for who names somebody else without the reach, NotFound for an unknown person.
    """
    sees_all = sees_all_spend(actor)
    if not sees_all and (wanted.scope or wanted.user not in (None, actor.id)):
        raise Forbidden("You can only see your own spend.", param="user" if wanted.user else "scope")
    begin_snapshot()
    owner = None if wanted.scope else _get_owner(actor, wanted.user or actor.id)
    return owner, [DailySpend.user_pk == owner.id] if owner else [], range_of(wanted, owner)


def _get_owner(actor: Actor, row_id: str) -> User:
    """Get whose spend is meant; what somebody spent stays when they are deleted."""
    owner = find_person(row_id)
    if owner is None:
        raise Unauthenticated("Please sign in again.") if row_id == actor.id else NotFound("There is no such user.")
    return owner


def _models(by_day: DaysByModel, total: Sums) -> Shares:
    """Give the models that spent the most."""
    rows = [Share(model, sums) for model, sums in by_day.models if model is not None]
    return _shares(rows, by_day.model_count, total)


def _keys(whose: list[Any], days: Days, total: Sums) -> Shares:
    """Read the keys that spent the most, the deleted ones too; among everyone's each with its owner's name."""
    top = _top(DailySpend.key_id, whose, days)
    rows = select(ApiKey, User, top).join(top, top.c.id == ApiKey.id).join(User, User.id == ApiKey.owner_id)
    found = db.session.execute(rows.order_by(top.c.place)).all()
    shares = [
        Share(
            key.name,
            read_sums(row),
            None if key.deleted_at else key.id,
            _note("" if whose else owner.name, is_deleted=bool(key.deleted_at)),
        )
        for key, owner, *row in found
    ]
    return _shares(shares, found[0].of if found else 0, total)


def _people(days: Days, total: Sums) -> Shares:
    """Read who spent the most, the deleted ones too."""
    top = _top(DailySpend.user_pk, [], days)
    found = db.session.execute(select(User, top).join(top, top.c.id == User.id).order_by(top.c.place)).all()
    shares = [
        Share(user.name, read_sums(row), user.id, _note(user.email or "", is_deleted=bool(user.deleted_at)))
        for user, *row in found
    ]
    return _shares(shares, found[0].of if found else 0, total)


def _note(words: str, *, is_deleted: bool) -> str:
    """Say what stands under a name."""
    return f"{words}, deleted" if words and is_deleted else "Deleted" if is_deleted else words


def _top(column: Any, whose: list[Any], days: Days) -> Any:
    """Select the keys or people that spent the most, with their place and how many there are in all."""
    most = func.sum(DailySpend.spend).desc(), func.sum(DailySpend.requests).desc(), column
    place = func.row_number().over(order_by=most).label("place")
    rows = select(column.label("id"), place, func.count().over().label("of"), *sums_of())
    return rows.where(*whose, within(days)).group_by(column).order_by(*most).limit(MOST_ROWS).subquery()


def _shares(rows: list[Share], count: int, total: Sums) -> Shares:
    """Make a table whose last row is the rest, so that it adds up to the total."""
    return Shares(rows, count - len(rows), total - add_up(share.sums for share in rows))

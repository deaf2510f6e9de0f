"""What every sum of spend holds, where sums are read, and whose spend somebody may look at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from selfserve.clock import Days
from selfserve.errors import Forbidden
from selfserve.models import Call, DailySpend, User
from selfserve.permissions import Actor, Permission, Reach, reach
from selfserve.services.actors import require

SUMMED = (
    *("spend", "requests", "failed_requests"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "unpriced_requests"),
)


@dataclass(frozen=True, slots=True)
class Sums:
    """The figures of whatever is summed up; `spend` in nano-dollars, the cached tokens are among the prompts'."""

    spend: int = 0
    requests: int = 0
    failed_requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    unpriced_requests: int = 0

    @property
    def tokens(self) -> int:
        """The tokens of both directions."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def successful_requests(self) -> int:
        """The calls that did not fail."""
        return self.requests - self.failed_requests

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in SUMMED))

    def __sub__(self, part: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) - getattr(part, name) for name in SUMMED))


def add_up(parts: Iterable[Sums]) -> Sums:
    """Add sums up."""
    each = list(parts)
    return Sums(*(sum(getattr(part, name) for part in each) for name in SUMMED))


def read_sums(columns: Sequence[Any]) -> Sums:
    """Read the columns that `sums_of` selected, the last ones of a row: a sum is a Decimal on PostgreSQL."""
    return Sums(*(int(total) for total in columns[-len(SUMMED) :]))


def sums_of(table: Any = DailySpend) -> list[ColumnElement[Any]]:
    """Select the sums of daily rows, in the order of `SUMMED`."""
    return [func.sum(getattr(table, name)).label(name) for name in SUMMED]


def within(days: Days) -> ColumnElement[bool]:
    """Say that a daily row lies in a range."""
    return DailySpend.day.between(days.first, days.last)


def sees_all_spend(actor: Actor) -> bool:
    """Tell whether somebody may look at everyone's spend. Raises Forbidden for who may look at none."""
    require(actor, Permission.SPEND_READ)
    return reach(actor.role, Permission.SPEND_READ) is Reach.ANYONES


def are_within_reach(
    actor: Actor, user_id: str | None, table: type[DailySpend] | type[Call] = DailySpend
) -> list[ColumnElement[bool]]:
    """Say whose calls are meant as conditions: of one person, or of all that the actor reaches.

    Raises Forbidden for a filter that names somebody else without the reach, whether they exist or not.
    """
    if sees_all_spend(actor):
        named = select(User.id).where(User.user_id == user_id).scalar_subquery()
        return [] if user_id is None else [table.user_pk == named]
    if user_id not in (None, actor.user_id):
        raise Forbidden("You can only see your own spend. Leave user_id out.", param="user_id")
    return [table.user_pk == actor.id]

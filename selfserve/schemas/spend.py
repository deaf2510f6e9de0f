"""Spend asked about: calls as they are recorded, ranges of days, filters."""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from selfserve.calls import CallException
from selfserve.clock import Days
from selfserve.money import NANOS_PER_DOLLAR
from selfserve.schemas.fields import (
    EMPTY,
    Command,
    Cursor,
    Flag,
    OptionalText,
    Page,
    PageSize,
    Secret,
    Text,
    blank_is_none,
    described_as,
    wrong,
)

MAX_COST = 1_000_000 * NANOS_PER_DOLLAR
MAX_TOKENS = 10**12
"""Of one call: far beyond any, and so far below 64 bits that no sum of calls reaches them."""
MOST_DAYS = 366
_EARLIEST, _LATEST = date(2000, 1, 1), date(2099, 12, 31)


def calendar_day(value: Any) -> Any:
    """Accept a day as ISO 8601 writes it, within a century; blank is not given."""
    value = blank_is_none(value)
    if value is None or isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip(), re.ASCII):
        raise wrong("must be a date such as 2026-12-31.")
    try:
        day = date.fromisoformat(value.strip())
    except ValueError:
        raise wrong("must be a date such as 2026-12-31.") from None
    if not _EARLIEST <= day <= _LATEST:
        raise wrong(f"must be between {_EARLIEST} and {_LATEST}.")
    return day


def _cut(length: int) -> BeforeValidator:
    """Keep the beginning of what a client says of itself: a long or odd name is no reason to lose a call."""

    def cut(value: Any) -> Any:
        """Cut one text."""
        return "".join(filter(str.isprintable, value))[:length].strip() or None if isinstance(value, str) else value

    return BeforeValidator(cut)


Day = Annotated[
    date | None,
    BeforeValidator(calendar_day),
    described_as({"type": "string", "format": "date"}, EMPTY, says="A day (UTC)."),
]


class CallRecord(Command):
    """One call to a model, told once per `request_id`; `cost` is in nano-dollars, cached tokens are of the prompt's."""

    request_id: Text
    key_id: Text
    model: Text
    started_at: AwareDatetime
    cost: Annotated[int, Field(ge=0, le=MAX_COST)]
    prompt_tokens: Annotated[int, Field(ge=0, le=MAX_TOKENS)] = 0
    completion_tokens: Annotated[int, Field(ge=0, le=MAX_TOKENS)] = 0
    cached_tokens: Annotated[int, Field(ge=0, le=MAX_TOKENS)] = 0
    is_failed: bool = False
    address: Annotated[str | None, _cut(64)] = None
    user_agent: Annotated[str | None, _cut(255)] = None
    provider: Annotated[str | None, _cut(64)] = None
    status: Annotated[int | None, Field(ge=100, le=599)] = None
    latency_ms: Annotated[int | None, Field(ge=0, le=86_400_000)] = None
    exception: CallException | None = None

    @field_validator("cached_tokens")
    @classmethod
    def _are_of_the_prompt(cls, cached: int, told: ValidationInfo) -> int:
        """There are never more of them than there are tokens in the prompt."""
        prompt: int = told.data.get("prompt_tokens", 0)
        return min(cached, prompt)

    @model_validator(mode="after")
    def _counts_nothing_uncounted(self) -> Self:
        """Of what was not counted nothing is known, but that it brought no answer."""
        is_counted = self.cost or self.prompt_tokens or self.completion_tokens or not self.is_failed
        if self.exception is CallException.UNCOUNTED and is_counted:
            raise wrong("what was not counted has no cost and no tokens, and failed.")
        return self


def check_range(first: date, last: date, first_name: str, last_name: str) -> None:
    """Refuse a range that is the wrong way round or longer than a year."""
    if first > last:
        raise wrong(f"{first_name} must not be after {last_name}.")
    if (last - first).days >= MOST_DAYS:
        raise wrong(f"{first_name} to {last_name} must be {MOST_DAYS} days at most.")


class DayRange(Command):
    """The days that a call asks about (UTC), both included."""

    start_date: Day = None
    end_date: Day = None

    @property
    def days(self) -> Days:
        """The range, once it was checked that it is one."""
        if self.start_date is None or self.end_date is None:
            raise ValueError("no days were given")
        return Days(self.start_date, self.end_date)

    def check_days(self) -> Self:
        """Refuse half a range and one that is none."""
        if self.start_date is None or self.end_date is None:
            raise wrong("Please provide start_date and end_date, such as start_date=2026-11-01&end_date=2026-11-30.")
        check_range(self.start_date, self.end_date, "start_date", "end_date")
        return self


class ActivityFilter(DayRange):
    """`GET /user/daily/activity/aggregated`."""

    model_config = ConfigDict(json_schema_extra={"required": ["start_date", "end_date"]})

    model: Text | None = None
    api_key: Secret | None = None
    user_id: Text | None = None
    api_key_limit: Annotated[
        int, Field(ge=1, le=1_000), described_as({"type": "integer", "minimum": 1, "maximum": 1_000})
    ] = 100

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        """A range is needed."""
        return self.check_days()


class ActivityQuery(ActivityFilter):
    """`GET /user/daily/activity`: a page is of whole days."""

    page: Page = 1
    page_size: PageSize = 50


class SpendLogsQuery(DayRange):
    """`GET /spend/logs`."""

    api_key: Secret | None = None
    user_id: Text | None = None
    request_id: Text | None = None
    summarize: Flag = True

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        """A range may be left out."""
        return self.check_days() if self.has_days else self

    @property
    def has_days(self) -> bool:
        """Whether a range was given."""
        return self.start_date is not None or self.end_date is not None


class SpendUsersQuery(Command):
    """`GET /spend/users`."""

    user_id: Text | None = None


class CallFilter(Command):
    """Which calls of a key are listed: the newest, or those before a cursor; all, or those worth a look."""

    show: Literal["failed", "unpriced"] | None = None
    after: Cursor = None


class LiveSpend(Command):
    """What the spend page asks for by itself: whose budget, and how much of it stands there."""

    user: Text
    part: Literal["card", "line"] = "card"


class SpendFilter(Command):
    """What the spend page shows, as it stands in its address: a range by name or by its days, and whose spend."""

    range: Literal["7d", "month", "period", "30d", "90d"] | None = None
    first: Annotated[Day, Field(alias="from")] = None
    last: Annotated[Day, Field(alias="to")] = None
    scope: Literal["everyone"] | None = None
    user: OptionalText = None

    @model_validator(mode="after")
    def _has_both_days_or_none(self) -> Self:
        """Half a range is none."""
        if (self.first is None) != (self.last is None):
            raise wrong("from and to go together: pick both days.")
        if self.first and self.last:
            check_range(self.first, self.last, "from", "to")
        return self

    @property
    def days(self) -> Days | None:
        """The days that were picked, if any were."""
        return Days(self.first, self.last) if self.first and self.last else None

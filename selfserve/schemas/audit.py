"""The audit log asked about: the filters of its page, and LiteLLM's documented `/audit`."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from selfserve.permissions import Role
from selfserve.schemas.fields import (
    EMPTY,
    Answer,
    Command,
    Cursor,
    OptionalText,
    Page,
    PageSize,
    Search,
    Secret,
    Text,
    Timestamp,
    described_as,
    wrong,
)
from selfserve.schemas.spend import Day, calendar_day

Door = Literal["web", "api", "cli", "system"]
ROLE_CHANGES, FAILED_SIGN_INS = "roles", "sign-ins"
"""What can be asked for like an action and is none by itself: any change of a role, any sign-in that was refused."""


def _moment(value: Any) -> Any:
    """Accept a day or a moment as ISO 8601 writes them; blank is not given, a moment without a zone is UTC."""
    if not isinstance(value, str) or not re.match(r"\s*\d{4}-\d\d-\d\d[T ]", value, re.ASCII):
        return calendar_day(value)
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise wrong("must be a day such as 2026-12-31 or a moment such as 2026-12-31T08:30:00Z.") from None
    calendar_day(moment.date().isoformat())
    return moment.replace(tzinfo=moment.tzinfo or UTC)


Moment = Annotated[
    datetime | date | None,
    BeforeValidator(_moment),
    described_as(
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        EMPTY,
        says="A day or a moment (UTC).",
    ),
]


def _begin_of(when: datetime | date | None) -> datetime | None:
    """Give the moment, or when the day begins."""
    return when if isinstance(when, datetime) or when is None else datetime.combine(when, time(), UTC)


def _end_of(when: datetime | date) -> datetime:
    """Give the moment, or when the day ends."""
    return when if isinstance(when, datetime) else datetime.combine(when + timedelta(days=1), time(), UTC)


class AuditFilter(Command):
    """The filters of the audit page, as they stand in its address."""

    q: Search = None
    actor: Search = None
    about: Search = None
    action: OptionalText = None
    result: Literal["done", "refused"] | None = None
    door: Door | None = None
    first: Annotated[Day, Field(alias="from")] = None
    last: Annotated[Day, Field(alias="to")] = None
    older: Cursor = None
    newer: Cursor = None

    @field_validator("about")
    @classmethod
    def _names_a_kind(cls, about: str | None) -> str | None:
        """Accept a kind of thing with its id."""
        if about and ":" not in about:
            raise wrong("must be a kind of thing and its id, such as user:dana.")
        return about

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        """Refuse days that are the wrong way round; one end alone is a range too."""
        if self.first and self.last and self.first > self.last:
            raise wrong("the first day must not be after the last.")
        return self

    @model_validator(mode="after")
    def _begins_at_one_place(self) -> Self:
        """Refuse two cursors: a page comes before one event or after another."""
        if self.older and self.newer:
            raise wrong("older and newer do not go together.")
        return self

    @property
    def begin(self) -> datetime | None:
        """The first moment that is asked for."""
        return _begin_of(self.first)

    @property
    def end(self) -> datetime | None:
        """The moment after the last that is asked for."""
        return _end_of(self.last) if self.last else None


class AuditQuery(Command):
    """`GET /audit`."""

    page: Page = 1
    page_size: PageSize = 10
    changed_by: Text | None = None
    changed_by_api_key: Secret | None = None
    action: Text | None = None
    table_name: Text | None = None
    object_id: Text | None = None
    object_key_hash: Secret | None = None
    object_team_id: Text | None = None
    start_date: Moment = None
    end_date: Moment = None
    search: Search = None
    sort_by: Literal["updated_at"] | None = None
    sort_order: Literal["asc", "desc"] = "desc"

    @field_validator("end_date")
    @classmethod
    def _is_a_range(cls, end: datetime | date | None, told: ValidationInfo) -> datetime | date | None:
        """Refuse a range that is the wrong way round; one end alone is a range too."""
        begin = _begin_of(told.data.get("start_date"))
        if begin and end and begin >= _end_of(end):
            raise wrong("must be after start_date, or the same day.")
        return end

    @property
    def begin(self) -> datetime | None:
        """The first moment that is asked for."""
        return _begin_of(self.start_date)

    @property
    def end(self) -> datetime | None:
        """The moment after the last that is asked for."""
        return _end_of(self.end_date) if self.end_date else None


class AuditLog(Answer):
    """One deed, documented fields first; amounts are dollars."""

    id: str
    updated_at: Timestamp
    changed_by: str | None
    changed_by_api_key: str | None
    action: str
    table_name: str
    object_id: str | None
    before_value: dict[str, Any]
    updated_values: dict[str, Any]
    event: str
    result: Literal["done", "refused"]
    changed_by_role: Role | None
    owner_user_id: str | None
    source: Door
    address: str | None
    request_id: str | None


class AuditLogs(Answer):
    """`GET /audit`."""

    audit_logs: list[AuditLog]
    total: int
    page: int
    page_size: int
    total_pages: int

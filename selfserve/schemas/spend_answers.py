"""Spend told: the documented shapes of sums and calls."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from selfserve.calls import CallException
from selfserve.schemas.fields import Answer, DollarsOut, Timestamp
from selfserve.schemas.keys import KeyAnswer
from selfserve.schemas.users import UserAnswer


class Metrics(Answer):
    """The figures of a day, a model, a key or a person."""

    spend: DollarsOut
    prompt_tokens: int
    completion_tokens: int
    cache_read_input_tokens: int = Field(validation_alias="cached_tokens")
    total_tokens: int = Field(validation_alias="tokens")
    successful_requests: int
    failed_requests: int
    api_requests: int = Field(validation_alias="requests")
    unpriced_requests: int


class KeyFacts(Answer):
    """What is said of a key beside its figures."""

    key_alias: str | None
    team_id: None = None
    user_id: str
    user_email: str | None
    key_exists: bool


class KeyActivity(Answer):
    """The figures of a key."""

    metrics: Metrics
    metadata: KeyFacts


class ModelActivity(Answer):
    """The figures of a model, and of its keys by their hashes."""

    metrics: Metrics
    metadata: dict[str, str] = {}
    api_key_breakdown: dict[str, KeyActivity]


class PersonFacts(Answer):
    """What is said of a person beside their figures."""

    user_email: str | None
    user_alias: str | None


class PersonActivity(Answer):
    """The figures of a person."""

    metrics: Metrics
    metadata: PersonFacts


class Breakdown(Answer):
    """The figures of a day by model, by key (its hash) and by person (their user id)."""

    models: dict[str, ModelActivity]
    api_keys: dict[str, KeyActivity]
    entities: dict[str, PersonActivity]


class DayActivity(Answer):
    """One day."""

    date: date
    metrics: Metrics
    breakdown: Breakdown


class ActivityTotals(Answer):
    """The figures of the whole range, whatever page is shown."""

    total_spend: DollarsOut
    total_prompt_tokens: int
    total_completion_tokens: int
    total_tokens: int
    total_api_requests: int
    total_successful_requests: int
    total_failed_requests: int
    total_cache_read_input_tokens: int
    total_unpriced_requests: int
    page: int
    total_pages: int
    has_more: bool
    api_key_limit: int
    total_api_keys: int


class DailyActivity(Answer):
    """`GET /user/daily/activity` and `/user/daily/activity/aggregated`; days are checked as they are written."""

    results: Iterable[DayActivity]
    metadata: ActivityTotals


class LoggedFacts(Answer):
    """What is said of a call beside its figures; `exception` says why its cost is not what the price says, if so."""

    status: Literal["success", "failure"]
    http_status: int | None
    exception: CallException | None
    user_agent: str | None
    user_api_key_alias: str | None
    user_api_key_user_id: str
    cache_read_input_tokens: int


class LoggedCall(Answer):
    """One call."""

    request_id: str
    api_key: str
    user: str
    team_id: None = None
    model: str
    spend: DollarsOut
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    startTime: Timestamp  # noqa: N815
    endTime: Timestamp | None  # noqa: N815
    request_duration_ms: int | None
    custom_llm_provider: str | None
    requester_ip_address: str | None
    metadata: LoggedFacts


class LoggedDay(Answer):
    """One day of `GET /spend/logs` summed up: beside what is named here, the spend of each key under its hash."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, DollarsOut]

    startTime: date  # noqa: N815
    spend: DollarsOut
    users: dict[str, DollarsOut]
    models: dict[str, DollarsOut]


class SpendLogs(RootModel[Iterable[Annotated[LoggedCall | LoggedDay, Field(union_mode="left_to_right")]]]):
    """`GET /spend/logs`: calls, newest first, or days summed up; each is checked as it is written."""


class SpentKey(KeyAnswer):
    """A key, and how many of its calls are not in its sum because nobody knows what they cost."""

    unpriced_requests: int


class SpentUser(UserAnswer):
    """A user, and how many of their calls are not in their sum because nobody knows what they cost."""

    unpriced_requests: int


class SpendKeys(RootModel[list[SpentKey]]):
    """`GET /spend/keys`."""


class SpendUsers(RootModel[list[SpentUser]]):
    """`GET /spend/users`."""

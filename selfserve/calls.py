"""A call to a model on its way: what it asks for, how it was let in, how it went."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from selfserve.permissions import Client
from selfserve.prices import Price, Usage
from selfserve.upstreams import Route

CLIENT_LEFT = 499
"""The status of a call whose client did not wait for the end; nginx made the number usual."""


class CallException(StrEnum):
    """Why what a call cost is not exactly what its price says."""

    PRICE_UNKNOWN = "price_unknown"
    USAGE_ESTIMATED = "usage_estimated"
    MORE_THAN_ASKED = "more_than_asked"
    UNCOUNTED = "uncounted"

    @property
    def is_cost_unknown(self) -> bool:
        """Whether nobody knows what the call cost; its cost is recorded as nothing and said to be unknown."""
        return self in (CallException.PRICE_UNKNOWN, CallException.UNCOUNTED)

    @property
    def label(self) -> str:
        """The exception in the words of the pages."""
        return _WORDS[self][0]

    @property
    def reason(self) -> str:
        """What it means, in a sentence."""
        return _WORDS[self][1]


_WORDS = {
    CallException.PRICE_UNKNOWN: ("No price", "The model had no price when it was called."),
    CallException.USAGE_ESTIMATED: ("Tokens estimated", "The upstream did not tell how many tokens there were."),
    CallException.MORE_THAN_ASKED: ("More than asked", "The upstream sent more tokens than it was asked for."),
    CallException.UNCOUNTED: ("Not counted", "The call was cut off before anybody knew what it cost."),
}


@dataclass(frozen=True)
class Ask:
    """What a call asks for, as its body says.

    `prompt_tokens` is more than it can be; `max_tokens` is what each of the `choices` may be at most, None if not said.
    """

    model: str
    prompt_tokens: int
    max_tokens: int | None = None
    choices: int = 1
    has_output: bool = True


@dataclass(frozen=True)
class Admission:
    """A call that was let in.

    `max_tokens` is what its body must say, None to leave it as it is; `reserved` is in nano-dollars;
    `metered` are the row ids of the key and the user whose tokens per minute are limited.
    """

    request_id: str
    key_id: str
    model: str
    route: Route
    price: Price | None
    max_tokens: int | None
    reserved: int
    metered: tuple[str, ...]
    started_at: datetime
    client: Client


@dataclass(frozen=True)
class Outcome:
    """How a call went; no `usage` means that nothing was used."""

    status: int
    usage: Usage | None = None
    is_estimated: bool = False

    @property
    def is_failed(self) -> bool:
        """Whether it brought no answer, for another reason than that the client left."""
        return self.status >= 400 and self.status != CLIENT_LEFT

"""What models cost on the wire: LiteLLM's words and dollars per token; the form takes dollars per million tokens."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from selfserve.prices import MOST_PER_TOKEN
from selfserve.schemas.fields import (
    EMPTY,
    Answer,
    Command,
    FormCommand,
    OptionalText,
    Page,
    PageSize,
    Search,
    Text,
    Timestamp,
    blank_is_none,
    described_as,
    wrong,
)

_PLACES = Decimal("1e-24")
_MILLION = 6


def _amount(value: Any) -> Decimal | None:
    """Read an amount, None for what is none or has no end."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _per_token(value: Any) -> Decimal:
    """Read dollars per token."""
    amount = _amount(value)
    if amount is None or not 0 <= amount <= MOST_PER_TOKEN:
        raise wrong("must be dollars per token from 0 to 0.01, such as 0.000002.")
    return abs(amount.quantize(_PLACES, ROUND_HALF_UP))


def _per_million(value: Any) -> Decimal:
    """Read dollars per million tokens as dollars per token."""
    amount = _amount(value)
    if amount is None or not 0 <= amount <= MOST_PER_TOKEN.scaleb(_MILLION):
        raise wrong("must be dollars per million tokens from 0 to 10,000, such as 2.50.")
    return abs(amount.quantize(_PLACES.scaleb(_MILLION), ROUND_HALF_UP).scaleb(-_MILLION))


_NUMBER = {"type": "number", "minimum": 0, "maximum": float(MOST_PER_TOKEN)}
_DIGITS = {"type": "string", "pattern": r"^0(\.00\d{0,30})?$"}
_SAYS = "Dollars per token, as a number or as text; a cent at most."

TokenPrice = Annotated[Decimal, BeforeValidator(_per_token), described_as(_NUMBER, _DIGITS, says=_SAYS)]
OptionalTokenPrice = Annotated[
    Annotated[Decimal, BeforeValidator(_per_token)] | None,
    BeforeValidator(blank_is_none),
    described_as(_NUMBER, _DIGITS, EMPTY, {"type": "null"}, says=_SAYS),
]
MillionPrice = Annotated[Decimal, BeforeValidator(_per_million)]
OptionalMillionPrice = Annotated[MillionPrice | None, BeforeValidator(blank_is_none)]
TokenPriceOut = Annotated[
    Decimal,
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number", "minimum": 0}, mode="serialization"),
]


class PriceUpdate(Command):
    """`POST /price/update`: what a model costs from now on; cached tokens cost as much as others where none is said."""

    model: Text
    input_cost_per_token: TokenPrice
    output_cost_per_token: TokenPrice
    cache_read_input_token_cost: OptionalTokenPrice = None


class PriceDelete(Command):
    """`POST /price/delete`."""

    model: Text


class PriceListQuery(Command):
    """`GET /price/list`: the prices that admins set, those in the file of upstreams, the public list, or all."""

    search: Text | None = None
    source: Literal["admin", "file", "list"] | None = None
    page: Page = 1
    size: PageSize = 50


class PriceFilter(Command):
    """What the settings page searches prices for, and the model whose price is asked about."""

    q: Search = None
    model: OptionalText = None


class PriceForm(FormCommand):
    """The form that sets a price; `shown` is the edition it was filled in from."""

    model: Text
    input_price: MillionPrice
    output_price: MillionPrice
    cached_price: OptionalMillionPrice = None
    shown: OptionalText = None

    @property
    def asked_for(self) -> PriceUpdate:
        """The same as it is said by curl."""
        return PriceUpdate.model_construct(
            model=self.model,
            input_cost_per_token=self.input_price,
            output_cost_per_token=self.output_price,
            cache_read_input_token_cost=self.cached_price,
        )


class PriceRemoval(FormCommand):
    """The button that deletes a price which an admin set."""

    model: Text
    shown: OptionalText = None


class PriceAnswer(Answer):
    """What a model costs and who says so: an admin (`admin`), the file of upstreams or the public list."""

    model: str
    source: Literal["admin", "file", "list"]
    input_cost_per_token: TokenPriceOut = Field(validation_alias=AliasPath("rate", "prompt"))
    output_cost_per_token: TokenPriceOut = Field(validation_alias=AliasPath("rate", "completion"))
    cache_read_input_token_cost: TokenPriceOut = Field(validation_alias=AliasPath("rate", "cached"))
    updated_at: Timestamp | None
    updated_by: str | None


class PriceList(Answer):
    """`GET /price/list`."""

    prices: list[PriceAnswer]
    total_count: int
    current_page: int
    total_pages: int


class PriceDeleted(Answer):
    """`POST /price/delete`: the model, and what it costs without the price that was deleted; null is unknown."""

    deleted: str
    price: PriceAnswer | None

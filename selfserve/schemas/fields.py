"""The kinds of field, each rule said once. Messages are sentences for the person who sent the value."""

import json
import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from selfserve.addresses import normalized
from selfserve.clock import DURATION_FORMS, after, next_reset, now
from selfserve.minting import fingerprint
from selfserve.money import to_dollars, to_nanos
from selfserve.permissions import Role

MAX_INTEGER = 2**63 - 1
MAX_METADATA_BYTES = 16_384
_WHITE = (
    "".join(one for one in map(chr, range(0x3001)) if one.isspace() and one not in "\x1c\x1d\x1e\x1f\x85") + "\ufeff"
)
"""What surrounds words and is no control character: the `\\s` of JSON Schema."""
_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Command(BaseModel):
    """What somebody asks for. Unknown words are ignored: existing scripts send many."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class FormCommand(BaseModel):
    """What one of our own forms asks for; a word that we did not print is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What leaves through the API: only the fields that are named here."""

    model_config = ConfigDict(
        from_attributes=True, populate_by_name=True, json_schema_serialization_defaults_required=True
    )


def wrong(message: str) -> PydanticCustomError:
    """Make a complaint that is shown as it stands."""
    return PydanticCustomError("sentence", "{message}", {"message": message})


def _plain(text: Any) -> Any:
    """Refuse control characters, NUL above all, half surrogate pairs, and what turns text around."""
    if isinstance(text, str) and any(unicodedata.category(one) in ("Cc", "Cs") or one in _TURNS for one in text):
        raise wrong("must not contain control characters.")
    return text


def _without_secret(words: str | None) -> str | None:
    """Search for a pasted key by its hash: what is searched for is written back, and stays in addresses (S-14)."""
    is_key = words is not None and re.fullmatch(r"sk-\S{29,}", words)
    return fingerprint(words) if words and is_key else words


def _stripped(value: Any) -> Any:
    """Take off surrounding white space, then refuse what no text may hold."""
    return _plain(value.strip(_WHITE)) if isinstance(value, str) else value


def blank_is_none(value: Any) -> Any:
    """Read blank text as not given."""
    return None if isinstance(value, str) and not value.strip() else value


def _no_bool(value: Any) -> Any:
    """Refuse true and false where a number is meant."""
    if isinstance(value, bool):
        raise wrong("must be a number.")
    return value


def _dollars(value: Any) -> int:
    """Read an amount in dollars as nano-dollars."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise wrong("must be an amount in dollars, such as 25 or 12.50.")
    try:
        return to_nanos(value)
    except ValueError:
        raise wrong("must be an amount in dollars from 0 to 1,000,000,000, such as 12.50.") from None


def _duration(text: str) -> str:
    """Accept a documented duration."""
    try:
        after(text, now())
    except ValueError as error:
        if str(error) == "too long":
            raise wrong("must end within 100 years.") from None
        raise wrong(f"must be a duration: {DURATION_FORMS}.") from None
    return text.strip()


def _window(text: str) -> str:
    """Accept a duration that a budget can have."""
    _duration(text)
    next_reset(text, now())
    return text.strip()


def _forever_is_none(value: Any) -> Any:
    """Read "-1" as never, as documented."""
    return None if value in ("-1", -1) and not isinstance(value, bool) else blank_is_none(value)


def _email(value: Any) -> str:
    """Accept an e-mail address."""
    try:
        return normalized(value if isinstance(value, str) else "")
    except ValueError:
        raise wrong("must be an e-mail address, such as dana@example.com.") from None


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    """Bound the size of free-form data and keep NUL out of it."""
    written = json.dumps(value, allow_nan=False)
    if len(written) > MAX_METADATA_BYTES or "\\u0000" in written:
        raise wrong(f"must be at most {MAX_METADATA_BYTES // 1024} kB of JSON without NUL characters.")
    return value


def _role(value: Any) -> Any:
    """Accept a documented role in either spelling."""
    try:
        return Role(value) if isinstance(value, str) else value
    except ValueError:
        raise wrong(f"must be one of {', '.join(Role)}.") from None


def _timestamp(moment: datetime) -> str:
    """Write a time as the documented answers do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def described_as(*forms: dict[str, Any], says: str = "") -> WithJsonSchema:
    """Say to /openapi.json what a field takes, where its validators take more than its type tells."""
    words = {"description": says} if says else {}
    return WithJsonSchema((forms[0] if len(forms) == 1 else {"anyOf": list(forms)}) | words, mode="validation")


def needs_one_of(*fields: str) -> ConfigDict:
    """Say to /openapi.json that a command must name something by one of these fields."""
    something: JsonValue = {"type": ["string", "array"], "pattern": r"\S", "minItems": 1}
    choices: list[JsonValue] = [{"required": [name], "properties": {name: something}} for name in fields]
    return ConfigDict(json_schema_extra={"anyOf": choices})


_NULL = {"type": "null"}
EMPTY = {"type": "string", "maxLength": 0}
_EMAIL = {"type": "string", "format": "email", "maxLength": 320}
_WHOLE = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_DIGITS = {"type": "string", "pattern": r"^\d{0,18}$"}
_MONEY = {"type": "number", "minimum": 0, "maximum": 1_000_000_000}
_MONEY_TEXT = {"type": "string", "pattern": r"^(\d{1,9}(\.\d*)?)?$"}
_SPAN = r"[1-9]\d{0,8}s|[1-9]\d{0,6}m(in)?|[1-9]\d{0,4}hr?|[1-9]\d{0,3}d|[1-9]\d{0,2}(w|mo)"
_YES_OR_NO = {"enum": [0, 1, *["0", "1", "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n"]]}
CONTROLS = r"\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069"
_WORDS = {"type": "string", "minLength": 1, "pattern": rf"^\s*[^\s{CONTROLS}][^{CONTROLS}]*\s*$"}

Text = Annotated[
    str, Field(min_length=1, max_length=255), BeforeValidator(_stripped), described_as(_WORDS | {"maxLength": 255})
]
OptionalText = Annotated[
    Annotated[str, Field(max_length=255)] | None,
    BeforeValidator(lambda value: blank_is_none(_stripped(value))),
    described_as({"type": "string", "maxLength": 255, "pattern": rf"^\s*[^{CONTROLS}]*\s*$"}, _NULL),
]
Cursor = Annotated[
    Annotated[str, Field(max_length=1024), BeforeValidator(_plain)] | None,
    BeforeValidator(blank_is_none),
    AfterValidator(lambda cursor: cursor if re.search(r"\.[0-9a-f-]{36}$", cursor or "") else _without_secret(cursor)),
]
"""Where a page of a list begins: the value that it is ordered by, and an id."""
Search = Annotated[OptionalText, AfterValidator(_without_secret)]
Email = Annotated[str, BeforeValidator(_email), Field(max_length=320), described_as(_EMAIL)]
OptionalEmail = Annotated[Email | None, BeforeValidator(blank_is_none), described_as(_EMAIL, EMPTY, _NULL)]
Dollars = Annotated[
    Annotated[int, BeforeValidator(_dollars)] | None,
    BeforeValidator(blank_is_none),
    described_as(_MONEY, _MONEY_TEXT, _NULL, says="Dollars, as a number or as text."),
]
Limit = Annotated[
    Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=MAX_INTEGER)] | None,
    BeforeValidator(blank_is_none),
    described_as(_WHOLE, _DIGITS, _NULL, says="A whole number, also as text."),
]
Duration = Annotated[
    Annotated[str, Field(max_length=32), AfterValidator(_duration)] | None,
    BeforeValidator(_forever_is_none),
    described_as(
        {"type": "string", "pattern": f"^({_SPAN}|-1)?$"},
        {"const": -1},
        _NULL,
        says=f"How long: {DURATION_FORMS} (a calendar month), 100 years at most. Null or -1: for ever.",
    ),
]
Window = Annotated[
    Annotated[str, Field(max_length=32), AfterValidator(_window)] | None,
    BeforeValidator(blank_is_none),
    described_as(
        {"type": "string", "pattern": f"^({_SPAN})?$"},
        _NULL,
        says=f"How often the budget starts again: {DURATION_FORMS}.",
    ),
]
Names = Annotated[list[Text], Field(max_length=200)]
Metadata = Annotated[
    dict[str, Any], AfterValidator(_metadata), Field(description=f"{MAX_METADATA_BYTES // 1024} kB of JSON at most.")
]
AnyRole = Annotated[Role, BeforeValidator(_role), described_as({"type": "string", "enum": list(Role)})]
Flag = Annotated[bool, described_as({"type": "boolean"}, _YES_OR_NO)]
_Key = Annotated[str, Field(min_length=1, max_length=512), BeforeValidator(_plain)]
Secret = Annotated[
    _Key,
    described_as(
        {"type": "string", "minLength": 1, "maxLength": 512, "pattern": f"^[^{CONTROLS}]*$"},
        says="A key by its secret, its hash or its id.",
    ),
]
ChosenSecret = Annotated[
    _Key,
    described_as(
        {"type": "string", "minLength": 32, "maxLength": 512, "pattern": "^sk-[!-~]*$"},
        says="A secret that proxy_admin chooses, of ten different characters or more.",
    ),
]
Page = Annotated[
    int,
    BeforeValidator(_no_bool),
    Field(ge=1, le=1_000_000),
    described_as(_WHOLE | {"minimum": 1, "maximum": 1_000_000}),
]

Timestamp = Annotated[
    datetime,
    PlainSerializer(_timestamp, when_used="json"),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-11-24T07:24:14.656345Z"]}, mode="serialization"
    ),
]
DollarsOut = Annotated[
    int, PlainSerializer(lambda nanos: float(to_dollars(nanos)), return_type=float, when_used="json")
]


def clamp(value: int) -> int:
    """Never show more than 100 rows at once."""
    return min(value, 100)


PageSize = Annotated[
    int,
    BeforeValidator(_no_bool),
    Field(ge=1),
    AfterValidator(clamp),
    described_as({"type": "integer", "minimum": 1}, says="How many rows; more than 100 is read as 100."),
]

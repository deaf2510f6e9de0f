"""Models on the wire: the list as OpenAI's clients read it, the filters of the page, and the forms about calls."""

from typing import Annotated, Literal

from pydantic import Field

from selfserve.schemas.fields import Answer, Command, Cursor, FormCommand, Search, Text


class ModelFilter(Command):
    """The filters of the models page; `missing` is the name of a model that somebody expected there."""

    q: Search = None
    show: Literal["mine", "others"] | None = None
    kind: Literal["chat", "embedding"] | None = None
    missing: Search = None
    after: Cursor = None


class ListedModel(Answer):
    """A model as `/v1/models` lists it."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="The same for all: upstreams do not agree on what it means.")
    owned_by: str = Field(description="Who makes it as far as the price list knows, else the upstream that serves it.")


class ModelList(Answer):
    """`GET /v1/models`: what the key that asks may call."""

    object: Literal["list"] = "list"
    data: list[ListedModel]


class Refused(FormCommand):
    """What a refused call printed, or the end of a key."""

    pasted: Annotated[str, Field(min_length=1, max_length=20_000)]


class KeyTest(FormCommand):
    """Which model a key is tested with."""

    model: Text

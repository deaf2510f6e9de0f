"""Calls as they are recorded."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from selfserve.schemas.fields import MAX_INTEGER, Command, Text


class CallRecord(Command):
    """One call to a model, told once per `request_id`; `cost` is in nano-dollars."""

    request_id: Text
    key_id: Text
    model: Text
    started_at: AwareDatetime
    cost: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    prompt_tokens: Annotated[int, Field(ge=0, le=MAX_INTEGER)] = 0
    completion_tokens: Annotated[int, Field(ge=0, le=MAX_INTEGER)] = 0
    is_failed: bool = False

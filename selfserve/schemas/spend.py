"""Calls as they are recorded."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from selfserve.schemas.fields import MAX_INTEGER, Command, Text


class CallRecord(Command):
    """One call to a model, told once per `request_id`; `cost` is in nano-dollars."""

    request_id: Text
    key_id: Text
    model: Text
    started_at: datetime
    cost: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    prompt_tokens: Annotated[int, Field(ge=0)] = 0
    completion_tokens: Annotated[int, Field(ge=0)] = 0
    is_failed: bool = False

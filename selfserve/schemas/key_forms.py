"""The forms of the keys pages: what each asks for, in words of its own."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from selfserve.schemas.fields import Dollars, FormCommand, Limit, Names, OptionalText, Text, Window, wrong


class KeyLimitsForm(FormCommand):
    """What the forms of a key have in common: its expiry and its limits."""

    expires: str
    expires_on: Annotated[date | None, Field()] = None
    models: Names = []
    max_budget: Dollars = None
    soft_budget: Dollars = None
    rpm_limit: Limit = None
    tpm_limit: Limit = None

    @model_validator(mode="after")
    def _custom_names_a_day(self) -> Self:
        """A custom expiry needs its day."""
        if self.expires == "custom" and self.expires_on is None:
            raise wrong("Pick the day the key expires.")
        return self


class KeyForm(KeyLimitsForm):
    """The create form: a name and an expiry first, limits on demand."""

    key_alias: Text
    expires: Literal["7d", "30d", "90d", "365d", "custom"] = "30d"
    budget_duration: Literal["1d", "7d", "1mo"] | None = None
    may_manage: bool = False
    creation_token: OptionalText = None


class KeyEdit(KeyLimitsForm):
    """The form that changes a key's limits; it names them all, those that stay as they are, too."""

    expires: Literal["keep", "30d", "90d", "365d", "custom"] = "keep"
    budget_duration: Window = None
    max_parallel_requests: Limit = None
    shown: OptionalText = None


class KeyRename(FormCommand):
    """The form that gives a key another name."""

    key_alias: Text


class KeyRotation(FormCommand):
    """The form that rotates a key: how long the old secret still works, and its last letters, so that it goes once."""

    grace: Literal["1h", "24h", "7d", "use", "none"] = "24h"
    tail: OptionalText = None


class KeyPick(FormCommand):
    """The keys that are ticked in a list."""

    key_id: Annotated[list[Text], Field(min_length=1, max_length=100)]

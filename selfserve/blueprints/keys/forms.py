"""The form that makes a key: words and widgets here, rules in the schema."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice

from selfserve.clock import now
from selfserve.errors import Conflict, DomainError, Invalid
from selfserve.schemas.keys import KeyCreate, KeyForm
from selfserve.web.forms import SchemaForm

_LIFETIMES = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "1 year", "custom": "Custom"}
_WINDOWS = {"": "Never", "1d": "Every day", "7d": "Every week", "1mo": "Every month"}
LIFETIMES = [SelectChoice(value, label) for value, label in _LIFETIMES.items()]
WINDOWS = [SelectChoice(value, label) for value, label in _WINDOWS.items()]
_LIMITS = ("models", "max_budget", "budget_duration", "rpm_limit", "tpm_limit", "may_manage")


class NamesField(StringField):
    """Several names: ticked boxes, or one line with commas."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Split what was sent into names."""
        self.data = [name.strip() for value in valuelist for name in re.split(r"[,\n]", value) if name.strip()]

    def _value(self) -> str:
        """Write the names back into one line."""
        return ", ".join(self.data or [])


class CreateKeyForm(SchemaForm[KeyForm]):
    """A name and an expiry first, limits on demand."""

    schema = KeyForm
    homes = {"": "expires_on", "duration": "expires", "expires_at": "expires"}
    key_alias = StringField("Name")
    expires = RadioField("Expires", choices=LIFETIMES, default="30d")
    expires_on = StringField("Last day")
    models = NamesField("Models", default=[])
    max_budget = StringField("Budget")
    budget_duration = SelectField("Budget starts again", choices=WINDOWS)
    rpm_limit = StringField("Requests")
    tpm_limit = StringField("Tokens")
    may_manage = BooleanField("This key may also manage my keys through the API")
    creation_token = HiddenField()

    @property
    def has_limits(self) -> bool:
        """Whether anything in the disclosure is filled in or wrong, so that it stays open."""
        return any(self[name].data or self[name].errors for name in _LIMITS)

    def put(self, sentences: dict[str, str]) -> None:
        """Put sentences on the fields they are about, as the form names them."""
        super().put({self.homes.get(name, name): sentence for name, sentence in sentences.items()})

    def put_error(self, error: DomainError) -> None:
        """Say that a name is taken in the words of the page; the API's are for scripts."""
        if isinstance(error, Conflict) and error.param == "key_alias":
            self.put({"key_alias": f"You already have a key called “{self.key_alias.data}”. Pick another name."})
        else:
            super().put_error(error)


def key_asked_for(form: KeyForm) -> KeyCreate:
    """Turn the form's words into the command of the API. Raises Invalid for a day that is over."""
    asked: dict[str, Any] = form.model_dump(exclude={"expires", "expires_on", "may_manage"})
    duration = _until_end_of(form.expires_on) if form.expires == "custom" and form.expires_on else form.expires
    return KeyCreate.model_construct(**asked, duration=duration, key_type="default" if form.may_manage else "llm_api")


def _until_end_of(last: date) -> str:
    """Give the time until a day is over as a duration, in minutes because seconds run out of digits."""
    left = datetime.combine(last, time.max, UTC) - now()
    if left < timedelta(minutes=1):
        raise Invalid("Pick a day that is not over yet.", param="expires_on")
    if left > timedelta(days=3660):
        raise Invalid("Pick a day within ten years.", param="expires_on")
    return f"{left // timedelta(minutes=1)}m"

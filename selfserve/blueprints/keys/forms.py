"""The forms of a key: words and widgets here, rules in the schemas."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice

from selfserve.clock import now
from selfserve.errors import Conflict, DomainError, Invalid
from selfserve.schemas.key_forms import KeyEdit, KeyForm, KeyRename, KeyRotation
from selfserve.schemas.keys import KeyCreate, KeyRegenerate, KeyUpdate
from selfserve.web.forms import SchemaForm
from selfserve.web.words import amount, day

_LIFETIMES = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "1 year", "custom": "Custom"}
_WINDOWS = {"": "Never", "1d": "Every day", "7d": "Every week", "1mo": "Every month"}
_GRACES = {
    "24h": "For 24 hours",
    "use": "Until the new one is used, then 1 hour",
    "none": "Not at all",
    "1h": "For 1 hour",
    "7d": "For 7 days",
}
_LATER = {"30d": "In 30 days", "90d": "In 90 days", "365d": "In a year", "custom": "On another day"}
LATER = [SelectChoice(value, label) for value, label in _LATER.items()]
LIFETIMES = [SelectChoice(value, label) for value, label in _LIFETIMES.items()]
GRACES = [SelectChoice(value, label) for value, label in _GRACES.items()]
WINDOWS = [SelectChoice(value, label) for value, label in _WINDOWS.items()]
_LIMITS = ("models", "max_budget", "soft_budget", "budget_duration", "rpm_limit", "tpm_limit", "may_manage")


class NamesField(StringField):
    """Several names: ticked boxes, or one line with commas."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Split what was sent into names; what was not sent at all stays."""
        if valuelist:
            self.data = [name.strip() for value in valuelist for name in re.split(r"[,\n]", value) if name.strip()]

    def _value(self) -> str:
        """Write the names back into one line."""
        return ", ".join(self.data or [])


class LimitsForm(SchemaForm[Any]):
    """What the forms of a key have in common: its expiry and its limits."""

    homes = {"": "expires_on", "duration": "expires", "expires_at": "expires"}
    expires_on = StringField("Last day")
    models = NamesField("Models", default=[])
    max_budget = StringField("Budget")
    soft_budget = StringField("Soft budget")
    rpm_limit = StringField("Requests")
    tpm_limit = StringField("Tokens")

    def put(self, sentences: dict[str, str]) -> None:
        """Put sentences on the fields they are about, as the form names them."""
        super().put({self.homes.get(name, name): sentence for name, sentence in sentences.items()})


class CreateKeyForm(LimitsForm):
    """A name and an expiry first, limits on demand."""

    schema = KeyForm
    key_alias = StringField("Name")
    expires = RadioField("Expires", choices=LIFETIMES, default="30d")
    budget_duration = SelectField("Budget starts again", choices=WINDOWS)
    may_manage = BooleanField("This key may also manage my keys through the API")
    creation_token = HiddenField()

    @property
    def has_limits(self) -> bool:
        """Whether anything in the disclosure is filled in or wrong, so that it stays open."""
        return any(self[name].data or self[name].errors for name in _LIMITS)

    def put_error(self, error: DomainError) -> None:
        """Say that a name is taken in the words of the page; the API's are for scripts."""
        if _is_taken(error):
            self.put({"key_alias": f"You already have a key called “{self.key_alias.data}”. Pick another name."})
        else:
            super().put_error(error)


class EditKeyForm(LimitsForm):
    """Expiry and limits of a key as they are, to be changed."""

    schema = KeyEdit
    expires = SelectField("Expires", default="keep")
    budget_duration = SelectField("Budget starts again")
    max_parallel_requests = StringField("Parallel requests")
    shown = HiddenField()

    def __init__(self, key: Any, *, is_fresh: bool = False) -> None:
        """Fill the form with a key's limits; what it has is a choice even where we would not offer it."""
        shown = {name: getattr(key, name) for name in ("rpm_limit", "tpm_limit", "max_parallel_requests")}
        super().__init__(
            is_fresh=is_fresh,
            shown=key.edition,
            **{name: "" if value is None else str(value) for name, value in shown.items()},
            models=key.models,
            max_budget=amount(key.max_budget),
            soft_budget=amount(key.soft_budget),
            budget_duration=key.budget_duration or "",
        )
        kept = f"{day(key.expires_at)}, as it is" if key.expires_at else "Never, as it is"
        self.expires.choices = [SelectChoice("keep", kept), *LATER]
        is_odd = key.budget_duration not in (None, *_WINDOWS)
        odd = [SelectChoice(key.budget_duration, f"Every {key.budget_duration}")] if is_odd else []
        self.budget_duration.choices = [*WINDOWS, *odd]


class RenameKeyForm(SchemaForm[KeyRename]):
    """Another name."""

    schema = KeyRename
    key_alias = StringField("Name")

    def put_error(self, error: DomainError) -> None:
        """Say that a name is taken in the words of the page."""
        if _is_taken(error):
            self.put({"key_alias": f"Another key is called “{self.key_alias.data}” already. Pick another name."})
        else:
            super().put_error(error)


class RotateKeyForm(SchemaForm[KeyRotation]):
    """How long the old secret keeps working."""

    schema = KeyRotation
    grace = RadioField("The old secret keeps working", choices=GRACES, default="24h")
    tail = HiddenField()


def _is_taken(error: DomainError) -> bool:
    """Tell whether an error says that a name is taken."""
    return isinstance(error, Conflict) and error.param == "key_alias"


def key_asked_for(form: KeyForm) -> KeyCreate:
    """Turn the form's words into the command of the API. Raises Invalid for a day that is over."""
    asked: dict[str, Any] = form.model_dump(exclude={"expires", "expires_on", "may_manage"})
    return KeyCreate.model_construct(
        **asked, duration=_lifetime(form), key_type="default" if form.may_manage else "llm_api"
    )


def changes_asked_for(key: Any, form: KeyEdit) -> KeyUpdate:
    """Turn the form into an update that names only what is to be different. Raises Invalid for a day that is over."""
    asked = form.model_dump(exclude={"expires", "expires_on", "shown"})
    changed = {name: value for name, value in asked.items() if value != getattr(key, name)}
    if form.expires != "keep":
        changed["duration"] = _lifetime(form)
    return KeyUpdate.model_construct(key=key.id, **changed)


def rotation_asked_for(key_id: str, form: KeyRotation) -> KeyRegenerate:
    """Turn the form into the command of the API."""
    grace = None if form.grace in ("use", "none") else form.grace
    return KeyRegenerate(key=key_id, grace_period=grace, until_use=form.grace == "use")


def _lifetime(form: KeyForm | KeyEdit) -> str:
    """Give the time that a form asks for as a duration."""
    return _until_end_of(form.expires_on) if form.expires == "custom" and form.expires_on else form.expires


def _until_end_of(last: date) -> str:
    """Give the time until a day is over as a duration, in minutes because seconds run out of digits."""
    left = datetime.combine(last, time.max, UTC) - now()
    if left < timedelta(minutes=1):
        raise Invalid("Pick a day that is not over yet.", param="expires_on")
    if left > timedelta(days=3660):
        raise Invalid("Pick a day within ten years.", param="expires_on")
    return f"{left // timedelta(minutes=1)}m"

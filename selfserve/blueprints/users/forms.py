"""The forms that make users with their links and that change one."""

import re
from typing import Any

from pydantic import TypeAdapter, ValidationError
from wtforms import BooleanField, EmailField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice

from selfserve.blueprints.keys.forms import WINDOWS, NamesField
from selfserve.errors import Conflict, DomainError
from selfserve.permissions import Role
from selfserve.schemas.fields import Email
from selfserve.schemas.users import InvitePeople, UserChange, UserEdit
from selfserve.web.forms import SchemaForm
from selfserve.web.words import amount, per_window

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
ROLES = [
    (role.value, role.label)
    for role in (Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.PROXY_ADMIN_VIEWER, Role.PROXY_ADMIN)
]


class AddressesField(TextAreaField):
    """E-mail addresses with commas, blanks or new lines between them."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Split what was sent into addresses."""
        self.data = [address for value in valuelist for address in re.split(r"[\s,;]+", value) if address]

    def _value(self) -> str:
        """Write the addresses back, one on a line."""
        return "\n".join(self.data or [])


class InviteForm(SchemaForm[InvitePeople]):
    """One or many addresses, one role, one budget each."""

    schema = InvitePeople
    emails = AddressesField("Email addresses")
    role = SelectField("Role", choices=[SelectChoice(*role) for role in ROLES])
    max_budget = StringField("Budget each")
    budget_duration = SelectField("Budget starts again", choices=WINDOWS)
    send_email = BooleanField("Send each link by email")

    def put(self, sentences: dict[str, str]) -> None:
        """Put sentences on the fields they are about, and say which of many addresses is meant."""
        wrong = [address for address in self.emails.data or [] if not _is_email(address)]
        if "emails" in sentences and wrong:
            sentences = {**sentences, "emails": f"Not an e-mail address: {', '.join(wrong[:5])}."}
        super().put(sentences)

    def put_error(self, error: DomainError) -> None:
        """Say on the list of addresses which one has an account already."""
        if isinstance(error, Conflict):
            self.put({"emails": f"{error.message.rstrip('.')}. Take it out of the list."})
        else:
            super().put_error(error)


class EditForm(SchemaForm[UserEdit]):
    """All that an admin may say of somebody, as it is."""

    schema = UserEdit
    user_alias = StringField("Name")
    user_email = EmailField("Email address")
    user_role = SelectField("Role", choices=[SelectChoice(*role) for role in ROLES])
    max_budget = StringField("Budget")
    soft_budget = StringField("Soft budget")
    budget_duration = SelectField("Budget starts again")
    models = NamesField("Models", default=[])
    rpm_limit = StringField("Requests")
    tpm_limit = StringField("Tokens")
    max_parallel_requests = StringField("Requests at once")
    must_change_password = BooleanField("Must set a new password at the next sign-in")
    shown = HiddenField()

    def __init__(self, **values: Any) -> None:
        """Offer the usual windows of a budget, and the one it has."""
        super().__init__(**values)
        own, known = self.budget_duration.data or "", {choice.value for choice in WINDOWS}
        self.budget_duration.choices = [*WINDOWS, *([] if own in known else [SelectChoice(own, per_window(own))])]

    @classmethod
    def of(cls, user: Any) -> "EditForm":
        """Fill the form with what a user is."""
        return cls(
            is_fresh=True,
            user_alias=user.alias,
            user_email=user.email,
            user_role=user.role,
            max_budget=amount(user.max_budget),
            soft_budget=amount(user.soft_budget),
            budget_duration=user.budget_duration or "",
            models=user.models,
            rpm_limit=user.rpm_limit,
            tpm_limit=user.tpm_limit,
            max_parallel_requests=user.max_parallel_requests,
            must_change_password=user.must_change_password,
            shown=user.edition,
        )

    def put_error(self, error: DomainError) -> None:
        """Say that an address is taken in the words of the page; the API's are for scripts."""
        if isinstance(error, Conflict) and error.param == "user_email":
            self.put({"user_email": "Another account has that address."})
        else:
            super().put_error(error)


def change_asked_for(form: UserEdit) -> UserChange:
    """Turn the form's words into the command of the API: every field is named, so an empty one clears."""
    asked = form.model_dump(exclude={"shown"})
    return UserChange.model_construct(_fields_set=set(asked), **asked)


def _is_email(text: str) -> bool:
    """Tell whether the schema takes this as an address."""
    try:
        _EMAIL.validate_python(text)
    except ValidationError:
        return False
    return True

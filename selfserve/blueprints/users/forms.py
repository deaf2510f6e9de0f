"""The form that makes users and their links."""

import re

from pydantic import TypeAdapter, ValidationError
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice

from selfserve.blueprints.keys.forms import WINDOWS
from selfserve.errors import Conflict, DomainError
from selfserve.permissions import Role
from selfserve.schemas.fields import Email
from selfserve.schemas.users import InvitePeople
from selfserve.web.forms import SchemaForm

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


def _is_email(text: str) -> bool:
    """Tell whether the schema takes this as an address."""
    try:
        _EMAIL.validate_python(text)
    except ValidationError:
        return False
    return True

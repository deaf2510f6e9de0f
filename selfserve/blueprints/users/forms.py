"""The form that makes users and their links."""

import re

from wtforms import SelectField, StringField, TextAreaField

from selfserve.blueprints.keys.forms import WINDOWS
from selfserve.permissions import Role
from selfserve.schemas.users import InvitePeople
from selfserve.web.forms import SchemaForm

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
    homes = {"user_email": "emails"}
    emails = AddressesField("Email addresses")
    role = SelectField("Role", choices=ROLES)
    max_budget = StringField("Budget each")
    budget_duration = SelectField("Budget starts again", choices=WINDOWS)

    def put(self, sentences: dict[str, str]) -> None:
        """Put sentences on the fields they are about, as the form names them."""
        super().put({self.homes.get(name, name): sentence for name, sentence in sentences.items()})

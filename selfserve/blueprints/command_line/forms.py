"""The form that confirms a sign-in on a command line."""

from wtforms import HiddenField, StringField

from selfserve.schemas.cli_logins import CliConfirm
from selfserve.web.forms import SchemaForm


class ConfirmForm(SchemaForm[CliConfirm]):
    """Which sign-in, and the code that its terminal shows."""

    schema = CliConfirm
    login = HiddenField("Sign-in")
    user_code = StringField("The code in your terminal")

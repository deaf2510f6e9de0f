"""The password form of the account page."""

from wtforms import PasswordField

from selfserve.schemas.account import PasswordChange
from selfserve.web.forms import SchemaForm


class PasswordForm(SchemaForm[PasswordChange]):
    """The current password and a new one."""

    schema = PasswordChange
    current_password = PasswordField("Current password")
    new_password = PasswordField("New password")

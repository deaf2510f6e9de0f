"""The forms that ask for a reset link and that use one."""

from wtforms import PasswordField, StringField

from selfserve.schemas.auth import Forgotten
from selfserve.schemas.onboarding import ResetForm
from selfserve.web.forms import SchemaForm


class ForgotForm(SchemaForm[Forgotten]):
    """Whose password is forgotten."""

    schema = Forgotten
    email = StringField("Email")


class NewPasswordForm(SchemaForm[ResetForm]):
    """The new password."""

    schema = ResetForm
    password = PasswordField("New password")

"""The form behind an invitation link."""

from wtforms import PasswordField, StringField

from selfserve.schemas.onboarding import WelcomeForm
from selfserve.web.forms import SchemaForm


class ChoosePasswordForm(SchemaForm[WelcomeForm]):
    """A password, and the address where the account has none."""

    schema = WelcomeForm
    email = StringField("Email")
    password = PasswordField("Password")

    def put(self, sentences: dict[str, str]) -> None:
        """Put sentences on the fields they are about, as the form names them."""
        super().put({"email" if name == "user_email" else name: sentence for name, sentence in sentences.items()})

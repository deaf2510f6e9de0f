"""The sign-in form."""

from wtforms import PasswordField, StringField

from selfserve.schemas.auth import Login
from selfserve.web.forms import SchemaForm


class LoginForm(SchemaForm[Login]):
    """E-mail and password."""

    schema = Login
    username = StringField("Email")
    password = PasswordField("Password")

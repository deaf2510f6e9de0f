"""The own account."""

from selfserve.schemas.fields import FormCommand
from selfserve.schemas.onboarding import Password


class PasswordChange(FormCommand):
    """The password form of the account page."""

    current_password: Password
    new_password: Password

"""The own account."""

from enum import StrEnum

from selfserve.schemas.fields import FormCommand
from selfserve.schemas.onboarding import Password


class PasswordChange(FormCommand):
    """The password form of the account page."""

    current_password: Password
    new_password: Password


class PasswordProof(FormCommand):
    """The form that asks whether it is you."""

    current_password: Password


class Appearance(StrEnum):
    """How the pages look."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class AppearanceChange(FormCommand):
    """The buttons that choose how the pages look."""

    appearance: Appearance

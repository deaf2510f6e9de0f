"""Signing in and out on the wire."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from selfserve.schemas.fields import Answer, Command

LONGEST = 1024


def _text_or_nothing(value: Any) -> str:
    """Read what no account can have as nothing: a wrong shape is answered like a wrong password (S-20b)."""
    return value if isinstance(value, str) and len(value) <= LONGEST and "\0" not in value else ""


Credential = Annotated[str, BeforeValidator(_text_or_nothing)]


class Login(Command):
    """`POST /login`, `/v2/login` and the sign-in page; `username` is the e-mail address."""

    username: Credential = ""
    password: Credential = ""


class Forgotten(Command):
    """The form that asks for a reset link: what no address can be is answered like an unknown one (S-20b)."""

    email: Credential = ""


class PasswordCheck(Command):
    """A password while it is typed, under the names that our forms give it, and what they know of the person."""

    password: Credential = ""
    new_password: Credential = ""
    username: Credential = ""
    email: Credential = ""
    alias: Credential = ""
    page: Credential = ""


class LoginAnswer(Answer):
    """`POST /v2/login`."""

    redirect_url: str


class LogoutAnswer(Answer):
    """`POST /session/logout`."""

    message: str

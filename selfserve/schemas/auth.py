"""Signing in and out on the wire."""

from typing import Annotated

from pydantic import Field

from selfserve.schemas.fields import Answer, Command


class Login(Command):
    """`POST /login`, `/v2/login` and the sign-in page. Anything goes in: a wrong shape is a wrong password."""

    username: Annotated[str, Field(max_length=320)] = ""
    password: Annotated[str, Field(max_length=1024)] = ""


class LoginAnswer(Answer):
    """`POST /v2/login`."""

    redirect_url: str


class LogoutAnswer(Answer):
    """`POST /session/logout`."""

    message: str

"""A real mail server for the tests: STARTTLS, a sign-in, refusals, and what it got."""

import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.application import the_folder
from tests.servers import free_port

USERNAME, PASSWORD = "keys@example.com", "the password of the mail server"
HOST = "localhost"
SENDER = "keys@example.com"


@dataclass
class MailServer:
    """A running one, as it answers from now on."""

    port: int = field(default_factory=free_port)
    got: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    envelopes: list[list[str]] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    """Answers to recipients that it does not take."""
    after_data: str = "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """Give the mails that somebody got."""
        return [mail for mail in self.got if mail["To"] == address]

    def settings(self, **more: Any) -> dict[str, Any]:
        """What our settings say of it."""
        ours = {"smtp_host": HOST, "smtp_port": self.port, "smtp_username": USERNAME, "smtp_password": PASSWORD}
        return ours | {"smtp_sender_email": SENDER} | more

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """Take a recipient, or refuse them."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        if self.after_data.startswith("250"):
            self.raw.append(envelope.content)
            self.got.append(email.message_from_bytes(envelope.content, policy=default))
            self.envelopes.append(envelope.rcpt_tos)
            self.was_encrypted.append(session.ssl is not None)
        return self.after_data


@cache
def certificates() -> tuple[trustme.CA, Path]:
    """Give an authority that our side trusts, and the file that makes it do so."""
    authority, file = trustme.CA(), the_folder() / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, file


def body_of(mail: EmailMessage, kind: str = "plain") -> str:
    """Read the text or the HTML of a mail."""
    return mail.get_body((kind,)).get_content()


@contextmanager
def listening(
    server: MailServer, *, encrypts: bool = True, is_implicit: bool = False, name: str = HOST
) -> Iterator[MailServer]:
    """Let it listen; `encrypts=False` is one that knows no TLS and asks for no sign-in."""
    how: dict[str, Any] = {}
    if encrypts:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificates()[0].issue_cert(name).configure_cert(context)
        how = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": _is_known}
        if is_implicit:  # it does not know then that it is encrypted, and offers no sign-in
            how = {"ssl_context": context}
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **how)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def _is_known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
    """Let in who knows the password."""
    is_right = (login.login, login.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)

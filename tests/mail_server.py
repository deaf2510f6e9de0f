"""A real mail server for the tests: STARTTLS, a sign-in, refusals, and what it got."""

import email
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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
    connections: set[Any] = field(default_factory=set)
    """By which mails came."""
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
            self.connections.add(session.peer)
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


class OddServer(threading.Thread):
    """A mail server that answers what it is told to, and counts who comes.

    `says` has the answers to commands by their first word, "" is the greeting; None ends the connection there.
    """

    def __init__(self, says: Mapping[str, str | None], drips: float = 0):
        super().__init__(daemon=True)
        self.says = {"": "220 odd", "EHLO": "250 odd", "DATA": "354 Go on", "QUIT": "221 Bye"} | dict(says)
        self.drips, self.came, self.mails = drips, 0, 0
        self.door = socket.create_server((HOST, 0))
        self.port = self.door.getsockname()[1]
        self.start()

    def settings(self, **more: Any) -> dict[str, Any]:
        """What our settings say of it."""
        ours = {"smtp_host": HOST, "smtp_port": self.port, "smtp_sender_email": SENDER, "smtp_tls": False}
        return ours | more

    def run(self) -> None:
        """Answer one after the other until the door is closed."""
        while True:
            try:
                line = self.door.accept()[0]
            except OSError:
                return
            self.came += 1
            with line, suppress(OSError):
                self._talk(line)

    def close(self) -> None:
        """Come to an end."""
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()

    def _talk(self, line: socket.socket) -> None:
        """Answer each command."""
        mails = 0
        with line.makefile("rb") as asked:
            words = ""
            while self._answer(line, words, mails) and (got := asked.readline()):
                words = got.split()[0].decode().upper()
                if words == "DATA" and self._answer(line, words, mails):
                    while asked.readline() not in (b".\r\n", b""):
                        pass
                    words = "."
                    mails += 1
                    self.mails += 1

    def _answer(self, line: socket.socket, word: str, mails: int) -> bool:
        """Say one thing; tell whether the talk goes on."""
        said = self.says.get(f"{word} after {mails}", self.says.get(word, "250 OK"))
        if said is None:
            return False
        for letter in f"{said}\r\n".encode() if self.drips else ():
            line.sendall(bytes([letter]))
            time.sleep(self.drips)
        if not self.drips:
            line.sendall(f"{said}\r\n".encode())
        return True

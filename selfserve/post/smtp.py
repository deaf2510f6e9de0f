"""The way to a mail server: encrypted unless told otherwise, with patience that ends, and no line break in a header."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from socket import socket
from typing import Any
from urllib.parse import urlsplit

from selfserve.addresses import normalized
from selfserve.config import Settings
from selfserve.config.mail import IMPLICIT_TLS
from selfserve.mail_kinds import Trouble
from selfserve.post.letters import Letter, line
from selfserve.post.lines import Line
from selfserve.post.reasons import TOO_MANY, Undelivered, explained
from selfserve.post.rendering import render_letter

PATIENCE = 20
"""Seconds to wait for each answer of a mail server ..."""
WHOLE = 30
"""... and for all that one message takes, with the connection and the sign-in before it."""
GOODBYE = 2
_POLICY = SMTP.clone(cte_type="7bit")


class MailConnection:
    """One connection for as many letters as there are: a hundred invitations need no hundred sign-ins."""

    def __init__(self, settings: Settings) -> None:
        """Get ready; the first letter connects."""
        self.settings = settings
        self._line = Line()
        self._server: smtplib.SMTP | None = None

    def post(self, recipient: str, letter: Letter, *, name: str, written_at: datetime) -> None:
        """Send a letter. `name` makes the same Message-ID at each try, so that one that came twice is known as one.

        Raises Undelivered.
        """
        if not self.settings.is_mail_set:
            raise Undelivered("No mail server is set: SMTP_HOST.", is_final=True)
        try:
            message = compose(self.settings, recipient, letter, name=name, written_at=written_at)
        except ValueError:
            reason = "The address cannot be written into a mail."
            if not recipient.isascii():
                reason = "The address has letters that mail servers do not take: see their SMTPUTF8."
            raise Undelivered(reason, is_final=True, trouble=Trouble.ADDRESS) from None
        with self._explaining(), self._line.within(WHOLE):
            self._send(message)

    def close(self) -> None:
        """Say goodbye; whatever comes of that, the mails are gone."""
        if self._server:
            with suppress(smtplib.SMTPException, OSError), self._line.within(GOODBYE):
                self._server.quit()
        self._hang_up()

    def _send(self, message: EmailMessage) -> None:
        """Send by the connection that there is if it still works, else by a new one."""
        if self._server and _is_alive(self._server):
            try:
                self._server.send_message(message)
                return
            except smtplib.SMTPSenderRefused as error:
                if error.smtp_code != TOO_MANY:
                    raise
        self._hang_up()
        self._server = _connected(self.settings, self._line)
        self._server.send_message(message)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Say why a mail did not go; after all but a refusal of that one mail the connection is not used again."""
        try:
            yield
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if not isinstance(error, (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)):
                self._hang_up()
            if self._line.is_cut:
                raise Undelivered(f"{self.settings.smtp_host} took longer than {WHOLE:g} seconds.") from None
            raise explained(self.settings, error, PATIENCE) from None

    def _hang_up(self) -> None:
        """End the connection without a word."""
        if self._server:
            self._server.close()
        self._server = None
        self._line.close()


class _Cuttable(smtplib.SMTP):
    """A connection by a line that is cut when its time is over, from the first byte on."""

    _line: Line

    def _get_socket(self, host: str, port: int, timeout: float) -> socket:
        """Open the connection: smtplib leaves that to its subclasses."""
        return self._line.reach(host, port, timeout)


class _Plain(_Cuttable):
    """One that begins without TLS."""

    def __init__(self, line: Line, *given: Any, **named: Any) -> None:
        """Connect."""
        self._line = line
        super().__init__(*given, **named)


class _Encrypted(smtplib.SMTP_SSL, _Cuttable):
    """One with TLS from its first byte on."""

    def __init__(self, line: Line, *given: Any, **named: Any) -> None:
        """Connect."""
        self._line = line
        super().__init__(*given, **named)


def compose(settings: Settings, recipient: str, letter: Letter, *, name: str, written_at: datetime) -> EmailMessage:
    """Make the mail. A header with a line break is refused by the library and never gets that far (S-36).

    Raises ValueError for an address that is none.
    """
    text, html = render_letter(settings, letter)
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = line(letter.subject)
    message["From"] = _sender(settings)
    message["To"] = Address(addr_spec=_ascii(normalized(recipient)))
    message["Date"] = format_datetime(written_at)
    message["Message-ID"] = f"<{name}@{_sender(settings).domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def _connected(settings: Settings, line: Line) -> smtplib.SMTP:
    """Connect, encrypt and sign in, as the settings say. Raises Undelivered where the server lacks what they want."""
    us = urlsplit(settings.address).hostname or "localhost"
    host, port, trusted = settings.smtp_host, settings.smtp_port, ssl.create_default_context()
    is_implicit = port == IMPLICIT_TLS
    if is_implicit:
        server: smtplib.SMTP = _Encrypted(line, host, port, us, timeout=PATIENCE, context=trusted)
    else:
        server = _Plain(line, host, port, us, timeout=PATIENCE)
    try:
        server.ehlo_or_helo_if_needed()
        if settings.smtp_tls and not is_implicit:
            _encrypt(server, settings, trusted)
        if settings.smtp_username:
            _sign_in(server, settings)
    except BaseException:
        server.close()
        raise
    return server


def _encrypt(server: smtplib.SMTP, settings: Settings, trusted: ssl.SSLContext) -> None:
    """Go on encrypted, or not at all."""
    if not server.has_extn("starttls"):
        where = f"{settings.smtp_host} offers no STARTTLS on port {settings.smtp_port}"
        raise Undelivered(f"{where}: see SMTP_PORT, or SMTP_TLS within your own machine.")
    server.starttls(context=trusted)
    server.ehlo_or_helo_if_needed()


def _sign_in(server: smtplib.SMTP, settings: Settings) -> None:
    """Sign in, where that is possible."""
    if not server.has_extn("auth"):
        where = f"{settings.smtp_host} offers no sign-in on port {settings.smtp_port}"
        raise Undelivered(f"{where}: see SMTP_PORT, or leave SMTP_USERNAME empty.")
    server.login(settings.smtp_username, settings.smtp_password.get_secret_value())


def _is_alive(server: smtplib.SMTP) -> bool:
    """Tell whether a connection that was used before still works."""
    try:
        return server.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _sender(settings: Settings) -> Address:
    """Give the address that mail comes from, with its name."""
    name, _, address = settings.smtp_sender_email.rpartition("<")
    shown = name.strip().strip('"') or line(settings.selfserve_organization) or "Selfserve"
    return Address(shown, addr_spec=_ascii(address.strip("<> ")))


def _ascii(address: str) -> str:
    """Write the domain of an address as mail servers know it."""
    mailbox, _, domain = address.rpartition("@")
    return f"{mailbox}@{domain.encode('idna').decode()}"

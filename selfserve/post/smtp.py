"""The way to a mail server: encrypted unless told otherwise, with patience that ends, and no line break in a header."""

import smtplib
import ssl
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

from selfserve.addresses import normalized
from selfserve.config import Settings
from selfserve.config.mail import IMPLICIT_TLS
from selfserve.post.letters import Letter, line
from selfserve.post.rendering import render_letter

PATIENCE = 20
"""Seconds to wait for each answer of a mail server."""
_POLICY = SMTP.clone(cte_type="7bit")


class Undelivered(Exception):
    """A message did not go; it says why, and whether another try is of no use."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        """Say why."""
        super().__init__(reason)
        self.reason, self.is_final = reason, is_final


def post_letter(settings: Settings, recipient: str, letter: Letter, *, name: str, written_at: datetime) -> None:
    """Send a letter. `name` makes the same Message-ID at each try, so that one that came twice is known as one.

    Raises Undelivered.
    """
    if not settings.is_mail_set:
        raise Undelivered("No mail server is set: SMTP_HOST.", is_final=True)
    try:
        message = compose(settings, recipient, letter, name=name, written_at=written_at)
    except ValueError:
        raise Undelivered("The address cannot be written into a mail.", is_final=True) from None
    try:
        with _connected(settings) as server:
            server.send_message(message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _explained(settings, error) from None


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


def _connected(settings: Settings) -> smtplib.SMTP:
    """Connect, encrypt and sign in, as the settings say."""
    us = urlsplit(settings.address).hostname or "localhost"
    host, port = settings.smtp_host, settings.smtp_port
    is_implicit = port == IMPLICIT_TLS
    if is_implicit:
        trusted = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, us, timeout=PATIENCE, context=trusted)
    else:
        server = smtplib.SMTP(host, port, us, timeout=PATIENCE)
    try:
        if settings.smtp_tls and not is_implicit:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_username:
            server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server


def _sender(settings: Settings) -> Address:
    """Give the address that mail comes from, with its name."""
    name, _, address = settings.smtp_sender_email.rpartition("<")
    shown = name.strip().strip('"') or line(settings.selfserve_organization) or "Selfserve"
    return Address(shown, addr_spec=_ascii(address.strip("<> ")))


def _ascii(address: str) -> str:
    """Write the domain of an address as mail servers know it."""
    mailbox, _, domain = address.rpartition("@")
    return f"{mailbox}@{domain.encode('idna').decode()}"


def _explained(settings: Settings, error: Exception) -> Undelivered:
    """Say in a sentence what went wrong; of what a server says only its number is repeated, and a short reason."""
    where = settings.smtp_host
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return Undelivered(f"{where} refused the address: {_said(code, said)}", is_final=code >= 500)
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(where, error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Undelivered(f"{where} offers no STARTTLS or no sign-in: see SMTP_TLS and SMTP_USERNAME.")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Undelivered(f"{where} ended the connection.")
    return _unreached(settings, error)


def _answered(where: str, error: smtplib.SMTPResponseException) -> Undelivered:
    """Say what a mail server answered instead of yes; a mail that it refuses for good is not sent again."""
    said = _said(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Undelivered(f"{where} refused our sign-in ({error.smtp_code}): see SMTP_USERNAME and SMTP_PASSWORD.")
    if isinstance(error, smtplib.SMTPSenderRefused):
        return Undelivered(f"{where} refused the sender: {said}")
    if isinstance(error, smtplib.SMTPDataError):
        return Undelivered(f"{where} refused the mail: {said}", is_final=error.smtp_code >= 500)
    return Undelivered(f"{where} answered {said}")


def _unreached(settings: Settings, error: Exception) -> Undelivered:
    """Say why there was no talking to a mail server."""
    where, port = settings.smtp_host, settings.smtp_port
    if isinstance(error, ssl.SSLCertVerificationError):
        return Undelivered(f"The certificate of {where} cannot be trusted: {line(error.verify_message)}.")
    if isinstance(error, ssl.SSLError):
        return Undelivered(f"{where} does not speak TLS on port {port}: see SMTP_PORT and SMTP_TLS.")
    if isinstance(error, TimeoutError):
        return Undelivered(f"{where} did not answer within {PATIENCE} seconds.")
    return Undelivered(f"{where} cannot be reached on port {port}.")


def _said(code: int, said: bytes | str) -> str:
    """Repeat what a mail server said, on one line."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {line(words)}"

"""Why a message did not go, in a sentence for the admin; of what a server says its number and a few words."""

import smtplib
import ssl

from selfserve.config import Settings
from selfserve.mail_kinds import Trouble
from selfserve.post.letters import line

TOO_MANY = 421
"""What a mail server says that takes no more by this connection."""


class Undelivered(Exception):
    """A message did not go; it says why, whether another try is of no use, and whose fault it is."""

    def __init__(self, reason: str, *, is_final: bool = False, trouble: Trouble = Trouble.SERVER) -> None:
        """Say why."""
        super().__init__(reason)
        self.reason, self.is_final, self.trouble = reason, is_final, trouble


def explained(settings: Settings, error: Exception, patience: float) -> Undelivered:
    """Say in a sentence what went wrong with a mail server."""
    where = settings.smtp_host
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        trouble = Trouble.SERVER if code == TOO_MANY else Trouble.ADDRESS
        return Undelivered(f"{where} refused the address: {_said(code, said)}", is_final=code >= 500, trouble=trouble)
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(settings, error)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Undelivered(f"{where} ended the connection.")
    if isinstance(error, smtplib.SMTPException):
        return Undelivered(f"{where} offers no way to sign in that is known here: see SMTP_USERNAME.")
    return _unreached(settings, error, patience)


def _answered(settings: Settings, error: smtplib.SMTPResponseException) -> Undelivered:
    """Say what a mail server answered instead of yes; a mail that it refuses for good is not sent again."""
    where, said = settings.smtp_host, _said(error.smtp_code, error.smtp_error)
    if error.smtp_code < 0:
        return Undelivered(f"{where} does not speak SMTP on port {settings.smtp_port}: see SMTP_PORT.")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Undelivered(f"{where} refused our sign-in ({error.smtp_code}): see SMTP_USERNAME and SMTP_PASSWORD.")
    if isinstance(error, smtplib.SMTPSenderRefused):
        return Undelivered(f"{where} refused the sender: {said}")
    if isinstance(error, smtplib.SMTPDataError):
        return Undelivered(f"{where} refused the mail: {said}", is_final=error.smtp_code >= 500, trouble=Trouble.MAIL)
    return Undelivered(f"{where} answered {said}")


def _unreached(settings: Settings, error: Exception, patience: float) -> Undelivered:
    """Say why there was no talking to a mail server."""
    where, port = settings.smtp_host, settings.smtp_port
    if isinstance(error, ssl.SSLCertVerificationError):
        return Undelivered(f"The certificate of {where} cannot be trusted: {line(error.verify_message)}.")
    if isinstance(error, ssl.SSLError):
        return Undelivered(f"{where} does not speak TLS on port {port}: see SMTP_PORT and SMTP_TLS.")
    if isinstance(error, TimeoutError):
        return Undelivered(f"{where} did not answer within {patience:g} seconds.")
    return Undelivered(f"{where} cannot be reached on port {port}.")


def _said(code: int, said: bytes | str) -> str:
    """Repeat what a mail server said, on one line."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {line(words)}"

"""The settings of mail and alerts: the documented names, and one of our own for the webhook."""

import re
from email.headerregistry import Address

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from selfserve.addresses import normalized
from selfserve.config.urls import checked_http_address, is_this_machine

IMPLICIT_TLS = 465
"""The port on which a mail server speaks TLS from the first byte on: RFC 8314."""


class MailSettings(BaseSettings):
    """What it takes to send mail; without `SMTP_HOST` none is sent, and everything else works."""

    smtp_host: str = Field("", description="The mail server; empty means that no mail is sent.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port; on 465 TLS is spoken from the first byte on.")
    smtp_username: str = Field("", description="How we sign in there; empty means that we do not.")
    smtp_password: SecretStr = Field(SecretStr(""), description="The password for it.")
    smtp_sender_email: str = Field("", description="The address that mail comes from.")
    smtp_tls: bool = Field(True, description="Whether STARTTLS is insisted on; false only within your own machine.")
    email_logo_url: str = Field("", description="Address of a picture that stands at the top of a mail.")
    email_support_contact: str = Field("", description="Address shown where people may need help, in mails too.")
    email_signature: str = Field("", max_length=2000, description="The last lines of every mail, instead of our name.")
    email_subject_invitation: str = Field("", description="Subject of an invitation; empty means ours.")
    email_subject_password_reset: str = Field("", description="Subject of a password reset; empty means ours.")
    email_subject_password_changed: str = Field("", description="Subject of a changed password; empty means ours.")
    email_subject_new_sign_in: str = Field("", description="Subject of a sign-in from a new device; empty means ours.")
    email_subject_sign_in_changed: str = Field("", description="Subject of another way to sign in; empty means ours.")
    email_subject_key_created: str = Field("", description="Subject of a key made for somebody; empty means ours.")
    email_subject_key_rotated: str = Field("", description="Subject of a rotated key; empty means ours.")
    email_subject_key_expiring: str = Field("", description="Subject of a key that expires soon; empty means ours.")
    email_subject_budget: str = Field("", description="Subject of a budget that is being used up; empty means ours.")
    selfserve_alert_webhook: SecretStr = Field(
        SecretStr(""), description="Address that alerts are sent to as Slack-compatible JSON; empty means none are."
    )

    @property
    def is_mail_set(self) -> bool:
        """Whether mail is sent at all."""
        return bool(self.smtp_host)

    @property
    def is_mail_in_clear(self) -> bool:
        """Whether links, and the password of the mail server, travel to another machine unencrypted."""
        is_away = self.is_mail_set and not is_this_machine(self.smtp_host.lower())
        return is_away and not self.smtp_tls and self.smtp_port != IMPLICIT_TLS

    @field_validator("smtp_host")
    @classmethod
    def _mail_server_is_a_host(cls, host: str) -> str:
        """Accept a host name or an address."""
        host = host.strip().strip("[]")
        if host and not re.fullmatch(r"[A-Za-z0-9._:-]+", host):
            raise ValueError("must be the name of a mail server, such as smtp.example.com; its port is SMTP_PORT.")
        return host

    @field_validator("smtp_sender_email")
    @classmethod
    def _sender_has_an_address(cls, sender: str) -> str:
        """Accept an address, also with a name: `Keys <keys@example.com>`."""
        if not sender:
            return ""
        name, found = _split(sender)
        try:
            return str(Address(name, addr_spec=normalized(found))) if name else normalized(found)
        except ValueError:
            raise ValueError("must be an e-mail address, such as keys@example.com.") from None

    @field_validator("email_logo_url")
    @classmethod
    def _logo_has_an_address(cls, url: str) -> str:
        """Refuse what is no plain http or https address."""
        return checked_http_address(url)

    @field_validator("selfserve_alert_webhook")
    @classmethod
    def _webhook_has_an_address(cls, url: SecretStr) -> SecretStr:
        """Refuse what is no plain http or https address."""
        return SecretStr(checked_http_address(url.get_secret_value()))

    @field_validator(*(f"email_subject_{kind}" for kind in (
        "invitation", "password_reset", "password_changed", "new_sign_in", "sign_in_changed",
        "key_created", "key_rotated", "key_expiring", "budget",
    )))  # fmt: skip
    @classmethod
    def _subject_is_one_line(cls, subject: str) -> str:
        """Refuse what a header cannot hold (S-36)."""
        if len(subject) > 200 or not (subject.isprintable() or not subject):
            raise ValueError("must be one line of 200 characters at most.")
        return subject

    @model_validator(mode="after")
    def _sender_is_named(self) -> "MailSettings":
        """Refuse a mail server without an address that mail comes from."""
        if self.smtp_host and not self.smtp_sender_email:
            raise ValueError("SMTP_SENDER_EMAIL must be set where SMTP_HOST is: mail comes from that address.")
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> "MailSettings":
        """Refuse what means nothing without the rest: a misspelt name would be ignored in silence."""
        for name in ("smtp_sender_email", "smtp_username"):
            if getattr(self, name) and not self.smtp_host:
                raise ValueError(f"{name.upper()} is set, and SMTP_HOST is not: no mail would be sent.")
        if self.smtp_password.get_secret_value() and not self.smtp_username:
            raise ValueError("SMTP_PASSWORD is set, and SMTP_USERNAME is not: nobody would sign in with it.")
        return self


def _split(sender: str) -> tuple[str, str]:
    """Split `Name <address>` into both."""
    named = re.fullmatch(r"\s*\"?([^<>\"\r\n]*?)\"?\s*<([^<>]+)>\s*", sender)
    return (named[1], named[2]) if named else ("", sender)

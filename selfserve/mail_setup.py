"""What those who write messages down know of how they are sent: whether at all, and how a link is kept until then.

`create_app` says so once per process; the services that write a message down have no other way to the settings.
"""

import base64
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken


@dataclass(frozen=True)
class MailSetup:
    """Whether mail and alerts are sent, and the key that seals what a link opens."""

    sends_mail: bool = False
    sends_alerts: bool = False
    key: bytes = b""

    def seal(self, secret: str) -> str:
        """Encrypt what a link opens, for the while that its mail waits."""
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """Give what was sealed, None if it was sealed with another key or changed."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None

    @property
    def _fernet(self) -> Fernet:
        """The cipher of https://cryptography.io/en/latest/fernet/."""
        return Fernet(base64.urlsafe_b64encode(self.key))


_in_force = [MailSetup()]


def use_mail_setup(setup: MailSetup) -> None:
    """Let this be in force from now on."""
    _in_force[0] = setup


def mail_setup() -> MailSetup:
    """Tell what is in force."""
    return _in_force[0]

"""What an e-mail address is, and when two are the same."""

import unicodedata

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

SPECIAL_USE_DOMAIN_NAMES.clear()  # closed networks use .local and .test, and nothing is looked up here


def normalized(address: str) -> str:
    """Write an address as it is kept. Its mailbox part must be plain ASCII, so that no two look the same (S-48).

    Raises ValueError for what is no address. Nothing is looked up, and names of closed networks are fine.
    """
    try:
        found = validate_email(
            _trimmed(address), check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except EmailNotValidError:
        raise ValueError("not an e-mail address") from None
    return found.normalized


def comparable(address: str) -> str:
    """Write an address as it is compared: NFKC, case folded, trimmed."""
    return _trimmed(address).casefold()


def is_folded(address: str) -> bool:
    """Tell whether an address is written with the letters it is compared by; another one may only come to look so."""
    return unicodedata.is_normalized("NFKC", address)


def _trimmed(address: str) -> str:
    """Take off what people paste along."""
    return unicodedata.normalize("NFKC", address).strip().rstrip(".")

"""Addresses in settings: what can be one, and what it consists of."""

import re
from urllib.parse import urlsplit


def is_http_address(url: str) -> bool:
    """Tell whether a text is a plain http or https address."""
    is_plain = not re.search(r"[\s;,'\"<>@]", url)
    return is_plain and is_readable(url) and bool(re.match(r"https?://[^/?#]", url))


def is_plain_address(url: str) -> bool:
    """Tell whether a path can be put behind an http or https address: it asks for nothing and points at nothing."""
    return is_http_address(url) and not re.search(r"[?#]", url)


def is_readable(url: str) -> bool:
    """Tell whether an address can be taken apart and its port, if it names one, exists."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def checked_http_address(url: str) -> str:
    """Accept a plain http or https address, or none; a slash that stands for nothing is left out.

    Raises ValueError with the mend.
    """
    url = url.strip()
    if url and not is_http_address(url):
        raise ValueError("must be an address such as `https://keys.example.com`.")
    parts = urlsplit(url)
    return url.rstrip("/") if parts.path in ("", "/") and not parts.query else url


def origin_of(url: str) -> str:
    """Give scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine."""
    return is_this_machine(urlsplit(url).hostname or "")


def is_this_machine(host: str) -> bool:
    """Tell whether a host is this machine."""
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))

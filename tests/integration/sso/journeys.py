"""The way to the provider and back, as a browser goes it."""

import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask

from selfserve.models import AuditEvent
from tests.clients import Answer, Browser, InProcess
from tests.factories import rows
from tests.provider import IdentityProvider


def visit(address: str) -> str:
    """Open an address of the provider; give where it sends back to."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        response.read()
        return response.headers["Location"] or ""
    finally:
        connection.close()


def query_of(address: str) -> dict[str, str]:
    """Read the words of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def path_of(address: str) -> str:
    """Leave out scheme and host."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


@dataclass
class Door:
    """The portal and its provider."""

    app: Flask
    idp: IdentityProvider

    def browser(self) -> Browser:
        """A browser in which nobody has signed in."""
        return Browser(InProcess(self.app))

    def sign_in(self, page: Browser | None = None, **query: Any) -> Answer:
        """Go all the way: to the provider, which lets in whom it knows, and back."""
        page = page or self.browser()
        return page.get(self.way_back(page, **query))

    def way_back(self, page: Browser, **query: Any) -> str:
        """Go to the provider, and give the address that it sends back to."""
        return path_of(visit(self.way_there(page, **query)))

    def way_there(self, page: Browser, **query: Any) -> str:
        """Give the address of the provider that a browser is sent to."""
        answer = page.get(f"/ui/sso?{urlencode(query)}")
        assert answer.status == 303, answer.text
        return answer.location

    def refusal(self) -> dict[str, Any]:
        """What was last written down of who was not let in."""
        event = [event for event in rows(AuditEvent) if event.action == "login.refused"][-1]
        return {"who": event.object_id} | event.after

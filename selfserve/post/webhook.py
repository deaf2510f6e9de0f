"""The way to the webhook of alerts: one configured address, no redirects (S-34)."""

import json
import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from selfserve.config import Settings
from selfserve.post.lines import Line
from selfserve.post.reasons import Undelivered

PATIENCE = 10
"""Seconds to reach it and for each wait ..."""
WHOLE = 20
"""... and for all of it."""


def post_alert(settings: Settings, text: str) -> None:
    """Send a line of text as Slack, Mattermost and others take it.

    Raises Undelivered, with the host alone: the rest of the address is a secret.
    """
    address = settings.selfserve_alert_webhook.get_secret_value()
    if not address:
        raise Undelivered("No webhook is set: SELFSERVE_ALERT_WEBHOOK.", is_final=True)
    host = urlsplit(address).hostname
    line = Line()
    try:
        with closing(line), line.within(WHOLE):
            status = _status_of(address, json.dumps({"text": text}).encode(), line)
    except (HTTPException, OSError, ValueError):
        raise Undelivered(f"{host} does not answer.") from None
    if not 200 <= status < 300:
        raise Undelivered(f"{host} answered {status}.", is_final=status in (400, 403, 404, 410))


def _status_of(address: str, body: bytes, line: Line) -> int:
    """Send one request; give the status of its answer, of which no more is read."""
    parts = urlsplit(address)
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    connection = (HTTPSConnection if is_secure else HTTPConnection)(host, parts.port)
    with closing(connection):
        plain = line.reach(host, connection.port, PATIENCE)
        connection.sock = plain
        if is_secure:
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status

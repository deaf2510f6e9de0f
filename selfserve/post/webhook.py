"""The way to the webhook of alerts: one configured address, no redirects (S-34)."""

import json
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from selfserve.config import Settings
from selfserve.post.smtp import Undelivered

PATIENCE = 10
"""Seconds to reach it and to wait for its answer."""


def post_alert(settings: Settings, text: str) -> None:
    """Send a line of text as Slack, Mattermost and others take it.

    Raises Undelivered, with the host alone: the rest of the address is a secret.
    """
    address = settings.selfserve_alert_webhook.get_secret_value()
    if not address:
        raise Undelivered("No webhook is set: SELFSERVE_ALERT_WEBHOOK.", is_final=True)
    host = urlsplit(address).hostname
    body = json.dumps({"text": _escaped(text)}).encode()
    headers = {"content-type": "application/json"}
    try:
        with urllib3.PoolManager(num_pools=1, timeout=PATIENCE, retries=False) as pool:
            answer = pool.request("POST", address, body=body, headers=headers, redirect=False, preload_content=False)
            answer.close()
    except (HTTPError, OSError):
        raise Undelivered(f"{host} does not answer.") from None
    if not 200 <= answer.status < 300:
        is_final = answer.status in (400, 403, 404, 410)
        raise Undelivered(f"{host} answered {answer.status}.", is_final=is_final)


def _escaped(text: str) -> str:
    """Let nobody's name be a mention or a link: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

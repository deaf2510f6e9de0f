"""Logs: one JSON line per request, with the rule of the address instead of the address, and no secret (S-14, S-20)."""

import json
import sys
import time
import traceback
import uuid
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from selfserve.clock import now


def write_line(level: str, event: str, **facts: Any) -> None:
    """Write one line to standard error, with the request's id if there is a request."""
    if has_request_context():
        facts["request_id"] = g.get("request_id")
    line = {"timestamp": now().isoformat(), "level": level, "event": event} | facts
    sys.stderr.write(json.dumps(line) + "\n")


def write_error(event: str, error: Exception) -> None:
    """Write a line with the trace of an error."""
    write_line("error", event, exception="".join(traceback.format_exception(error)))


def init_logs(app: Flask) -> None:
    """Give every request an id and a line."""

    @app.before_request
    def begin() -> None:
        """Name the request; an id that a client sends is not used: it would end up in our logs."""
        g.request_id = uuid.uuid4().hex
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        """Write the line: which rule, by whom, with what result."""
        actor, rule = g.get("actor"), request.url_rule
        write_line(
            "info",
            "request",
            method=request.method if rule else "-",
            route=rule.rule if rule else "unmatched",
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.started) * 1000, 1),
            user_id=actor.user_id if actor else None,
        )
        return response

"""Logs: one JSON line per request, with the rule of the address instead of the address, and no secret (S-14, S-20)."""

import logging
import sys
import time
import uuid

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger()


def configure_logs() -> None:
    """Write JSON lines to standard error, each with the request's id."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def init_logs(app: Flask) -> None:
    """Give every request an id and a line."""

    @app.before_request
    def begin() -> None:
        """Name the request; an id that a client sends is not used: it would end up in our logs."""
        g.request_id = uuid.uuid4().hex
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        """Write the line: which rule, by whom, with what result."""
        actor = g.get("actor")
        log.info(
            "request",
            method=request.method if request.url_rule else "-",
            route=request.url_rule.rule if request.url_rule else "unmatched",
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.started) * 1000, 1),
            user_id=actor.user_id if actor else None,
        )
        return response

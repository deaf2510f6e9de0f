"""Calls to models, passed on to the upstream that serves them: as OpenAI's clients call, or as Anthropic's do."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, g, request
from flask.blueprints import BlueprintSetupState

from selfserve.calls import Admission, Outcome
from selfserve.errors import (
    BadRequest,
    BudgetExceeded,
    Forbidden,
    NotFound,
    TooMany,
    UpstreamFailed,
    UpstreamTimeout,
)
from selfserve.gateway import dialects
from selfserve.gateway.calls import Passing, Whole, send
from selfserve.gateway.client import Patience
from selfserve.gateway.dialects import Dialect
from selfserve.gateway.seats import Seats
from selfserve.gateway.streams import Stream
from selfserve.money import to_dollars
from selfserve.permissions import Permission
from selfserve.schemas.model_calls import (
    ChatCall,
    CompletionCall,
    EmbeddingCall,
    MessageCall,
    ModelAnswer,
    ModelCall,
    ResponseCall,
)
from selfserve.services.authorize import authorize
from selfserve.services.open_calls import settle
from selfserve.web.guards import current_actor, requires
from selfserve.web.links import settings
from selfserve.web.logs import write_line
from selfserve.web.render import EVENTS, JSON, passes_on, raises

api = Blueprint("gateway_api", __name__)

COST = "x-litellm-response-cost"
READING_SECONDS = 20
"""How long a piece of an answer may wait for its reader; shorter than the slack after which a call lapses."""
_HEADERS = {COST: "What the call cost in dollars, where that is known before the answer begins."}
_REFUSALS = (BadRequest, BudgetExceeded, Forbidden, NotFound, TooMany, UpstreamFailed, UpstreamTimeout)


def _set_up_seats(state: BlueprintSetupState) -> None:
    """Count the seats of this process."""
    state.app.extensions["seats"] = Seats(state.app.config["SETTINGS"].selfserve_threads)


def _sit_down() -> None:
    """Take a seat before the body is read, which may take as long as its sender likes."""
    g.seat = current_app.extensions["seats"].take()


def _stand_up(_error: BaseException | None = None) -> None:
    """Give the seat back, unless a stream keeps it."""
    if seat := g.pop("seat", None):
        seat.leave()


def _read_more() -> None:
    """Take larger bodies than elsewhere: prompts hold images."""
    request.max_content_length = settings().selfserve_call_megabytes * 1_000_000


api.record_once(_set_up_seats)
api.before_request(_sit_down)
api.before_request(_read_more)
api.teardown_request(_stand_up)


@api.post("/v1/chat/completions")
@api.post("/chat/completions")
@requires(Permission.MODEL_CALL)
@passes_on(ChatCall, ModelAnswer, headers=_HEADERS)
@raises(*_REFUSALS)
def chat(content: dict[str, Any], command: ChatCall) -> Response:
    """Chat with a model, as OpenAI's `chat/completions` does."""
    return _pass_on(dialects.CHAT, content, command)


@api.post("/v1/completions")
@api.post("/completions")
@requires(Permission.MODEL_CALL)
@passes_on(CompletionCall, ModelAnswer, headers=_HEADERS)
@raises(*_REFUSALS)
def completions(content: dict[str, Any], command: CompletionCall) -> Response:
    """Let a model go on with a text, as OpenAI's `completions` does."""
    return _pass_on(dialects.COMPLETIONS, content, command)


@api.post("/v1/embeddings")
@api.post("/embeddings")
@requires(Permission.MODEL_CALL)
@passes_on(EmbeddingCall, ModelAnswer, headers=_HEADERS)
@raises(*_REFUSALS)
def embeddings(content: dict[str, Any], command: EmbeddingCall) -> Response:
    """Turn texts into vectors, as OpenAI's `embeddings` does."""
    return _pass_on(dialects.EMBEDDINGS, content, command)


@api.post("/v1/responses")
@api.post("/responses")
@requires(Permission.MODEL_CALL)
@passes_on(ResponseCall, ModelAnswer, headers=_HEADERS)
@raises(*_REFUSALS)
def responses(content: dict[str, Any], command: ResponseCall) -> Response:
    """Ask a model for a response, as OpenAI's `responses` does."""
    return _pass_on(dialects.RESPONSES, content, command)


@api.post("/v1/messages")
@api.post("/messages")
@requires(Permission.MODEL_CALL)
@passes_on(MessageCall, ModelAnswer, headers=_HEADERS)
@raises(*_REFUSALS)
def messages(content: dict[str, Any], command: MessageCall) -> Response:
    """Send messages to a model, as Anthropic's `messages` does."""
    return _pass_on(dialects.MESSAGES, content, command)


def _pass_on(dialect: Dialect, content: dict[str, Any], command: ModelCall) -> Response:
    """Let a call in, send it on and answer with what comes back."""
    headers = {name.lower(): value for name, value in request.headers}
    passing = Passing(dialect, command, content, headers)
    admission = authorize(
        current_actor(), passing.ask, current_app.config["UPSTREAMS"], settings().selfserve_upstream_timeout
    )
    answer = _sent(passing, admission)
    _bound_reading()
    if isinstance(answer, Stream):
        return _streamed(answer)
    known = {} if answer.cost is None else {COST: f"{to_dollars(answer.cost):f}"}
    return Response(answer.body, headers=known, mimetype=JSON)


def _bound_reading() -> None:
    """Take who stops reading for gone: gunicorn would wait for ever, and the call would lapse without being counted."""
    if line := request.environ.get("gunicorn.socket"):
        line.settimeout(min(READING_SECONDS, settings().selfserve_upstream_idle))


def _sent(passing: Passing, admission: Admission) -> Whole | Stream:
    """Send a call on; why an upstream failed is written to the log, for whoever looks after it."""
    given = settings()
    patience = Patience(
        given.selfserve_upstream_first_byte, given.selfserve_upstream_idle, given.selfserve_upstream_timeout
    )
    try:
        return send(passing, admission, patience, _settling(admission))
    except (UpstreamFailed, UpstreamTimeout) as error:
        reason = str(error.__cause__ or error.message)[:300]
        write_line("warning", "upstream failed", upstream=admission.route.upstream.name, reason=reason)
        raise


def _streamed(stream: Stream) -> Response:
    """Answer with a stream, which keeps the seat and which proxies on the way must not gather up first."""
    response = Response(stream, headers={"X-Accel-Buffering": "no"}, mimetype=EVENTS)
    response.call_on_close(g.pop("seat").leave)
    return response


def _settling(admission: Admission) -> Callable[[Outcome], int | None]:
    """Make what records a call, also when the request is over and only its stream still runs."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def record(outcome: Outcome) -> int | None:
        """Record how it went."""
        with app.app_context():
            return settle(admission, outcome)

    return record

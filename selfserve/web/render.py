"""How views take and give: commands in, pages, fragments and JSON out."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, TypeVar

from flask import Response, flash, get_flashed_messages, redirect, render_template, request, url_for
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from selfserve.errors import BadRequest, DomainError
from selfserve.minting import fingerprint
from selfserve.web.bodies import read_json
from selfserve.web.messages import explain

View = Callable[..., Any]
Model = TypeVar("Model", bound=BaseModel)
JSON, TEXT, EVENTS = "application/json", "text/plain", "text/event-stream"


@dataclass(frozen=True)
class Wire:
    """What a route takes and gives, as its decorators say it; /openapi.json is made from nothing else."""

    command: type[BaseModel] | None = None
    is_form: bool = False
    is_optional: bool = False
    answer: Any = None
    status: int = 200
    kinds: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    errors: tuple[type[DomainError], ...] = ()
    token: str | None = None
    sent: dict[str, str] = field(default_factory=dict)


def wire_of(view: View) -> Wire:
    """Tell what the decorators of a view say of it."""
    return getattr(view, "wire", Wire())


def accepts(schema: type[Model], *, is_form: bool = False, is_optional: bool = False) -> Callable[[View], View]:
    """Hand the view a validated command: from the query on GET, else from a form or a JSON body."""

    def decorate(view: View) -> View:
        """Wrap one view."""

        @wraps(view)
        def read_and_call(**values: Any) -> Any:
            """Read the command, then call the view."""
            return view(validated(schema, _content(is_form, is_optional)), **values)

        return _say(read_and_call, command=schema, is_form=is_form, is_optional=is_optional)

    return decorate


def returns(
    schema: Any, *, text: Callable[[Any], str] | None = None, headers: dict[str, str] | None = None
) -> Callable[[View], View]:
    """Let only what the schema names leave, as JSON or, where `text` writes it so, as text for a terminal that asks.

    `(answer, headers)` adds headers; `headers` says what they mean.
    """

    def decorate(view: View) -> View:
        """Wrap one view."""

        @wraps(view)
        def call_and_write(*arguments: Any, **values: Any) -> Response:
            """Call the view, then write its answer."""
            answer = view(*arguments, **values)
            answer, given = answer if isinstance(answer, tuple) else (answer, {})
            checked = schema.model_validate(answer)
            if text is None:
                return Response(checked.model_dump_json() + "\n", headers=given, mimetype=JSON)
            kind = request.accept_mimetypes.best_match((JSON, TEXT), default=JSON)
            written = text(checked) if kind == TEXT else checked.model_dump_json()
            return Response(written + "\n", headers={**given, "Vary": "Accept"}, mimetype=kind)

        return _say(call_and_write, answer=schema, kinds=(JSON, TEXT) if text else (JSON,), headers=headers or {})

    return decorate


def passes_on(schema: type[Model], answer: Any, *, headers: dict[str, str]) -> Callable[[View], View]:
    """Hand the view a body as it came and what the schema reads of it; the answer is another server's, not ours."""

    def decorate(view: View) -> View:
        """Wrap one view."""

        @wraps(view)
        def read_and_call() -> Any:
            """Read the body, then call the view."""
            content = read_json()
            return view(content, validated(schema, content))

        return _say(read_and_call, command=schema, answer=answer, kinds=(JSON, EVENTS), headers=headers)

    return decorate


def redirects(endpoint: str) -> Callable[[View], View]:
    """Send whoever called on to a page when the view is done."""

    def decorate(view: View) -> View:
        """Wrap one view."""

        @wraps(view)
        def call_and_send_on(*arguments: Any, **values: Any) -> AnyResponse:
            """Call the view, then send on."""
            view(*arguments, **values)
            return redirect(url_for(endpoint), 303)

        return _say(call_and_send_on, status=303, headers={"Location": "Where to go now."})

    return decorate


def raises(*errors: type[DomainError]) -> Callable[[View], View]:
    """Say with what a view may refuse, beside what its other decorators refuse."""
    return lambda view: _say(view, errors=errors)


def wants_token(name: str) -> Callable[[View], View]:
    """Say which token of its own a public view asks for, as `Authorization: Bearer`."""
    return lambda view: _say(view, token=name)


def wants_header(name: str, meaning: str) -> Callable[[View], View]:
    """Say which header a view reads, and what it holds."""
    return lambda view: _say(view, sent=wire_of(view).sent | {name: meaning})


def _say(view: View, **words: Any) -> View:
    """Leave on a view what a decorator knows of it."""
    view.wire = replace(wire_of(view), **words)  # type: ignore[attr-defined]
    return view


def _content(is_form: bool, is_optional: bool) -> dict[str, Any]:
    """Read what was sent: the query on GET, else the fields of a form or a JSON body."""
    if request.method in ("GET", "HEAD"):
        return read_query()
    return request.form.to_dict() if is_form else read_json(is_optional=is_optional)


def validated(schema: type[Model], content: dict[str, Any]) -> Model:
    """Check content against a schema. Raises Invalid with a sentence per field."""
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise explain(error) from None


def read_query(repeated: Collection[str] = ()) -> dict[str, str]:
    """Read the query; a word given twice is refused rather than half of it ignored (S-7c), unless it may repeat."""
    for name, given in request.args.lists():
        if len(given) > 1 and name not in repeated:
            raise BadRequest(f"{name[:50]} was given {len(given)} times. Give it once.", param=name[:50])
    return request.args.to_dict()


def wants_fragment() -> bool:
    """Tell whether htmx asks for a part of the page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def render(page: str, fragment: str | None = None, status: int = 200, **context: Any) -> Response:
    """Answer with the page or, when htmx asks, with its fragment and any toasts beside it."""
    if not (fragment and wants_fragment()):
        return Response(render_template(page, **context), status=status)
    body = render_template(fragment, **context)
    if get_flashed_messages(with_categories=True):
        body += render_template("_toasts.html", **context)
    return Response(body, status=status)


def render_if_new(fragment: str, **context: Any) -> Response:
    """Answer a page that asks by itself with the fragment, or with nothing while that is what it shows.

    The fragment ends with what asks the next time, `live`: the address to ask, which gets a word of what was seen.
    """
    body = render_template(fragment, **context)
    seen = fingerprint(body)[:16]
    if seen == request.args.get("seen"):
        return Response(status=204)
    return Response(body + render_template("layouts/_live.html", **context, seen=seen))


def flash_toast(text: str, kind: str = "ok", *, undo: Iterable[str] = ()) -> None:
    """Say something briefly, beside the fragment or on the next page; `undo` names keys that can be brought back."""
    flash({"text": text, "undo": list(undo)}, kind)  # type: ignore[arg-type]


def see_other(endpoint: str, **values: Any) -> AnyResponse:
    """Send the browser on after a POST; htmx is told to go there, as it would follow a 303 unseen."""
    target = url_for(endpoint, **values)
    return Response(status=204, headers={"HX-Redirect": target}) if wants_fragment() else redirect(target, 303)

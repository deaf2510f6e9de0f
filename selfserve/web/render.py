"""How views take and give: commands in, pages, fragments and JSON out."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, flash, get_flashed_messages, redirect, render_template, request, url_for
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from selfserve.errors import BadRequest
from selfserve.web.bodies import read_json
from selfserve.web.messages import explain

View = Callable[..., Any]
Model = TypeVar("Model", bound=BaseModel)


def accepts(schema: type[Model], *, is_optional: bool = False) -> Callable[[View], View]:
    """Hand the view a validated command: from the query on GET, from the JSON body otherwise, which may be optional."""

    def decorate(view: View) -> View:
        """Wrap one view."""

        @wraps(view)
        def read_and_call(**values: Any) -> Any:
            """Read the command, then call the view."""
            is_read = request.method in ("GET", "HEAD")
            given = read_query() if is_read else read_json(is_optional=is_optional)
            return view(validated(schema, given), **values)

        return read_and_call

    return decorate


def returns(schema: Any) -> Callable[[View], View]:
    """Let only what the schema names leave, as JSON; `(answer, headers)` adds headers."""

    def decorate(view: View) -> View:
        """Wrap one view."""

        @wraps(view)
        def call_and_write(*arguments: Any, **values: Any) -> Response:
            """Call the view, then write its answer."""
            answer = view(*arguments, **values)
            answer, headers = answer if isinstance(answer, tuple) else (answer, {})
            written = schema.model_validate(answer).model_dump_json()
            return Response(written + "\n", headers=headers, mimetype="application/json")

        return call_and_write

    return decorate


def validated(schema: type[Model], content: dict[str, Any]) -> Model:
    """Check content against a schema. Raises Invalid with a sentence per field."""
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise explain(error) from None


def read_query() -> dict[str, str]:
    """Read the query; a word given twice is refused rather than half of it ignored (S-7c)."""
    for name, given in request.args.lists():
        if len(given) > 1:
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
    messages = get_flashed_messages(with_categories=True)
    if messages:
        body += render_template("_toasts.html", messages=messages, out_of_band=True)
    return Response(body, status=status)


def flash_toast(text: str, kind: str = "ok") -> None:
    """Say something briefly, beside the fragment or on the next page."""
    flash(text, kind)


def see_other(endpoint: str, **values: Any) -> AnyResponse:
    """Send the browser on after a POST; htmx is told to go there, as it would follow a 303 unseen."""
    target = url_for(endpoint, **values)
    return Response(status=204, headers={"HX-Redirect": target}) if wants_fragment() else redirect(target, 303)

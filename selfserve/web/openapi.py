"""The OpenAPI document, made from what routes, decorators and schemas already say; nothing is said here a second time.

It describes the code and not the installation: nothing but the path prefix depends on a setting (S-26).
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from selfserve import errors
from selfserve.permissions import Permission, Reach, Role, reach
from selfserve.schemas.errors import ErrorEnvelope
from selfserve.schemas.examples import EXAMPLES
from selfserve.web.guards import PUBLIC, access_of, is_pages_face
from selfserve.web.render import EVENTS, JSON, View, Wire, wire_of

Object = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_ABOUT = """\
Users, invitations, keys and spend, in the words of LiteLLM's documented management API: same paths, same fields.

Unknown fields are ignored. A null means "not given" when something is made and "clear" when it is changed. Amounts are
dollars, times are ISO 8601 in UTC. Every answer has the header `x-request-id`; name it when you ask for help."""
_KEY = "The master key, or the secret of a key: it acts as its owner, on the routes it was made for."
_SCHEMES: Object = {
    "bearerAuth": {"type": "http", "scheme": "bearer", "description": _KEY},
    "apiKeyHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "x-litellm-api-key",
        "description": "The same; it wins over `Authorization`.",
    },
    "onboardingToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The `token` of `GET /onboarding/get_token`; it lasts 15 minutes.",
    },
}
_GUARDED = (errors.Unauthenticated, errors.Forbidden, errors.TooMany, errors.Unavailable)
_WITH_JSON = (errors.TooLarge, errors.WrongMediaType, errors.Invalid)
_HEADERS = {429: {"Retry-After": "How many seconds to wait."}, 401: {"WWW-Authenticate": "`Bearer`."}}
_WHOSE = {Reach.ANYONES: "anyone's", Reach.OWN: "their own"}
_PLACEHOLDER = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True)
class Operation:
    """One route of the JSON face by one method."""

    rule: str
    method: str
    blueprint: str
    view: View
    access: Permission | str | None

    @property
    def wire(self) -> Wire:
        """What its decorators say of it."""
        return wire_of(self.view)

    @property
    def is_described(self) -> bool:
        """Whether they say what it answers."""
        return self.wire.answer is not None or self.wire.status != 200

    @property
    def path(self) -> str:
        """Its address as OpenAPI writes it: `/key/{key}/regenerate`."""
        return _PLACEHOLDER.sub(r"{\2}", self.rule)

    @property
    def room(self) -> str:
        """The word of its concern: `keys`."""
        return self.blueprint.removesuffix("_api")


@dataclass(frozen=True)
class Shapes:
    """The schemas of all commands and answers, and where each stands."""

    references: dict[tuple[Any, JsonSchemaMode], Object]
    schemas: Object

    def command(self, each: Operation) -> Object:
        """Point to what an operation takes."""
        return self.references[(each.wire.command, "validation")]

    def answer(self, each: Operation) -> Object:
        """Point to what an operation gives."""
        return self.references[(each.wire.answer, "serialization")]

    def fields(self, each: Operation) -> Object:
        """Give the schema itself of what an operation takes."""
        name = self.command(each)["$ref"].removeprefix(_SCHEMAS) if each.wire.command else ""
        found: Object = self.schemas.get(name, {})
        return found


class Terse(GenerateJsonSchema):
    """JSON Schema without what says nothing: titles that repeat a field's name, and that a field left out is null."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False

    def default_schema(self, schema: Any) -> Object:
        """Leave a default of null unsaid."""
        written = super().default_schema(schema)
        return {word: value for word, value in written.items() if (word, value) != ("default", None)}


def operations_of(app: Flask) -> Iterator[Operation]:
    """Find every route of the JSON face, by method."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if not is_pages_face(rule.rule):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                view = app.view_functions[rule.endpoint]
                yield Operation(rule.rule, method, rule.endpoint.partition(".")[0], view, access_of(app, rule.endpoint))


def describe(app: Flask, root_path: str) -> Object:
    """Write the document: every route of the JSON face that says what it answers."""
    described = [each for each in operations_of(app) if each.is_described]
    shapes = _shapes(described)
    paths: dict[str, Object] = {}
    for each in described:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, shapes)
    rooms = {each.blueprint: _room(each) for each in described}
    components = {
        "schemas": _mentioned(shapes.schemas, paths),
        "responses": {kind.__name__: _refusal(kind) for kind in _kinds().values()},
        "securitySchemes": _SCHEMES,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Selfserve", "version": "1", "description": _ABOUT},
        "servers": [{"url": root_path or "/"}],
        "security": [{"bearerAuth": []}, {"apiKeyHeader": []}],
        "tags": [rooms[name] for name in app.blueprints if name in rooms],
        "paths": paths,
        "components": components,
    }


def _shapes(operations: list[Operation]) -> Shapes:
    """Write every schema once: commands as they may come in, answers as they go out."""
    commands = [(each.wire.command, "validation") for each in operations if each.wire.command]
    answers = [(each.wire.answer, "serialization") for each in operations if each.wire.answer]
    wanted: Any = list(dict.fromkeys([*commands, *answers, (ErrorEnvelope, "serialization")]))
    references, written = models_json_schema(wanted, ref_template=_SCHEMAS + "{model}", schema_generator=Terse)
    for name, schema in written["$defs"].items():
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    return Shapes(references, written["$defs"])


def _mentioned(schemas: Object, paths: Object) -> Object:
    """Leave out the schemas of queries: each of their fields stands among the parameters."""
    words = json.dumps([paths, schemas, _refusal(errors.NotFound)])
    return {name: schema for name, schema in schemas.items() if f'"{_SCHEMAS}{name}"' in words}


def _operation(each: Operation, shapes: Shapes) -> Object:
    """Describe one operation."""
    summary, _, more = (inspect.getdoc(each.view) or "").partition("\n")
    described: Object = {
        "operationId": each.method.lower() + re.sub(r"[\W_]+", " ", each.path).title().replace(" ", ""),
        "tags": [each.room],
        "summary": summary.rstrip(".").replace("`", ""),
        "description": f"{more.strip()}\n\n{_who(each)}".strip(),
        "parameters": _parameters(each, shapes),
        "responses": _responses(each, shapes),
    }
    if each.access == PUBLIC:
        described["security"] = [{each.wire.token: []}] if each.wire.token else []
    if each.wire.command and each.method != "GET":
        kind = "application/x-www-form-urlencoded" if each.wire.is_form else JSON
        content = {kind: {"schema": shapes.command(each)}}
        described["requestBody"] = {"required": not each.wire.is_optional, "content": content}
    return described


def _room(each: Operation) -> Object:
    """Describe a room by the first line of its module."""
    return {"name": each.room, "description": (sys.modules[each.view.__module__].__doc__ or "").partition("\n")[0]}


def _who(each: Operation) -> str:
    """Say which roles may, and to whose things."""
    if not isinstance(each.access, Permission):
        return "For everybody: it needs no key."
    reaches = {role: reach(role, each.access) for role in Role}
    return f"For {', '.join(f'`{role}` ({_WHOSE[how_far]})' for role, how_far in reaches.items() if how_far)}."


def _parameters(each: Operation, shapes: Shapes) -> list[Object]:
    """Describe all that is asked beside a body: in the address, in its query, in headers of its own."""
    in_query = _in_query(each, shapes) if each.method == "GET" else []
    sent = each.wire.sent.items()
    in_headers = [_parameter("header", name, {"type": "string", "description": says}, True) for name, says in sent]
    return _in_path(each, shapes) + in_query + in_headers


def _in_path(each: Operation, shapes: Shapes) -> list[Object]:
    """Describe the placeholders of an address; one that is a field of the command too is that field."""
    fields = shapes.fields(each).get("properties", {})
    kinds = {"uuid": {"type": "string", "format": "uuid"}}
    return [
        _parameter("path", name, fields.get(name) or kinds.get(kind, {"type": "string", "minLength": 1}), True)
        for kind, name in _PLACEHOLDER.findall(each.rule)
    ]


def _in_query(each: Operation, shapes: Shapes) -> list[Object]:
    """Describe the fields of a query."""
    schema = shapes.fields(each)
    return [
        _parameter("query", name, field, name in schema.get("required", ()))
        for name, field in schema.get("properties", {}).items()
    ]


def _parameter(place: str, name: str, field: Object, is_required: bool) -> Object:
    """Describe one word of an address, where nothing can be null."""
    given = _without_null(field)
    words = {"description": given.pop("description")} if "description" in given else {}
    return {"name": name, "in": place, "required": is_required, "schema": given} | words


def _without_null(field: Object) -> Object:
    """Take the null out of the schema of a field."""
    kept = {word: value for word, value in field.items() if word != "anyOf"}
    choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
    return (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}) | kept


def _responses(each: Operation, shapes: Shapes) -> Object:
    """List what an operation may answer: when it is done, and each way to refuse."""
    done: Object = {"description": "Done." if each.wire.answer else "Done; go to `Location`."}
    if each.wire.headers:
        done["headers"] = _headers(each.wire.headers)
    if each.wire.answer:
        kinds = {JSON: shapes.answer(each), EVENTS: {}}
        done["content"] = {kind: {"schema": kinds.get(kind, {"type": "string"})} for kind in each.wire.kinds}
    names = {status: kind.__name__ for status, kind in _kinds().items()}
    refusals = {str(status): {"$ref": f"#/components/responses/{names[status]}"} for status in sorted(_statuses(each))}
    return {str(each.wire.status): done} | refusals


def _statuses(each: Operation) -> set[int]:
    """Gather the statuses of the guard, of reading the command, and of what the view itself says it raises."""
    causes: list[type[errors.DomainError]] = [errors.BadRequest, *each.wire.errors]
    if each.access != PUBLIC:
        causes += _GUARDED
    if each.wire.command:
        causes += (errors.Invalid,) if each.method == "GET" else _WITH_JSON
    return {cause.status for cause in causes}


def _kinds() -> dict[int, type[errors.DomainError]]:
    """Give the error that stands for each status."""
    return {kind.status: kind for kind in reversed(errors.DomainError.__subclasses__())}


def _refusal(kind: type[errors.DomainError]) -> Object:
    """Describe one way to refuse."""
    body = {"message": "What is wrong, and how to mend it.", "type": kind.type, "param": None, "code": str(kind.status)}
    content = {"schema": {"$ref": f"{_SCHEMAS}{ErrorEnvelope.__name__}"}, "example": {"error": body}}
    described: Object = {"description": inspect.getdoc(kind), "content": {JSON: content}}
    return described | ({"headers": _headers(_HEADERS[kind.status])} if kind.status in _HEADERS else {})


def _headers(meanings: dict[str, str]) -> Object:
    """Describe headers."""
    return {name: {"description": words, "schema": {"type": "string"}} for name, words in meanings.items()}

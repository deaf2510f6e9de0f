"""Walks over every address of the house, read from the URL map: what is new is walked without being told of."""

import ast
import importlib
import itertools
import json
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from selfserve import schemas
from selfserve.clock import now
from selfserve.permissions import Permission, Role, reach
from selfserve.web.guards import PUBLIC, access_of, is_pages_face
from selfserve.web.render import wire_of
from tests.application import the_app
from tests.clients import Answer, Browser, Curl, check_any
from tests.integration.security.actions import BODIES, MODEL_CALLS, PRICED, READ_SHAPED, Deed, Scene

NEEDED = {
    "start_date": lambda: (now() - timedelta(days=20)).date().isoformat(),
    "end_date": lambda: now().date().isoformat(),
}
"""Words without which an address answers nothing."""
PAGES_OF = {"settings.edit_price": f"model={PRICED}"}
"""What a page is asked for, where it shows more then."""
numbers = itertools.count(1)
VIEWS = Path(__file__).parents[3] / "selfserve" / "blueprints"


@dataclass(frozen=True)
class Route:
    """One rule by one method."""

    rule: str
    method: str
    endpoint: str
    access: Permission | str

    @property
    def is_page(self) -> bool:
        """Whether it belongs to the pages."""
        return is_pages_face(self.rule)

    @property
    def deed(self) -> Deed:
        """The same as a deed, to fill in its address and its body."""
        return Deed(self.rule, self.endpoint, self.access, BODIES.get(self.endpoint, {}))

    @property
    def command(self) -> Any:
        """The schema of what it takes, where its decorators say so."""
        return wire_of(the_app().view_functions[self.endpoint]).command

    @property
    def words(self) -> tuple[str, ...]:
        """The words that its query may hold: its own schema's, or any that some page reads."""
        if self.is_page:
            return words_of_pages()
        return fields_of(self.command) if self.command else ()

    def is_open_to(self, role: Role | None) -> bool:
        """Whether a role, or a stranger, may call it at all."""
        return self.access == PUBLIC or (role is not None and reach(role, self.access) is not None)

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


@cache
def routes() -> tuple[Route, ...]:
    """List every rule by every method."""
    app = the_app()
    found = [
        Route(rule.rule, method, rule.endpoint, access_of(app, rule.endpoint))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return tuple(sorted(found, key=lambda route: (route.rule, route.method)))


ROUTES = routes()
READS = [route for route in ROUTES if route.method == "GET"]
WRITES = [route for route in ROUTES if route.method == "POST"]
GUARDED = [route for route in ROUTES if route.access != PUBLIC]
NO_WRITES = READ_SHAPED | MODEL_CALLS
GUARDED_WRITES = [route for route in GUARDED if route.method == "POST" and route.endpoint not in NO_WRITES]


def named(found: list[Route]) -> dict[str, Any]:
    """Parametrise a test by routes."""
    return {"argvalues": found, "ids": [str(route) for route in found]}


def fields_of(schema: Any) -> tuple[str, ...]:
    """Name the fields of a schema as they are sent."""
    return tuple(field.alias or name for name, field in schema.model_fields.items())


@cache
def words_of_pages() -> tuple[str, ...]:
    """Find every word that some page reads from its address: of a filter's schema, or by name."""
    words: set[str] = set()
    for path in [path for path in VIEWS.rglob("*.py") if path.name != "api.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words |= _words_in(node)
    return tuple(sorted(words))


def _words_in(node: ast.AST) -> set[str]:
    """Give the words that one expression reads from the query."""
    match node:
        case (
            ast.Call(func=ast.Name(id="read_filter"), args=[ast.Name(id=schema)])
            | ast.Call(args=[ast.Name(id=schema), ast.Call(func=ast.Name(id="read_query"))])
        ):
            return set(fields_of(schemas_by_name()[schema]))
        case ast.Call(
            func=ast.Attribute(attr="get" | "getlist", value=ast.Attribute(attr="args")), args=[ast.Constant(word), *_]
        ):
            return {word}
        case ast.Compare(left=ast.Constant(word), comparators=[ast.Attribute(attr="args")]):
            return {word}
    return set()


@cache
def schemas_by_name() -> dict[str, Any]:
    """Find every schema by its name."""
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(schemas.__path__):
        found |= vars(importlib.import_module(f"{schemas.__name__}.{module.name}"))
    return found


@dataclass
class Visitor:
    """Somebody who walks: signed in or not, with a key or without."""

    page: Browser
    door: Curl
    token: str

    def ask(self, route: Route, scene: Scene, query: str = "", *, htmx: bool = False, **headers: str) -> Answer:
        """Open an address by GET by the door of its face; a page is not parsed, which takes longer than all else."""
        needed = [asked(word, value()) for word, value in NEEDED.items() if word in route.words and word not in query]
        asks = "&".join([*filter(None, [query]), *needed]) if not route.is_page else query
        address = route.deed.path(scene) + (f"?{asks}" if asks else "")
        if not route.is_page:
            return self.door.get(address, headers=headers)
        sent = {"Accept": "text/html"} | ({"HX-Request": "true"} if htmx else {}) | headers
        answer = self.page.transport.send("GET", address, sent, None)
        check_any(answer, f"{route} answered {answer.status}: {answer.text[:500]}", reveals=False)
        return answer

    def reads(self, route: Route, scene: Scene) -> Iterator[tuple[str, bool]]:
        """Give each word that a query may hold, and whether nonsense in it changes what this address answers."""
        plain = without_chance(self.ask(route, scene))
        for word in route.words:
            yield word, without_chance(self.ask(route, scene, asked(word, "no' such"))) != plain

    def do(self, route: Route, scene: Scene, more: dict[str, Any] | None = None, *, htmx: bool = False) -> Answer:
        """Send a request that would work for Ada, under names that are free; a page's with the token of the session."""
        address, fields = route.deed.path(scene), fresh(route.deed.fields(scene)) | (more or {})
        if route.is_page:
            return self.page.post(address, fields | {"csrf_token": self.token}, htmx=htmx, reveals=True)
        return self.door.post(address, fields, reveals=True)


def without_chance(answer: Answer) -> str:
    """Give an answer without what differs each time: tokens, numbers of requests, the way back to where one is."""
    return re.sub(r'[0-9a-f]{32}|[\w.-]{40,}|name="next" value="[^"]*"', "", answer.text)


def visitor(browser: Any, curl: Any, user: Any = None) -> Visitor:
    """Let somebody in by both doors."""
    page = browser(user)
    page.get("/ui/account" if user else "/ui/login")
    return Visitor(page, curl(user), page.csrf_token())


def fresh(fields: dict[str, Any]) -> dict[str, Any]:
    """Make names that must be free differ from all before."""
    number = next(numbers)
    address = f"new{number}@example.com"
    free = {"key_alias": f"new {number}", "emails": address, "user_email": address}
    return {name: free.get(name, value) for name, value in fields.items()}


def body_of(route: Route, scene: Scene, token: str) -> tuple[dict[str, str], bytes | None]:
    """Write the body that a route takes, a page's as a form with its token; give the header that says so first."""
    if route.method == "GET":
        return {}, None
    fields = fresh(route.deed.fields(scene))
    if route.is_page:
        form = urlencode(fields | {"csrf_token": token}, doseq=True)
        return {"Content-Type": "application/x-www-form-urlencoded"}, form.encode()
    return {"Content-Type": "application/json"}, json.dumps(fields).encode()


def asked(word: str, value: str) -> str:
    """Write a query of one word."""
    return f"{word}={quote(value, safe='')}"


def queries(route: Route, scene: Scene) -> list[str]:
    """Write the queries under which an address shows the most: none, each name of a scene, and the widest."""
    names = {
        "key": scene.key.row.id, "api_key": scene.key.row.token, "user_id": scene.user.user_id, "user": scene.user.id,
        "invitation_id": scene.invitation.row.id,
    }  # fmt: skip
    wide = {"return_full_object": "true", "summarize": "false", "list": "all", "scope": "everyone", "status": "deleted"}
    return ["", *(asked(word, value) for word, value in (names | wide).items() if word in route.words)]


def written(answer: Answer) -> str:
    """Give all that an answer says, in its body, its headers and its cookies."""
    return f"{answer.text} {json.dumps(answer.headers)} {answer.cookies}"

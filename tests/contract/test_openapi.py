"""The API's description of itself is whole; that it is true is seen in every test that calls (tests/openapi.py)."""

import json
import re

import pytest

from selfserve.errors import DomainError
from selfserve.schemas.examples import EXAMPLES
from selfserve.web.guards import PUBLIC
from selfserve.web.openapi import describe, operations_of
from selfserve.web.render import wire_of
from tests.application import the_app
from tests.openapi import the_document, validator
from tests.servers import ROOT

pytestmark = pytest.mark.any_database

OPERATIONS = list(operations_of(the_app()))
COMMANDS = {each.wire.command for each in OPERATIONS if each.wire.command and each.method != "GET"}
DOCUMENTED = [
    (path, method, operation)
    for path, methods in the_document()["paths"].items()
    for method, operation in methods.items()
]
named = pytest.mark.parametrize(
    ("path", "method", "operation"), DOCUMENTED, ids=[f"{method} {path}" for path, method, _operation in DOCUMENTED]
)


def references(part):
    """Find every `$ref` in a part of the document."""
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from references(child)


def test_every_route_of_the_json_face_is_described():
    """Who adds a route says @returns, or the suite fails here and wherever the route is called."""
    assert [f"{each.method} {each.rule}" for each in OPERATIONS if not each.is_described] == []
    assert {(each.path, each.method.lower()) for each in OPERATIONS} == {
        (path, method) for path, method, _ in DOCUMENTED
    }


def test_a_route_that_forgets_its_schema_is_noticed():
    house = describe(the_app(), "")
    forgetful = next(each for each in OPERATIONS if each.rule == "/key/info")
    known = wire_of(forgetful.view)
    try:
        forgetful.view.wire = type(known)()
        assert "/key/info" in house["paths"]
        assert "/key/info" not in describe(the_app(), "")["paths"]
        assert not forgetful.is_described
    finally:
        forgetful.view.wire = known


def test_every_reference_leads_somewhere():
    for reference in set(references(the_document())):
        found = the_document()
        for word in reference.removeprefix("#/").split("/"):
            found = found[word]
        assert found


def test_every_schema_is_mentioned_and_readable():
    mentioned = set(references(the_document()))
    for name in the_document()["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in mentioned
        assert validator(f"#/components/schemas/{name}")


def test_no_two_operations_have_one_name():
    names = [operation["operationId"] for _path, _method, operation in DOCUMENTED]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"(get|post)([A-Z][a-z0-9]*)+", name) for name in names)


@named
def test_an_operation_says_all_of_itself(path, method, operation):
    assert 10 < len(operation["summary"]) < 160
    assert "`" not in operation["summary"]
    assert set(operation["tags"]) <= {tag["name"] for tag in the_document()["tags"]}
    assert {one["name"] for one in operation["parameters"] if one["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
    assert all("null" not in json.dumps(one["schema"]) for one in operation["parameters"])
    assert "400" in operation["responses"]
    assert ("requestBody" in operation) <= (method == "post")


@named
def test_an_operation_says_who_may_call_it(path, method, operation):
    access = next(each.access for each in OPERATIONS if (each.path, each.method.lower()) == (path, method))
    guarded = {"401", "403", "429", "503"} <= set(operation["responses"])
    if access == PUBLIC:
        assert operation["security"] in ([], [{"onboardingToken": []}])
    else:
        assert "security" not in operation  # the document's own: a key, in either header
        assert guarded
        assert "`proxy_admin` (" in operation["description"]


def test_each_status_is_the_one_its_error_has():
    responses = the_document()["components"]["responses"]
    kinds = {kind.__name__: kind for kind in DomainError.__subclasses__()}
    for name, response in responses.items():
        example = response["content"]["application/json"]["example"]["error"]
        assert (example["code"], example["type"]) == (str(kinds[name].status), kinds[name].type)


def test_what_goes_out_is_described_under_its_documented_names():
    """Aliases are for reading rows; the wire has the documented words, all of them always there."""
    row = the_document()["components"]["schemas"]["KeyAnswer"]
    assert {"key_alias", "expires", "blocked", "metadata"} <= set(row["properties"])
    assert not {"alias", "expires_at", "is_blocked", "details"} & set(row["properties"])
    assert set(row["required"]) == set(row["properties"])
    assert row["properties"]["spend"] == {"type": "number"}


# -- examples --------------------------------------------------------------------------------------------------


def test_every_body_has_an_example():
    assert {command.__name__ for command in COMMANDS} <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_its_schema_says(name):
    example = EXAMPLES[name]
    assert [str(problem) for problem in validator(f"#/components/schemas/{name}").iter_errors(example)] == []
    for command in COMMANDS:
        if command.__name__ == name:
            assert set(command.model_validate(example).model_fields_set) == set(example)


def test_the_documented_request_is_the_example():
    assert EXAMPLES["UserCreate"] == {"user_email": "dana@example.com", "user_role": "internal_user"}


def test_under_a_prefix_it_says_so():
    assert describe(the_app(), "/llm/keys")["servers"] == [{"url": "/llm/keys"}]
    assert the_document()["servers"] == [{"url": "/"}]


def test_the_written_page_names_every_call():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [path for path, _method, _operation in DOCUMENTED if f"/{path.rpartition('/')[2]}`" not in page] == []

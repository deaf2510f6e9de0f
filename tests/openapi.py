"""Holds every answer of the JSON face against /openapi.json: no answer that the document does not know."""

from functools import cache
from urllib.parse import unquote, urlsplit

import jsonschema_rs
from werkzeug.exceptions import MethodNotAllowed, NotFound

from selfserve.web.guards import is_pages_face
from selfserve.web.openapi import operations_of
from tests.application import the_app

ERROR = {"$ref": "#/components/schemas/ErrorEnvelope"}
UNDESCRIBED = {NotFound: (400, 404), MethodNotAllowed: (400, 405)}
"""What no operation describes: addresses that do not exist, methods that they do not take."""


@cache
def the_document():
    """The document, through the door that everybody uses."""
    return the_app().test_client().get("/openapi.json").json


@cache
def the_paths():
    """The document's word for each route."""
    return {(each.rule, each.method): each.path for each in operations_of(the_app())}


def check_described(method, path, answer, what):
    """Fail when the document does not know this route, this status, this kind of body, or its shape."""
    try:
        rule, _values = the_app().url_map.bind("").match(unquote(urlsplit(path).path), method, return_rule=True)
    except (NotFound, MethodNotAllowed) as error:
        assert answer.status in UNDESCRIBED[type(error)], what
        check_shape(answer, what, ERROR)
    else:
        if not is_pages_face(rule.rule):
            check_answer(described(rule.rule, method), answer, f"{what} by {method} {rule.rule}")


def check_answer(responses, answer, what):
    """Fail when a known route answers as the document does not say."""
    assert responses, f"{what}: /openapi.json does not know it; say @returns at its view"
    response = responses.get(str(answer.status))
    assert response, f"{what}: /openapi.json says {', '.join(responses)}; say @raises at its view"
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert kind in response.get("content", {kind: None}), what
    if kind == "application/json":
        check_shape(answer, what, response["content"][kind]["schema"])


@cache
def described(rule, method):
    """Give what the document says of the answers of a route."""
    document = the_document()
    operation = document["paths"].get(the_paths()[rule, method], {}).get(method.lower(), {})
    responses = document["components"]["responses"]
    return {
        status: responses[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
        for status, response in operation.get("responses", {}).items()
    }


def check_shape(answer, what, schema):
    """Fail when a body is not of the shape that is described."""
    problems = list(validator(schema["$ref"]).iter_errors(answer.json))
    assert not problems, f"{what}: {problems[0]}"


@cache
def validator(reference):
    """Read a schema of the document once."""
    whole = {"$ref": reference, "components": the_document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)

"""The API describes itself: for programs, and for people who would rather read."""

from typing import Any

from flask import Blueprint, Response, current_app

from selfserve.schemas.docs import ApiDocument
from selfserve.web.guards import public
from selfserve.web.headers import content_policy
from selfserve.web.links import settings
from selfserve.web.openapi import Object, describe
from selfserve.web.render import render, returns

api = Blueprint("docs_api", __name__)


@api.get("/openapi.json")
@public
@returns(ApiDocument)
def openapi() -> Any:
    """Describe every call of this API, in OpenAPI 3.1."""
    return _document()


@api.get("/docs")
@public
def page() -> Response:
    """Show the same to people; the viewer draws its icons from addresses that hold the picture itself."""
    response = render("docs/index.html", document=_document())
    response.headers["Content-Security-Policy"] = content_policy(settings(), images="'self' data:")
    return response


def _document() -> Object:
    """Give the document; it is written when somebody first asks."""
    if "openapi" not in current_app.extensions:
        current_app.extensions["openapi"] = describe(current_app, settings().server_root_path)
    document: Object = current_app.extensions["openapi"]
    return document

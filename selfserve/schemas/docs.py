"""The API's description of itself on the wire."""

from typing import Any

from pydantic import RootModel


class ApiDocument(RootModel[dict[str, Any]]):
    """`GET /openapi.json`: an OpenAPI 3.1 document."""

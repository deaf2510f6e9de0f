"""The filters of a list as they stand in its address: read strictly, written back clean."""

from collections.abc import Collection
from typing import Any

from flask import request
from pydantic import BaseModel

from selfserve.errors import BadRequest, Invalid
from selfserve.web.render import Model, read_query, validated


def read_filter(schema: type[Model], *, repeated: Collection[str] = ()) -> Model:
    """Read the filters of a list from the query; an empty field of the filter form means none. Raises Invalid.

    `repeated` are words beside the filters that may stand there many times.

    After a deed they only say where to go back to: then a damaged address means the whole list, not a refusal.
    """
    try:
        return validated(schema, {name: value for name, value in read_query(repeated).items() if value.strip()})
    except (BadRequest, Invalid):
        if request.method == "POST":
            return schema()
        raise


def place_of(wanted: BaseModel) -> dict[str, Any]:
    """Give the filters that are set, as the query of a link that keeps them."""
    return {name: value for name, value in wanted if value is not None}

"""The filters of a list as they stand in its address: read strictly, written back clean."""

from typing import Any

from pydantic import BaseModel

from selfserve.web.render import Model, read_query, validated


def read_filter(schema: type[Model]) -> Model:
    """Read the filters of a list from the query; an empty field of the filter form means none. Raises Invalid."""
    return validated(schema, {name: value for name, value in read_query().items() if value.strip()})


def place_of(wanted: BaseModel) -> dict[str, Any]:
    """Give the filters that are set, as the query of a link that keeps them."""
    return {name: value for name, value in wanted if value is not None}

"""What is wrong with a field, in plain words: one sentence per kind of error that pydantic knows."""

from typing import Any

from pydantic import ValidationError

from selfserve.errors import Invalid

_SENTENCES = {
    "missing": "is needed.",
    "string_type": "must be text.",
    "string_too_short": "must not be empty.",
    "string_too_long": "must be at most {max_length} characters long.",
    "int_type": "must be a whole number.",
    "int_parsing": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "int_parsing_size": "is too large a number.",
    "greater_than_equal": "must be {ge} or more.",
    "less_than_equal": "must be {le} or less.",
    "bool_type": "must be true or false.",
    "bool_parsing": "must be true or false.",
    "list_type": "must be a list.",
    "dict_type": "must be an object.",
    "too_long": "must have at most {max_length} entries.",
    "too_short": "must not be empty.",
    "literal_error": "must be one of {expected}.",
    "enum": "must be one of {expected}.",
    "date_parsing": "must be a date such as 2026-12-31.",
    "date_from_datetime_parsing": "must be a date such as 2026-12-31.",
    "extra_forbidden": "is not a field of this form.",
    "sentence": "{message}",
}


def explain(error: ValidationError) -> Invalid:
    """Turn pydantic's complaints into one sentence per field; never repeats the value that was sent."""
    fields: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_input=False):
        fields.setdefault(_name(problem["loc"]), _sentence(problem))
    param, sentence = next(iter(fields.items()))
    return Invalid(f"{param}: {sentence}" if param else sentence, param=param or None, fields=fields)


def _name(location: tuple[int | str, ...]) -> str:
    """Give the field that a complaint is about."""
    return str(location[0]) if location else ""


def _sentence(problem: Any) -> str:
    """Put one complaint in words."""
    template = _SENTENCES.get(problem["type"])
    context = problem.get("ctx", {})
    return template.format(**context) if template else "is not valid."

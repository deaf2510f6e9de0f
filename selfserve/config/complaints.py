"""What is wrong with a setting, in words that say the mend."""

from typing import Any

_MENDS = {
    "missing": "is not set. `python -m selfserve.setup` makes it, or set it yourself.",
    "string_too_short": "is too short.",
    "int_parsing": "must be a whole number.",
    "bool_parsing": "must be true or false.",
    "greater_than_equal": "must be {ge} or more.",
    "less_than_equal": "must be {le} or less.",
    "string_too_long": "must be at most {max_length} characters long.",
}


def complaint(problem: Any) -> str:
    """Say what is wrong with one setting, without its value."""
    name = ".".join(str(part) for part in problem["loc"]).upper()
    if problem["type"] == "value_error":
        return f"{name} {problem['msg'].removeprefix('Value error, ')}".strip()
    return f"{name} {_MENDS.get(problem['type'], 'cannot be used as it is.').format(**problem.get('ctx', {}))}"

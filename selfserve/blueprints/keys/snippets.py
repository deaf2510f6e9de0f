"""Which models the examples beside a key name: its own, where a shell and a string may hold them."""

import re
from collections.abc import Collection

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


def example_models(models: Collection[str]) -> dict[str, str]:
    """Give a model for the examples and one for Claude Code."""
    plain = [model for model in models if _PLAIN.fullmatch(model)]
    claude = [model for model in plain if "claude" in model]
    return {
        "example_model": next(iter(plain), "gpt-5-mini"),
        "example_claude": next(iter(claude), "claude-sonnet-4-5"),
    }

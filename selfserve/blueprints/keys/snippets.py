"""Which models the examples beside a key name: those it may call, where a shell and a string may hold them."""

import re
from collections.abc import Collection
from typing import Any

from selfserve.gateway.listing import served_models
from selfserve.routes import CHAT, opens
from selfserve.services.models import list_models_of
from selfserve.web.links import upstreams

MOST_MODELS = 200
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")
_USUAL = ("gpt-5-mini", "claude-sonnet-4-5")


def examples_of(key: Any) -> dict[str, Any]:
    """Give the models that a key may call, those that the examples beside it name, and whether it calls any."""
    models = list_models_of(key, upstreams(), served_models(upstreams()))
    return {"models": models[:MOST_MODELS], "calls_models": opens(key.allowed_routes, CHAT), **example_models(models)}


def example_models(models: Collection[str]) -> dict[str, Any]:
    """Give a model for the examples and one for Claude Code, and tell whether it is one that may be called."""
    plain = [model for model in models if _PLAIN.fullmatch(model)]
    usual = [model for model in _USUAL if model in plain]
    claude = [model for model in [*usual, *plain] if "claude" in model]
    return {
        "example_model": next(iter([*usual, *plain]), _USUAL[0]),
        "example_claude": next(iter(claude), _USUAL[1]),
        "has_claude": bool(claude) or not plain,
    }

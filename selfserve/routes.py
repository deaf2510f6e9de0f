"""Which routes a key may be kept to."""

from collections.abc import Collection

_ROUTES = {
    "management_routes": ("/key/", "/v2/key/", "/user/", "/v2/user/", "/invitation/", "/team/", "/budget/", "/price/"),
    "info_routes": (
        "/key/info",
        "/v2/key/info",
        "/key/health",
        "/key/list",
        "/user/info",
        "/v2/user/info",
        "/user/available_roles",
        "/user/daily/activity",
        "/spend/",
        "/price/list",
    ),
    "llm_api_routes": ("/v1/", "/chat/", "/completions", "/embeddings", "/models", "/responses", "/messages"),
}
"""The documented groups of routes that a key may be kept to."""
CHAT = "/v1/chat/completions"
"""The route that stands for calls to models."""


def opens(allowed_routes: Collection[str], rule: str) -> bool:
    """Tell whether a key may call a rule: a documented group, an exact rule, `prefix/*` or `*`; no list opens all."""
    return not allowed_routes or any(_leads_to(allowed, rule) for allowed in allowed_routes)


def _leads_to(allowed: str, rule: str) -> bool:
    """Tell whether one entry of a list of routes stands for a rule."""
    if allowed in _ROUTES:
        return rule.startswith(_ROUTES[allowed])
    return rule.startswith(allowed[:-1]) if allowed.endswith("*") else rule == allowed

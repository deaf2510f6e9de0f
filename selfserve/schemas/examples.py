"""What calls and answers look like in /openapi.json: an example by the name of its schema, none with a real secret."""

from typing import Any

_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_KEY_ID = "3d2c1b0a-1111-4222-8333-444455556666"
_LINK = "11111111-2222-4333-8444-555555555555"
_MADE, _LATER, _RESET = "2026-11-24T07:24:14.656345Z", "2026-12-24T07:24:14.656345Z", "2026-12-01T00:00:00.000000Z"
_BUDGET = {"max_budget": 25, "soft_budget": 20, "budget_duration": "1mo"}
_LIMITS = {**_BUDGET, "models": ["gpt-5-mini", "claude-sonnet-4-5"], "rpm_limit": 100}

_KEY: dict[str, Any] = {
    "token": _HASH,
    "key_name": "sk-...abcd",
    "key_alias": "laptop",
    "spend": 3.2,
    "total_spend": 41.75,
    "budget_reset_at": _RESET,
    "expires": _LATER,
    "user_id": "dana",
    "team_id": None,
    "organization_id": None,
    "metadata": {},
    "tags": ["research"],
    "tpm_limit": None,
    "max_parallel_requests": None,
    "allowed_routes": [],
    "key_type": "default",
    "blocked": False,
    "status": "active",
    "last_active": _MADE,
    "last_rotation_at": None,
    "grace_ends_at": None,
    "created_at": _MADE,
    "created_by": "dana",
    "updated_at": _MADE,
    "updated_by": "dana",
    "id": _KEY_ID,
    **_LIMITS,
}
_NEW_KEY = _KEY | {
    "key": "sk-ss_shown-here-and-never-again",
    "token_id": _HASH,
    "spend": 0,
    "total_spend": 0,
    "duration": "30d",
    "last_active": None,
}
_USER: dict[str, Any] = {
    "user_id": "dana",
    "user_email": "dana@example.com",
    "user_alias": "Dana",
    "user_role": "internal_user",
    "spend": 3.2,
    "total_spend": 41.75,
    "budget_reset_at": _RESET,
    "metadata": {},
    "tpm_limit": None,
    "max_parallel_requests": None,
    "blocked": False,
    "must_change_password": False,
    "teams": [],
    "team_id": None,
    "organization_id": None,
    "sso_user_id": None,
    "created_at": _MADE,
    "updated_at": _MADE,
    **_LIMITS,
}
_PAGE = {"total_count": 1, "current_page": 1, "total_pages": 1}
_PRICE = {
    "input_cost_per_token": 0.0000005,
    "output_cost_per_token": 0.000002,
    "cache_read_input_token_cost": 0.0000001,
}
_SET_PRICE = _PRICE | {"model": "llama-of-the-house", "source": "admin", "updated_at": _MADE, "updated_by": "dana"}

EXAMPLES: dict[str, Any] = {
    "SsoReadiness": {
        "status": "healthy",
        "sso_configured": True,
        "provider": "generic",
        "message": "SSO is properly configured",
    },
    "CliStarted": {
        "login_id": "cli-the-name-of-this-sign-in",
        "poll_secret": "shown-here-and-never-again",
        "user_code": "BCDF-GHJK",
        "expires_in": 600,
        "verification_uri_complete": "https://keys.example.com/sso/key/generate?source=litellm-cli&key=cli-...",
    },
    "CliPolled": {
        "status": "ready",
        "key": "sk-ss_shown-here-and-never-again",
        "user_id": "dana",
        "team_id": None,
        "teams": [],
        "team_details": [],
    },
    "Login": {"username": "dana@example.com", "password": "seven quiet foxes at noon"},
    "UserCreate": {"user_email": "dana@example.com", "user_role": "internal_user"},
    "UserUpdate": {"user_id": "dana", "user_role": "internal_user_viewer", "max_budget": 50, "budget_duration": "30d"},
    "UserReset": {"user_id": "dana"},
    "ResetMade": {
        "user_id": "dana",
        "user_email": "dana@example.com",
        "reset_link": "https://keys.example.com/ui/reset?id=shown-here-and-never-again",
        "expires_at": _LATER,
    },
    "UserDelete": {"user_ids": ["dana"]},
    "UserNew": _USER
    | {name: _NEW_KEY[name] for name in ("key", "token", "token_id", "key_name", "key_alias", "tags", "created_by")}
    | {"spend": 0, "total_spend": 0, "expires": None, "duration": None, "allowed_routes": [], "key_type": "default"}
    | {"updated_by": "default_user_id"},
    "UserAnswer": _USER,
    "UserInfo": {"user_id": "dana", "user_info": _USER, "keys": [_KEY], "teams": []},
    "UserList": {"users": [_USER | {"key_count": 1}], "total": 1, "page": 1, "page_size": 25, "total_pages": 1},
    "UserUpdated": {"user_id": "dana", "data": _USER},
    "UsersDeleted": 1,
    "InvitationNew": {"user_id": "dana"},
    "InvitationName": {"invitation_id": _LINK},
    "InvitationUpdate": {"invitation_id": _LINK, "is_accepted": True},
    "InvitationAnswer": {
        "id": _LINK,
        "user_id": "dana",
        "is_accepted": False,
        "accepted_at": None,
        "expires_at": "2026-12-01T07:24:14.656345Z",
        "created_at": _MADE,
        "created_by": "default_user_id",
        "updated_at": _MADE,
        "updated_by": "default_user_id",
    },
    "ClaimToken": {"invitation_link": _LINK, "user_id": "dana", "password": "seven quiet foxes at noon"},
    "KeyCreate": {"key_alias": "laptop", "duration": "30d", "metadata": {"project": "research"}, **_LIMITS},
    "KeyUpdate": {"key": _KEY_ID, "key_alias": "laptop", "max_budget": 50},
    "KeyRegenerate": {"key": _KEY_ID, "grace_period": "24h"},
    "KeyName": {"key": _KEY_ID},
    "KeyNames": {"keys": [_KEY_ID], "key_aliases": ["laptop"]},
    "KeyDelete": {"key_aliases": ["laptop"]},
    "KeyGenerated": _NEW_KEY,
    "KeyInfo": {"key": _HASH, "info": _KEY},
    "KeyUpdated": _KEY | {"key": _HASH},
    "KeysInfo": {"key": [_HASH], "info": [_KEY]},
    "KeyList": {"keys": [_HASH], **_PAGE},
    "KeyAliases": {"aliases": ["laptop"], "size": 50, **_PAGE},
    "PriceUpdate": _PRICE | {"model": "llama-of-the-house"},
    "PriceDelete": {"model": "llama-of-the-house"},
    "PriceAnswer": _SET_PRICE,
    "PriceList": {"prices": [_SET_PRICE], **_PAGE},
    "PriceDeleted": {"deleted": "llama-of-the-house", "price": None},
    "KeysDeleted": {"deleted_keys": [_HASH], "not_found": []},
    "ChatCall": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Say hello."}], "stream": True},
    "CompletionCall": {"model": "gpt-3.5-turbo-instruct", "prompt": "Once upon a time", "max_tokens": 50},
    "EmbeddingCall": {"model": "text-embedding-3-small", "input": ["a quiet fox", "noon"]},
    "ResponseCall": {"model": "gpt-5-mini", "input": "Say hello.", "max_output_tokens": 200},
    "MessageCall": {
        "model": "claude-sonnet-4-5",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": "Say hello."}],
    },
}

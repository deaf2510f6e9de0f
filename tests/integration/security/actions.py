"""Every deed of both faces with a request that works for Ada, so that a refusal is a refusal of the deed itself."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from selfserve.clock import now
from selfserve.permissions import Permission
from selfserve.web.guards import PUBLIC, access_of, is_pages_face
from tests.application import the_app
from tests.factories import change, make_invitation, make_key, make_price, make_reset, make_rotating_key


@dataclass(frozen=True)
class Scene:
    """Whose things the deeds are done to."""

    key: Any
    deleted: Any
    user: Any
    invitation: Any
    reset: Any


@dataclass(frozen=True)
class Deed:
    """One route that writes."""

    rule: str
    endpoint: str
    permission: Permission
    body: dict[str, Any] = field(default_factory=dict)

    def path(self, scene: Scene) -> str:
        """Fill in the address."""
        names = {"<uuid:key_id>": scene.key.row.id, "<key>": scene.key.row.id, "<uuid:user_id>": scene.user.id}
        names |= {
            "<uuid:link_id>": scene.reset.id,
            "<login_id>": "cli-nobody",
            "<handle>": NO_HANDLE,
            "<path:model>": "gpt-4o-mini",
            "<event_id>": "1",
        }
        return re.sub("<.*?>", lambda name: names[name[0]], self.rule)

    def fields(self, scene: Scene) -> dict[str, Any]:
        """Fill in the names in the body."""
        names = {
            "<key>": scene.key.row.id,
            "<keys>": [scene.key.row.id],
            "<deleted>": scene.deleted.id,
            "<user>": scene.user.user_id,
            "<users>": [scene.user.user_id],
            "<link>": scene.invitation.secret,
        }
        return {name: names.get(value, value) if isinstance(value, str) else value for name, value in self.body.items()}


PRICED = "a-model-with-a-price"
"""The model whose price an admin set in every scene."""
BODIES: dict[str, dict[str, Any]] = {
    "keys.create": {"key_alias": "a new one"},
    "keys.edit": {"expires": "90d"},
    "keys.rotate": {"grace": "none"},
    "keys.rename": {"key_alias": "renamed"},
    "keys.restore": {"key_id": "<deleted>"},
    "keys.bulk_block": {"key_id": "<keys>"},
    "keys.bulk_unblock": {"key_id": "<keys>"},
    "keys.bulk_delete": {"key_id": "<keys>"},
    "keys.test": {"model": "gpt-4o-mini"},
    "users.create": {"emails": "new@example.com", "role": "proxy_admin"},
    "users.change_role": {"role": "proxy_admin"},
    "users.save": {"user_role": "proxy_admin", "user_email": "changed@example.com"},
    "settings.save_price": {"model": PRICED, "input_price": "3", "output_price": "15"},
    "settings.delete_price": {"model": PRICED},
    "prices_api.update": {"model": PRICED, "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05},
    "prices_api.delete": {"model": PRICED},
    "keys_api.generate": {"key_alias": "a new one"},
    "keys_api.update": {"key": "<key>", "key_alias": "renamed"},
    "keys_api.block": {"key": "<key>"},
    "keys_api.unblock": {"key": "<key>"},
    "keys_api.delete": {"keys": "<keys>"},
    "keys_api.regenerate": {"key": "<key>"},
    "keys_api.end_grace": {"key": "<key>"},
    "users_api.new": {"user_email": "new@example.com", "user_role": "proxy_admin"},
    "users_api.update": {"user_id": "<user>", "user_role": "proxy_admin"},
    "users_api.reset_password": {"user_id": "<user>"},
    "users_api.delete": {"user_ids": "<users>"},
    "gateway_api.chat": {"model": "gpt-4o-mini", "messages": []},
    "gateway_api.completions": {"model": "gpt-4o-mini", "prompt": "x"},
    "gateway_api.embeddings": {"model": "gpt-4o-mini", "input": "x"},
    "gateway_api.responses": {"model": "gpt-4o-mini", "input": "x"},
    "gateway_api.messages": {"model": "gpt-4o-mini", "messages": [], "max_tokens": 20},
    "onboarding_api.new": {"user_id": "<user>"},
    "onboarding_api.update": {"invitation_id": "<link>", "is_accepted": True},
    "onboarding_api.delete": {"invitation_id": "<link>"},
}
NO_HANDLE = "0" * 24
"""The name of no session."""
OWN_DEEDS = {
    "account.change_password",
    "account.end_session",
    "account.end_other_sessions",
    "account.change_appearance",
    "command_line.confirm",
    "confirm.by_password",
    "passwords.save",
    "sso.link",
    "keys.test",
}
"""What everybody may do to what is their own (S-7e); tested with the account page, pages/test_key_test.py,
test_proofs.py and sso/."""
READ_SHAPED = {
    "keys_api.info_v2",
    "keys_api.health",
    "settings.test_upstream",
    "settings.test_sign_in",
    "settings.test_mail",
    "settings.test_alert",
    "models.explain",
}
"""POSTs that only read (S-7e); test_roles.py, test_settings.py and test_refused.py see that they do."""
MODEL_CALLS = {endpoint for endpoint in BODIES if endpoint.startswith("gateway_api.")}
"""Calls to models: every role may make them, and they write nothing but what they cost; tests/integration/gateway/."""


def deeds(*, pages: bool) -> list[Deed]:
    """List the guarded writes of one face from the URL map; a new one without a body here is sent empty."""
    app = the_app()
    found = []
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        is_write = "POST" in rule.methods and access != PUBLIC and rule.endpoint not in READ_SHAPED | MODEL_CALLS
        if is_write and is_pages_face(rule.rule) == pages:
            found.append(Deed(rule.rule, rule.endpoint, access, BODIES.get(rule.endpoint, {})))
    return sorted(found, key=lambda deed: deed.endpoint)


PAGE_DEEDS = [deed for deed in deeds(pages=True) if deed.endpoint not in OWN_DEEDS]
CURL_DEEDS = deeds(pages=False)


def scene_of(owner: Any, user: Any) -> Scene:
    """Give somebody a key that was just rotated and one that was just deleted, somebody else three ways in."""
    gone = {"deleted_at": now(), "deleted_by": owner.user_id, "restorable_until": now() + timedelta(minutes=10)}
    make_price(PRICED)
    change(user, sso_issuer="https://login.example.com", sso_subject=user.id)
    _secret, reset = make_reset(user)
    return Scene(make_rotating_key(owner), make_key(owner, **gone).row, user, make_invitation(user), reset)


def token_of(page: Any) -> dict[str, str]:
    """Read the CSRF token of somebody's own session, to send it with whatever they should not send."""
    page.get("/ui/account")
    return {"csrf_token": page.csrf_token()}

"""The whole documented journey, over HTTP: invite, onboard, make a key, use it, delete it, be refused, sign out."""

from urllib.parse import urlsplit

from tests.application import MASTER_KEY
from tests.clients import Browser, Curl, OverHttp
from tests.html import SECRET

PASSWORD = "seven quiet foxes at noon"


def walk_through(url: str) -> Browser:
    """Walk through it all at an address (with its root path); give the browser that walked."""
    root = urlsplit(url).path.rstrip("/")
    master = Curl(OverHttp(url), MASTER_KEY)
    made = master.post("/user/new", {"user_email": "dana@example.com", "auto_create_key": False}).json
    invited = master.post("/invitation/new", {"user_id": made["user_id"]})
    assert invited.location == f"{url}/ui/onboarding?id={invited.json['id']}"

    dana = Browser(OverHttp(url.removesuffix(root)))
    welcome = dana.follow(dana.get(invited.location.removeprefix(url.removesuffix(root))))
    assert (welcome.status, dana.path) == (200, f"{root}/ui/onboarding")
    arrived = dana.follow(dana.submit(f"{root}/ui/onboarding", password=PASSWORD))
    assert (arrived.status, dana.path.partition("?")[0]) in ((200, f"{root}/ui/keys"), (200, f"{root}/ui/keys/new"))

    dana.get(f"{root}/ui/keys/new")
    shown = dana.submit(f"{root}/ui/keys", key_alias="laptop", expires="30d", reveals=True)
    assert shown.status == 201
    secret = SECRET.search(shown.text)[0]
    key = Curl(OverHttp(url), secret)
    info = key.get("/key/info").json["info"]
    assert (info["key_alias"], info["user_id"]) == ("laptop", made["user_id"])

    refused = dana.get(f"{root}/ui/users")
    assert refused.status == 403
    dana.get(f"{root}/ui/keys/{info['id']}/delete")
    deleted = dana.follow(dana.submit(f"{root}/ui/keys/{info['id']}/delete"))
    assert deleted.status == 200
    assert key.get("/key/info").status == 401

    dana.get(f"{root}/ui/logout")
    assert dana.submit(f"{root}/ui/logout").status == 303
    assert dana.get(f"{root}/ui/keys").status == 303
    return dana

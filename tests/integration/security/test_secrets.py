"""A secret is in exactly one answer: the whole journey on a running server, then a search everywhere (S-14, S-15)."""

import base64
import re
import zlib
from dataclasses import replace
from http.cookies import SimpleCookie
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, select

from selfserve.models import Invitation, User
from tests.application import MASTER_KEY, SECRET_KEY
from tests.clients import Browser, Curl, OverHttp
from tests.factories import make_key
from tests.html import SECRET
from tests.integration.security.actions import Scene, scene_of, token_of
from tests.integration.security.replays import COOKIE
from tests.integration.security.snapshots import dump
from tests.integration.security.walks import READS, Visitor, asked, queries, visitor

pytestmark = pytest.mark.any_database

PASSWORD, NEW_PASSWORD = "nine slow otters at dusk", "eleven loud geese at dawn"


class Recorder(OverHttp):
    """A connection that keeps every answer of the journey."""

    answers: list = []

    def send(self, method, path, headers, body):
        answer = super().send(method, path, headers, body)
        self.answers.append(answer)
        return answer


def in_the_cookie(page):
    """Read the session id out of Flask's readable cookie."""
    value = page.transport.jar[COOKIE]
    payload = value.lstrip(".").split(".")[0]
    content = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    content = zlib.decompress(content) if value.startswith(".") else content
    return re.search(rb'"_user_id":\s*"([^"]+)"', content)[1].decode()


def join(url, master, email, role="internal_user"):
    """Invite somebody and let them set their password in a browser; give their id, their browser and their link."""
    made = master.post("/user/new", {"user_email": email, "user_role": role}, reveals=True).json
    invited = master.post("/invitation/new", {"user_id": made["user_id"]})
    page = Browser(Recorder(url))
    page.follow(page.get(f"/ui/onboarding?id={invited.json['id']}"))
    token = page.transport.jar["selfserve_onboarding"]
    page.follow(page.submit("/ui/onboarding", password=PASSWORD))
    return made, page, {"link": invited.json["id"], "onboarding token": token}


def try_everything(door, name):
    """Name a key by its secret in every call, rightly and wrongly."""
    door.get("/key/info", key=name)
    door.post("/v2/key/info", {"keys": [name, "sk-nobody"]})
    for more in ({"key_alias": f"renamed {name[-4:]}", "max_budget": 5}, {"max_budget": "x"}, {"blocked": "perhaps"}):
        door.post("/key/update", {"key": name, **more})
    for path in ("/key/block", "/key/unblock", "/key/generate", "/key/regenerate"):
        door.post(path, {"key": name, "max_budget": "x"} if "generate" in path else {"key": name})
    door.post("/key/delete", {"keys": ["sk-nobody"], "key_aliases": [name]})


def walk(there, scene, secrets):
    """Open every address, whole and in parts, with every name and with secrets pasted where words belong."""
    for route in READS:
        pasted = [
            asked(word, secret)
            for word in route.words
            if word in ("q", "key", "search", "after", "missing")
            for secret in secrets
        ]
        for query in [*queries(route, scene), *pasted]:
            for htmx in (False, True) if route.is_page else (False,):
                there.ask(route, scene, query, htmx=htmx)


def scene_of_key(url, key, user_id):
    """Make a scene of a key and a person that really stand in a database of another process."""
    engine = create_engine(url)
    with engine.connect() as connection:
        user_pk = connection.scalar(select(User.id).where(User.user_id == user_id))
        link = connection.scalar(select(Invitation.id).where(Invitation.user_pk == user_pk))
    engine.dispose()
    row = SimpleNamespace(id=key["id"], token=key["token"])
    person = SimpleNamespace(id=user_pk, user_id=user_id)
    link = SimpleNamespace(id=link)
    return Scene(SimpleNamespace(row=row), row, person, SimpleNamespace(row=link), link)


def rotated(page, door, key, laptop):
    """Rotate a key by curl with a grace and another by the page; give the new secrets."""
    by_curl = door.post("/key/regenerate", {"key": key, "grace_period": "1h"}, reveals=True).json["key"]
    page.get(f"/ui/keys/{laptop}/rotate")
    by_page = page.submit(f"/ui/keys/{laptop}/rotate", grace="24h", reveals=True)
    return {"new key by curl": by_curl, "new key by the page": SECRET.search(by_page.text)[0]}


def test_every_secret_of_the_journey_is_in_one_answer_and_nowhere_else(serve, a_database, tmp_path):
    """S-14, S-20: two doors, two people; then every answer, every column, the log and the files."""
    Recorder.answers = []
    with serve() as server:
        master = Curl(Recorder(server.url), MASTER_KEY)
        _ada, admin, admins_links = join(server.url, master, "ada@example.com", "proxy_admin")
        dana, page, links = join(server.url, master, "dana@example.com")
        door = Curl(page.transport.__class__(server.url), dana["key"])
        page.get("/ui/keys/new")
        by_page = page.submit("/ui/keys", key_alias="laptop", may_manage="y", reveals=True)
        page.get("/ui/keys/new")
        by_htmx = page.submit("/ui/keys", key_alias="phone", htmx=True, reveals=True)
        by_curl = door.post("/key/generate", {"key_alias": "server"}, reveals=True)
        users = admin.post("/ui/users", {"emails": "eve@example.com", "role": "internal_user"} | token_of(admin))
        secrets = {
            "key of the account": dana["key"],
            "key by the page": SECRET.search(by_page.text)[0],
            "key by htmx": SECRET.search(by_htmx.text)[0],
            "key by curl": by_curl.json["key"],
            "link": links["link"],
            "admin's link": admins_links["link"],
            "link by the page": re.search(r"id=([0-9a-f-]{36})", users.text)[1],
        }
        sessions = [in_the_cookie(page), in_the_cookie(admin)]
        info = door.get("/key/info", key=secrets["key by the page"]).json["info"]
        secrets |= rotated(page, door, secrets["key by curl"], info["id"])
        for call in (door, Curl(Recorder(server.url), MASTER_KEY)):
            for name in secrets:
                try_everything(call, secrets[name]) if "key" in name else None
        for secret in [*secrets.values(), *sessions, MASTER_KEY]:
            page.post("/ui/refused", {"pasted": f"401 {secret}"} | token_of(page))
            page.post("/ui/refused", {"pasted": secret * 1_000} | token_of(page))
        page.get("/ui/account")
        page.submit("/ui/account/password", current_password="wrong", new_password=NEW_PASSWORD)
        page.submit("/ui/account/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
        sessions.append(in_the_cookie(page))
        scene, pasted = (
            scene_of_key(a_database, info, dana["user_id"]),
            [secrets["key by htmx"], secrets["new key by curl"]],
        )
        for who, call in ((page, door), (admin, master)):
            walk(Visitor(who, call, ""), scene, pasted)
        for former in ("key by curl", "key by the page"):
            assert Curl(Recorder(server.url), secrets[former]).get("/key/info").status == 200  # in its grace
        door.post("/key/delete", {"keys": [secrets["key by curl"], "sk-nobody"]})
        page.get("/ui/logout")
        page.submit("/ui/logout")
        wanted = [page.submit("/ui/login", username="dana@example.com", password=word).status
                  for word in (PASSWORD, NEW_PASSWORD) if page.get("/ui/login")]  # fmt: skip
        assert wanted == [422, 303]
        log = server.log.read_text()
    written = [f"{answer.headers} {answer.text}" for answer in Recorder.answers]
    assert len(written) > 500
    for name, secret in secrets.items():
        assert sum(secret in each for each in written) == 1, name
    kept = [*secrets.values(), *sessions, links["onboarding token"], PASSWORD, NEW_PASSWORD, MASTER_KEY, SECRET_KEY]
    for secret in [*sessions, PASSWORD, NEW_PASSWORD, MASTER_KEY, SECRET_KEY]:
        assert not [each for each in written if secret in each]
    columns = str(dump(a_database))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert '"route": "/ui/onboarding"' in log
    for secret in kept:
        assert secret not in columns
        assert secret not in log
        assert secret.encode() not in files


def test_the_answer_with_the_secret_is_kept_by_no_cache(browser, curl, mia):
    """S-14: neither by a proxy nor by htmx's history."""
    page, door = browser(mia), curl(mia)
    page.get("/ui/keys/new")
    shown = page.submit("/ui/keys", key_alias="laptop", reveals=True)
    assert (shown.status, shown.headers["cache-control"]) == (201, "no-store")
    assert 'hx-history="false"' in shown.text
    assert '"historyCacheSize": 0' in shown.text
    assert door.post("/key/generate", {}, reveals=True).headers["cache-control"] == "no-store"
    assert "location" not in shown.headers


@pytest.mark.parametrize(
    "custom", [None, "sk-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9Dc8", "sk-ant-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9"]
)
def test_afterwards_a_key_shows_four_characters_of_its_secret(browser, curl, ada, custom):
    """S-15: at every address a prefix and the last four, also of a key that somebody brought and of a former one."""
    there, scene = visitor(browser, curl, ada), scene_of(ada, ada)
    if custom:
        scene = replace(scene, key=make_key(ada, "laptop", secret=custom))
    hidden = [scene.key.secret, getattr(scene.key, "former", None) or scene.key.secret]
    bodies = [secret.removeprefix("sk-ss_").removeprefix("sk-") for secret in hidden]
    pieces = {body[at : at + 5] for body in bodies for at in range(len(body) - 4)}
    seen = [there.ask(route, scene, query) for route in READS for query in queries(route, scene)]
    assert len([answer for answer in seen if scene.key.secret[-4:] in answer.text]) > 5
    for answer in seen:
        told = answer.text.replace(scene.key.row.token, "").replace(there.token, "")
        assert not [piece for piece in pieces if piece in told]


def test_a_refused_key_is_not_repeated(curl, app):
    """S-14, S-15: the documented message has the tail and no more."""
    secret = "sk-an-unknown-key-0123456789-abcdWXYZ"
    answer = curl(secret).get("/key/info")
    assert (answer.status, "sk-...WXYZ" in answer.text) == (401, True)
    assert "abcd" not in answer.text


def test_what_was_typed_into_the_search_field_is_no_address_that_stays(browser, ada):
    """S-14: who searches by pasting a whole key finds it, and the page does not write it back."""
    key, page = make_key(ada, "laptop"), browser(ada)
    for path in ("/ui/keys", "/ui/all-keys"):
        for htmx in (False, True):
            answer = page.get(f"{path}?q={key.secret}", htmx=htmx)
            assert f"key-{key.row.id}" in answer.text
            assert key.secret not in answer.text + str(answer.headers)
    assert key.secret not in page.get(f"/ui/users?q={key.secret}").text


def test_a_cookie_is_all_that_a_login_answers(curl, mia):
    """S-9, S-14: no token in a body, whichever way."""
    answer = curl().post("/v2/login", {"username": mia.email, "password": "a calm river before sunrise"})
    cookie = next(SimpleCookie(each)[COOKIE].value for each in answer.cookies)
    assert set(answer.json) == {"redirect_url"}
    assert cookie not in answer.text

"""What happened lately, as the page of a key or a person tells it: a sentence for each deed, to each reader theirs."""

import ast
import re
from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.errors import NotFound
from selfserve.models import AuditEvent
from selfserve.permissions import MASTER_USER_ID, Client, Role
from selfserve.schemas.keys import KeyUpdate
from selfserve.schemas.users import UserUpdate
from selfserve.services import activity, audit_records, auth, invitations, key_changes, user_changes
from tests.application import the_app
from tests.factories import change, make_key, make_user, reload, save, save_all
from tests.html import Html
from tests.queries import count_queries
from tests.servers import ROOT

DEED = re.compile(r"(key|user|invitation|login|session|password|price|settings|tries|sso|audit)\.[a-z_]+|logout")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def event(action="key.created", by="mia", of="mia", **columns):
    """Write one event as a service would."""
    noun = action.partition(".")[0] if "." in action else "user"
    defaults = {"source": "web", "object_type": noun, "object_id": of, "before": {}, "after": {}}
    return AuditEvent(action=action, actor_user_id=by, owner_user_id=of, **(defaults | columns))


def said(events):
    """Read the list as a person does: sentence and small print, without the time."""
    with the_app().test_request_context():
        html = Html(str(macro("rows")(events)), is_fragment=True)
    for small in html.all("small"):
        small.text = f" {small.text}"
    return [" ".join("".join(next(item.iter("div")).itertext()).split()) for item in html.all("li")]


def macro(name):
    return getattr(the_app().jinja_env.get_template("macros/activity.html").make_module(), name)


def actions_in_the_source():
    """Walk the services for every action that is written down."""
    found = set()
    for path in (ROOT / "selfserve" / "services").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if any(
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record_event" for node in ast.walk(tree)
        ):
            found |= {text for text in texts if DEED.fullmatch(text)}
    return found


def test_every_action_that_is_written_down_has_a_sentence_and_an_icon():
    actions = actions_in_the_source()
    assert {"key.created", "key.blocked", "invitation.deleted", "login.failed", "logout"} <= actions
    module = the_app().jinja_env.get_template("macros/activity.html").make_module()
    assert actions <= set(module.ICONS) == set(module.LABELS)
    assert {action.partition(".")[0] for action in module.LABELS} <= {*audit_records.NOUNS, "logout"}
    icons = (ROOT / "selfserve" / "static" / "icons.svg").read_text(encoding="utf-8")
    assert [icon for icon in module.ICONS.values() if f'id="{icon}"' not in icons] == []
    of_price = {"model": "gpt-5", "prompt": "0.000002", "completion": "0.000008"}
    after = of_price | {
        "sessions": 2,
        "events": 2,
        "before": now(),
        "provider": "Okta",
        "reason": "domain",
        "worked": True,
    }
    for action in module.ICONS:
        told = activity.Activity(now(), "Sam", action, "laptop", None, "Otto", "web", None, after, [], [])
        assert action not in said([told])[0]
        assert len(said([told])[0].split()) > 3, action


def test_nothing_is_a_sentence_too():
    assert "Nothing has happened yet." in macro("rows")([])


def test_mia_reads_what_she_did_and_what_was_done_to_her(as_actor, ada, mia):
    key = make_key(mia, "laptop")
    key_changes.update_key(as_actor(mia), KeyUpdate(key=key.row.id, max_budget=5, key_alias="desk"))
    key_changes.block_key(as_actor(ada), key.row.id)
    user_changes.update_user(as_actor(ada), UserUpdate(user_id="mia", max_budget=20, models=["gpt-5"]))
    auth.begin_session(reload(mia), Client(source="web", address="10.0.8.21", user_agent=FIREFOX))
    assert said(activity.list_own_activity(as_actor(mia))) == [
        "You signed in Firefox on Linux, 10.0.8.21",
        "Ada changed your budget from no limit to $20.00, models from all models to gpt-5 Web",
        "Ada blocked key desk Web",
        "You changed key desk: name from “laptop” to “desk”, budget from no limit to $5.00 Web, 10.0.0.1",
    ]


def test_ada_reads_on_her_own_page_what_she_did_to_others(as_actor, ada, mia):
    key = make_key(mia, "laptop")
    key_changes.block_key(as_actor(ada), key.row.id)
    user_changes.change_role(as_actor(ada), mia.id, Role.PROXY_ADMIN_VIEWER)
    user_changes.block_user(as_actor(ada), mia.id)
    assert said(activity.list_own_activity(as_actor(ada))) == [
        "You blocked the account of Mia Web, 10.0.0.1",
        "You changed Mia’s role from Internal user to Admin viewer Web, 10.0.0.1",
        "You blocked key laptop of Mia Web, 10.0.0.1",
    ]


@pytest.mark.parametrize("reader", ["ada", "vera"])
def test_the_admins_read_a_persons_page(as_actor, ada, vera, mia, ina, reader):
    key = make_key(mia, "laptop")
    key_changes.block_key(as_actor(mia), key.row.id)
    invitations.create_invitation(as_actor(ada), "mia")
    user_changes.update_user(as_actor(ada), UserUpdate(user_id="mia", blocked=True, max_budget=1))
    ada_is = "You" if reader == "ada" else "Ada"
    told = activity.list_user_activity(as_actor({"ada": ada, "vera": vera}[reader]), reload(mia))
    assert said(told) == [
        f"{ada_is} blocked the account and changed the budget from no limit to $1.00 Web, 10.0.0.1",
        f"{ada_is} made a password reset link Web, 10.0.0.1",
        "Mia blocked key laptop Web, 10.0.0.1",
    ]


def test_the_page_of_a_key_does_not_name_it(as_actor, mia):
    key, other = make_key(mia, "laptop"), make_key(mia, "other")
    key_changes.block_key(as_actor(mia), key.row.id)
    key_changes.block_key(as_actor(mia), other.row.id)
    assert said(activity.list_key_activity(as_actor(mia), reload(key.row))) == ["You blocked this key Web, 10.0.0.1"]


def test_a_rotation_says_how_long_the_old_secret_keeps_working(as_actor, mia):
    key, moment = make_key(mia, "laptop"), now()
    graces = [moment + timedelta(days=7), moment + timedelta(hours=24), moment + timedelta(minutes=30), None]
    for ends in graces:
        after = {"alias": "laptop", "grace_ends_at": ends.isoformat() if ends else None}
        save(event("key.rotated", at=moment, object_id=key.row.id, before={"alias": "laptop"}, after=after))
    assert said(activity.list_key_activity(as_actor(mia), reload(key.row))) == [
        "You rotated the secret Old secret stopped at once · Web",
        "You rotated the secret Old secret keeps working for 30 minutes · Web",
        "You rotated the secret Old secret keeps working for 24 hours · Web",
        "You rotated the secret Old secret keeps working for 7 days · Web",
    ]


def test_whoever_did_it_has_a_name(as_actor, mia):
    make_user("Gone", deleted_at=now())
    key = make_key(mia, tail="abcd")
    change(key.row, alias=None)
    save_all(
        [
            event("key.blocked", by="gone", object_id=key.row.id),
            event("user.updated", by=MASTER_USER_ID, source="api"),
            event("invitation.created", by=MASTER_USER_ID, source="cli"),
            event("user.created", by="never-was"),
            event("login.failed", by=None, address="10.9.9.9"),
        ]
    )
    assert said(activity.list_own_activity(as_actor(mia))) == [
        "A sign-in was refused: wrong password or blocked Web, 10.9.9.9",
        "Somebody created your account Web",
        "The operator made an invitation link Command line",
        "The master key saved your account as it was API",
        "Gone (deleted) blocked key sk-ss_…abcd Web",
    ]


def test_a_refused_sign_in_is_told_to_whom_it_concerns(as_actor, browser, mia):
    page = browser()
    page.get("/ui/login")
    page.submit("/ui/login", username="mia@example.com", password="wrong password")
    assert [told.action for told in activity.list_own_activity(as_actor(mia))] == ["login.failed"]


def test_where_an_admin_sat_is_their_business(as_actor, ada, mia):
    key = make_key(mia, "laptop")
    key_changes.block_key(as_actor(ada), key.row.id)
    assert activity.list_own_activity(as_actor(mia))[0].address is None
    assert activity.list_key_activity(as_actor(mia), reload(key.row))[0].address is None
    assert activity.list_key_activity(as_actor(ada), reload(key.row))[0].address == "10.0.0.1"


def test_nobody_reads_what_is_anothers(as_actor, mia, otto):
    """S-6: neither a key's past nor a person's."""
    key = make_key(mia, "laptop")
    for read in (
        lambda: activity.list_key_activity(as_actor(otto), reload(key.row)),
        lambda: activity.list_user_activity(as_actor(otto), mia),
    ):
        with pytest.raises(NotFound):
            read()
    save(event(by="mia", of="mia"))
    assert activity.list_own_activity(as_actor(otto)) == []


def test_the_newest_twenty_are_read_in_one_query_however_many_there_are(app, as_actor, ada, mia):
    key = make_key(mia, "laptop")
    save_all([event("key.blocked", by="ada", of="mia", object_id=key.row.id, address=str(n)) for n in range(60)])
    save_all([event("logout", by="mia", of=None, address="by her") for _ in range(5)])
    for read in (
        lambda: activity.list_user_activity(as_actor(ada), mia),
        lambda: activity.list_key_activity(as_actor(ada), reload(key.row)),
    ):
        told = read()
        assert len(told) == 20
        assert told == sorted(told, key=lambda one: one.at, reverse=True)
    with count_queries(app) as sent:
        told = activity.list_user_activity(as_actor(ada), mia)
    assert len(sent) == 1
    assert [one.address for one in told[:6]] == ["by her"] * 5 + ["59"]


def test_an_event_by_and_about_the_same_person_is_told_once(as_actor, mia):
    save(event("logout"))
    assert len(activity.list_own_activity(as_actor(mia))) == 1


def test_odd_names_stay_text(as_actor, mia):
    key = make_key(mia, "<b>x</b>")
    change(mia, alias="<script>")
    key_changes.block_key(as_actor(reload(mia)), key.row.id)
    ivy = make_user("Ivy", role="proxy_admin")
    assert said(activity.list_user_activity(as_actor(ivy), reload(mia))) == [
        "<script> blocked key <b>x</b> Web, 10.0.0.1"
    ]

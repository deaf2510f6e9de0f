"""Whatever is sent, the answer is one that was meant: never 500, never another's data, always the envelope."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfserve.web.guards import is_pages_face
from tests.application import MASTER_KEY, the_app, the_database
from tests.clients import Curl, InProcess

WRITES = sorted(
    rule.rule for rule in the_app().url_map.iter_rules() if "POST" in rule.methods and not is_pages_face(rule.rule)
)
READS = sorted(
    rule.rule for rule in the_app().url_map.iter_rules() if "GET" in rule.methods and not is_pages_face(rule.rule)
)
WORDS = """
    user_id user_ids user_email user_role user_alias key keys key_alias key_aliases duration models max_budget spend
    budget_duration metadata tags tpm_limit rpm_limit blocked allowed_routes invitation_id is_accepted invitation_link
    start_date end_date model api_key api_key_limit request_id summarize
    password username page size page_size search status sort_by sort_order role team_id teams auto_create_key
""".split()  # noqa: SIM905, a list of forty would fill the screen
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from(
        ["-1", "30d", "99999mo", "sk-nobody", "nobody", "a@b.c", "proxy_admin", "\x00", "%", "' OR 1=1 --"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=8)
MEANT = {200, 303, 400, 401, 403, 404, 409, 410, 413, 415, 422, 429}

steadily = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def door():
    return Curl(InProcess(the_app()), MASTER_KEY)


@pytest.fixture(autouse=True)
def fresh():
    the_app()
    the_database().reset()


@pytest.mark.parametrize("path", WRITES)
@steadily
@given(body=OBJECTS)
def test_no_object_breaks_a_write(path, body):
    data = json.dumps(body).encode("utf-8", "surrogatepass")
    answer = door().send("POST", path, data, headers={"Content-Type": "application/json"}, reveals=True)
    assert answer.status in MEANT


@pytest.mark.parametrize("path", WRITES)
@steadily
@given(body=VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_no_bytes_break_a_write(path, body):
    answer = door().send("POST", path, body, headers={"Content-Type": "application/json"}, reveals=True)
    assert answer.status in MEANT


@pytest.mark.parametrize("path", READS)
@steadily
@given(query=st.dictionaries(st.sampled_from(WORDS), TEXT))
def test_no_query_breaks_a_read(path, query):
    assert door().get(path, **query).status in MEANT

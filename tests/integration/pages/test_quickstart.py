"""How to make a first call: the base URL, a key, an example that names what this person may really call."""

import pytest

from tests.clients import Browser, InProcess
from tests.factories import make_key, make_user
from tests.integration.pages.parts import found, link, words

TABS = ["curl", "python", "javascript", "claude", "cursor", "continue", "env"]


def snippet(answer, tab):
    """Read one example."""
    return "".join(found(answer, f"snippet-{tab}").itertext())


@pytest.fixture
def page_of(house):
    """Open the pages of a portal that passes four models on."""
    return lambda who: Browser(InProcess(house())).sign_in(who)


def test_the_steps_stand_there_with_the_address_of_this_portal(page_of, mia):
    answer = page_of(mia).get("/ui/quickstart")
    assert answer.status == 200
    assert words(found(answer, "base-url")) == "http://localhost/v1"
    assert [words(heading)[:2] for heading in answer.html.all("h2")][:3] == ["1.", "2.", "3."]
    assert [radio.get("value") for radio in answer.html.all("input") if radio.get("name") == "tool"] == TABS
    for tab in TABS[:-3]:
        assert "http://localhost" in snippet(answer, tab)
    assert "sk-ss_" not in "".join(snippet(answer, tab) for tab in TABS)


@pytest.mark.parametrize(
    ("models", "of_key", "named", "claude"),
    [
        ([], [], "gpt-5-mini", "claude-sonnet-4-5"),
        (["claude-*"], [], "claude-sonnet-4-5", "claude-sonnet-4-5"),
        (["house-model", "gpt-9"], [], "house-model", None),
        ([], ["text-embedding-3-small", "house-model"], "house-model", None),
    ],
)
def test_examples_name_what_this_person_may_really_call(page_of, models, of_key, named, claude):
    pia = make_user("Pia", models=models)
    make_key(pia, models=of_key)
    answer = page_of(pia).get("/ui/quickstart")
    for tab in ("curl", "python", "javascript", "cursor", "continue"):
        assert named in snippet(answer, tab)
    assert ("none of yours is one" in snippet(answer, "claude")) == (claude is None)
    assert claude is None or snippet(answer, "claude").endswith(f"claude --model {claude}")


def test_who_has_no_key_is_led_to_one_and_who_may_not_to_an_admin(page_of, mia, ivo):
    answer = page_of(mia).get("/ui/quickstart")
    assert "You have no key that calls models yet." in answer.html.words()
    assert link(answer, "Create key") == "/ui/keys/new"
    answer = page_of(ivo).get("/ui/quickstart")
    assert "An admin makes one for you." in answer.html.words()
    assert link(answer, "Create key") is None
    assert "They show up here with your first key." in answer.html.words()


def test_the_newest_keys_and_the_models_stand_beside(page_of, mia):
    for name in ("one", "two", "three", "four"):
        make_key(mia, name)
    answer = page_of(mia).get("/ui/quickstart")
    listed = [words(item.find(".//b")) for item in answer.html.all("li") if item.find(".//b") is not None]
    assert listed == ["four", "three", "two"]
    said = answer.html.words()
    assert "Chat claude-sonnet-4-5 gpt-5-mini" in said
    assert "Embeddings text-embedding-3-small" in said
    assert "Others house-model" in said


def test_it_asks_the_database_seldom(page_of, queries, mia):
    make_key(mia)
    page = page_of(mia)
    page.get("/ui/quickstart")
    with queries() as sent:
        page.get("/ui/quickstart")
    assert len(sent) <= 4

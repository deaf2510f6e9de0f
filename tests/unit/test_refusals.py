"""What an upstream says when it refuses reaches the client without its key, its address and its account."""

import pytest

from selfserve.gateway.refusals import LONGEST, cleaned, is_refusal, told
from selfserve.upstreams import Upstream

HERE = Upstream("openai", "https://llm.internal.example:8443/v1", "sk-very-secret-1234567890")


def openai(message, **more):
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


@pytest.mark.parametrize(
    ("status", "ours", "kind"),
    [
        (400, 400, "invalid_request_error"),
        (404, 404, "invalid_request_error"),
        (413, 413, "invalid_request_error"),
        (422, 422, "invalid_request_error"),
        (429, 429, "throttling_error"),
        (401, 502, "upstream_error"),
        (403, 502, "upstream_error"),
        (402, 502, "upstream_error"),
        (302, 502, "upstream_error"),
        (500, 502, "upstream_error"),
        (529, 502, "upstream_error"),
    ],
)
def test_each_status_becomes_one_of_ours(status, ours, kind):
    error = told(openai("No."), status, HERE)
    assert (error.status, error.type) == (ours, kind)


def test_what_programs_look_for_stays():
    error = told(openai("Too long.", code="context_length_exceeded", param="messages[3].content"), 400, HERE)
    assert (error.type, error.param) == ("context_length_exceeded", "messages[3].content")


@pytest.mark.parametrize("word", ["<b>", "a\nb", "sk-very-secret-1234567890", 7, None, "X" * 200, "a"])
def test_what_is_no_word_does_not(word):
    assert told(openai("No.", code=word), 400, HERE).type == "invalid_request_error"


SENTENCES = [
    openai("Say it."),
    {"error": "Say it."},
    {"message": "Say it."},
    {"detail": "Say it."},
    {"type": "error", "error": {"type": "not_found_error", "message": "Say it."}},
    [{"error": {"message": "Say it."}}],
]


@pytest.mark.parametrize("answer", SENTENCES)
def test_the_sentence_is_found_in_the_usual_places(answer):
    assert told(answer, 400, HERE).message == "Say it."


@pytest.mark.parametrize("answer", [None, [], {}, "text", 3, {"error": {"message": 5}}, {"detail": [{"msg": "x"}]}])
def test_without_one_we_say_ours(answer):
    assert len(told(answer, 400, HERE).message.split()) > 5


SECRET = [
    "Incorrect API key provided: sk-very-secret-1234567890.",
    "SK-VERY-SECRET-1234567890 is wrong",
    "Cannot reach https://llm.internal.example:8443/v1/chat",
    "host llm.internal.example is down",
    "Rate limit in organization org-abc123DEF456 on tokens",
    "see http://10.2.3.4/metrics or 10.2.3.4:9000",
    "project proj_abcdef123456",
    "key sk-proj-abc*********xyz",
]


@pytest.mark.parametrize("words", SECRET)
def test_key_address_and_account_are_taken_out(words):
    said = cleaned(words, HERE)
    assert "(hidden)" in said
    for secret in ("secret", "internal", "10.2.3.4", "abc", "8443"):
        assert secret not in said.lower()


def test_a_message_is_one_line_and_not_endless():
    assert cleaned("a\nb\x00c\x1b[31m", HERE) == "a b c [31m"
    assert len(cleaned("x" * 9_000, HERE)) < LONGEST + 10


@pytest.mark.parametrize(
    ("answer", "is_one"),
    [
        (openai("No."), True),
        ({"type": "error", "error": {"message": "No."}}, True),
        ({"error": None, "output": []}, False),
        ({"error": {"message": "x"}, "output": [], "usage": {}}, False),
        ({"choices": []}, False),
        ([], False),
    ],
)
def test_a_failure_that_comes_as_a_success_is_seen(answer, is_one):
    assert is_refusal(answer) is is_one

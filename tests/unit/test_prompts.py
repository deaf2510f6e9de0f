"""A prompt is never more tokens than we say, and not absurdly fewer."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.errors import Invalid
from selfserve.gateway.prompts import BUILT_IN, FILE, IMAGE, STORED, likely_tokens, most_tokens

PICTURE = "data:image/png;base64," + "A" * 100_000


def chat(*parts):
    return {"model": "m", "messages": [{"role": "user", "content": list(parts)}]}


def beside(content, *data):
    """What is left of a body without its pictures and files."""
    return len(orjson.dumps(content)) - sum(map(len, data))


@given(st.text(max_size=200))
def test_text_is_at_most_a_token_for_each_byte(text):
    content = chat({"type": "text", "text": text})
    assert most_tokens(content) >= len(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": PICTURE, "detail": "high"}},
        {"type": "input_image", "image_url": PICTURE},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
    ],
    ids=lambda part: part["type"],
)
def test_an_image_counts_as_one_and_not_by_its_bytes(part):
    content = chat(part, {"type": "tool_result", "content": [part]})
    assert most_tokens(content) == beside(content, PICTURE, PICTURE) + 2 * IMAGE


def test_sound_counts_by_its_length():
    content = chat({"type": "input_audio", "input_audio": {"data": "A" * 50_000, "format": "mp3"}})
    assert most_tokens(content) == beside(content, "A" * 50_000) + 500 + 100


def test_a_file_counts_by_its_bytes_up_to_the_most_that_a_model_takes():
    small, large = "A" * 9_000, "A" * 2_000_000
    for data, most in ((small, 9_000), (large, FILE)):
        content = chat({"type": "file", "file": {"filename": "a.pdf", "file_data": data}})
        assert most_tokens(content) == beside(content, data) + most


def test_a_document_that_is_text_counts_as_text():
    content = chat({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x" * 900_000}})
    assert most_tokens(content) == beside(content)


@pytest.mark.parametrize(
    "named", [{"previous_response_id": "r1"}, {"conversation": {"id": "c1"}}, {"prompt": {"id": "p1"}}]
)
def test_what_lies_at_the_upstream_counts_as_much_as_it_may_be(named):
    assert most_tokens({"model": "m", "input": "x"} | named) > STORED


def test_what_only_looks_like_an_image_counts_as_text():
    hidden = {"type": "image_url", "image_url": {"url": "x", "prompt": "y" * 9_000}, "text": "z" * 9_000}
    assert most_tokens(chat(hidden)) > 18_000


def test_tools_are_told_to_the_model_too():
    function = {"type": "function", "function": {"name": "f"}}
    plain = {"model": "m", "tools": [function]}
    assert most_tokens(plain) == beside(plain) + BUILT_IN
    own = {"model": "m", "tools": [function, {"type": "web_search"}, {"type": "computer_20250124"}]}
    assert most_tokens(own) == beside(own) + 3 * BUILT_IN


def test_a_body_is_counted_however_deep_or_refused():
    nested = orjson.loads(b"[" * 200 + b"]" * 200)
    assert most_tokens({"model": "m", "messages": nested}) > 400
    with pytest.raises(Invalid, match="deep"):
        most_tokens({"model": "m", "messages": orjson.loads(b"[" * 1000 + b"]" * 1000)})


def test_a_guess_is_a_quarter():
    assert [likely_tokens(most) for most in (0, 1, 4, 9)] == [0, 1, 1, 3]

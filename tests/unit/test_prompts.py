"""A prompt is never more tokens than we say, and not absurdly fewer."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.errors import Invalid
from selfserve.gateway.prompts import BUILT_IN, FILE, IMAGE, STORED, likely_tokens, most_tokens

PICTURE = "data:image/png;base64," + "A" * 100_000
PDF = "data:application/pdf;base64,JVBERi0xLjQK" + "A" * 16_000
"""A small one; it is compressed, so its hundred pages may hold half a million tokens."""
WORDS = "quiet foxes " * 80_000
"""A megabyte of text."""


def chat(*parts):
    return {"model": "m", "messages": [{"role": "user", "content": list(parts)}]}


def read(content):
    """A body as it is when it was read: no two things in it are the same."""
    return orjson.loads(orjson.dumps(content))


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
    content = read(chat(part, {"type": "tool_result", "content": [part]}))
    assert most_tokens(content) == beside(content, PICTURE, PICTURE) + 2 * IMAGE


def test_an_image_counts_as_the_dearest_model_counts_it():
    """gpt-4o-mini counts 2,833 tokens and 5,667 for each of eight tiles."""
    tall = {"type": "image_url", "image_url": {"url": "https://localhost/768x2048.png", "detail": "high"}}
    assert most_tokens(chat(tall)) > 2_833 + 8 * 5_667


@pytest.mark.parametrize(
    "part",
    [
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF[28:]}},
        {"type": "document", "source": {"type": "url", "url": "https://localhost/a.pdf"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "input_file", "file_data": PDF},
    ],
    ids=["data", "address", "openai's", "id", "responses'"],
)
def test_a_file_counts_as_many_pages_however_small_it_is(part):
    assert FILE < most_tokens(chat(part)) < FILE + 300


@pytest.mark.parametrize(
    "part",
    [
        {"type": "video_url", "video_url": {"url": "https://localhost/a.mp4"}},
        {"type": "input_video", "data": "AAAA"},
        {"image_url": "https://localhost/a.png"},
        {"type": "text", "text": "Look:", "image_url": {"url": "https://localhost/a.png"}},
        {"type": "item_reference", "id": "msg_1"},
        {"id": "msg_1"},
        {"type": None, "id": "msg_1", "content": None},
        {"type": ["image"], "source": {"type": "url", "url": "https://localhost/a.png"}},
        {"type": "text.image"},
        {"type": "tool_result", "content": [{"type": "text", "text": ""}, {"type": "of tomorrow"}]},
        {"type": "document", "source": {"type": "content", "content": [{"type": "of tomorrow"}]}},
    ],
    ids=str,
)
def test_what_nobody_knows_counts_as_a_file(part):
    assert FILE < most_tokens(chat(part)) < FILE + 300


def test_what_is_said_in_words_counts_by_its_bytes_alone():
    """A long talk with tools, as programs send it."""
    turns = [
        {"id": "msg_1", "role": "assistant", "content": "Foxes sleep by day."},
        {"role": "assistant", "content": None, "refusal": None, "audio": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "21 degrees"}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "server_tool_use"}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "content": "21"}, {"type": "search_result", "source": "x"}],
        },
    ]
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hm."}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "AAAA"},
        *({"type": kind} for kind in ("function_call", "function_call_output", "custom_tool_call", "web_search_call")),
        {"type": "local_shell_call_output", "output": "done"},
    ]
    content = {"model": "m", "messages": turns, "input": items, "system": [{"type": "text", "text": "Be kind."}]}
    assert most_tokens(content) == beside(content)


def test_a_file_that_may_be_text_counts_by_its_bytes_too():
    notes = "data:text/plain;base64," + "A" * 2_000_000
    assert most_tokens(chat({"type": "file", "file": {"file_data": notes}})) > FILE + 2_000_000


HIDDEN = {"type": "image", "image_url": {"type": "image", "file_data": WORDS}, "source": WORDS}
"""Text that looks like an image, twice."""
AROUND = {
    "words of nobody's": {"x": HIDDEN},
    "a tool": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"default": HIDDEN}}}]},
    "what a tool is called with": {"messages": [{"content": [{"type": "tool_use", "name": "f", "input": HIDDEN}]}]},
    "arguments": {"input": [{"type": "function_call", "arguments": HIDDEN}]},
    "metadata": {"metadata": {"system": [HIDDEN]}},
    "an image": chat(HIDDEN),
    "a film": chat({"type": "image_url", "image_url": "data:video/mp4;base64," + "A" * 2_000_000}),
    "an image in an image": chat({"type": "image", "source": {"data": PICTURE, "content": [HIDDEN]}}),
    "the body itself": HIDDEN,
}


@pytest.mark.parametrize("content", AROUND.values(), ids=AROUND)
def test_text_that_only_looks_like_an_image_counts_as_text_wherever_it_stands(content):
    assert most_tokens(read({"model": "m"} | content)) > 2 * len(WORDS)


PARTS = st.recursive(
    st.sampled_from(["", "A" * 900, "two words", PICTURE[:90], PDF[:900], None, 3]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "image_url", "source", "data", "url", "file", "file_data", "content", "output", "x"]),
        inner | st.sampled_from(["image", "image_url", "input_image", "file", "document", "text", "tool_result"]),
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(PARTS)
def test_no_body_counts_less_than_what_stands_in_it_beside_its_data(parts):
    content = read({"model": "m", "messages": parts, "x": parts})
    assert most_tokens(content) >= len(orjson.dumps(parts)) + len('{"model":"m","messages":,"x":}')


def test_a_document_that_is_text_counts_as_text():
    content = chat({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x" * 900_000}})
    assert most_tokens(content) == beside(content)


@pytest.mark.parametrize(
    "named", [{"previous_response_id": "r1"}, {"conversation": {"id": "c1"}}, {"prompt": {"id": "p1"}}]
)
def test_what_lies_at_the_upstream_counts_as_much_as_it_may_be(named):
    assert most_tokens({"model": "m", "input": "x"} | named) > STORED


def test_only_the_data_of_an_image_is_no_text():
    hidden = {"type": "image_url", "image_url": {"url": "x", "prompt": "y" * 9_000}, "text": "z" * 9_000}
    assert most_tokens(chat(hidden)) > 18_000 + IMAGE


def test_a_prompt_that_is_to_stay_in_a_cache_for_an_hour_counts_twice():
    for text, times in (
        ({"type": "text", "text": '"1h"'}, 1),
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, 2),
    ):
        assert most_tokens(chat(text)) == times * beside(chat(text))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        {"type": "audio_url", "audio_url": {"url": "https://localhost/a.mp3"}},
        {"type": "text", "text": "Listen:", "input_audio": {"data": "AAAA"}},
        {"type": "audio", "data": "AAAA"},
        {"role": "assistant", "audio": {"id": "audio_1"}},
    ],
    ids=str,
)
def test_sound_is_refused(part):
    """Its tokens cost up to 66 times as much as those of text."""
    for content, where in ((chat(part), "messages"), ({"model": "m", "input": [part]}, "input")):
        with pytest.raises(Invalid, match="Sound") as refused:
            most_tokens(content)
        assert refused.value.param == where


def test_tools_are_told_to_the_model_too():
    tools = [{"type": "function", "function": {"name": "f"}}, {"name": "g", "input_schema": {}}, {"type": "custom"}]
    plain = {"model": "m", "tools": tools}
    assert most_tokens(plain) == beside(plain) + BUILT_IN
    known = {"model": "m", "tools": [*tools, {"type": "computer_20250124"}, {"type": "local_shell"}]}
    assert most_tokens(known) == beside(known) + 3 * BUILT_IN
    old = {"model": "m", "functions": [{"name": "f"}]}
    assert most_tokens(old) == beside(old) + BUILT_IN


FETCHING = [
    {"tools": [{"type": "web_search"}]},
    {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
    {"tools": [{"type": "mcp", "server_url": "https://localhost"}]},
    {"tools": [{"googleSearch": {}}]},
    {"tools": {"googleSearch": {}}},
    {"tools": ["web_search"]},
    {"functions": [{"type": "web_search"}], "tools": [{"type": "function"}]},
    {"mcp_servers": [{"type": "url", "url": "https://localhost"}]},
    {"web_search_options": {"search_context_size": "high"}},
    {"web_search_options": {}},
    {"plugins": [{"id": "web"}]},
]


@pytest.mark.parametrize("content", FETCHING, ids=str)
def test_what_an_upstream_fetches_by_itself_counts_as_a_file(content):
    """Each search tells the model tens of thousands of tokens that are in no body."""
    assert FILE < most_tokens({"model": "m", "messages": []} | content) < FILE + 2 * BUILT_IN


def test_a_guess_of_the_answer_may_be_paid_as_one():
    """What is wrong in it costs as much as the answer, and max_tokens does not bound it."""
    guess = {"type": "content", "content": "x" * 9_000}
    assert most_tokens({"model": "m", "messages": [], "prediction": guess}) > 11 * 9_000


def test_a_body_is_counted_however_deep_or_refused():
    nested = orjson.loads(b"[" * 200 + b"]" * 200)
    assert most_tokens({"model": "m", "messages": nested}) > 400
    with pytest.raises(Invalid, match="deep"):
        most_tokens({"model": "m", "messages": orjson.loads(b"[" * 1000 + b"]" * 1000)})


def test_a_guess_is_a_quarter():
    assert [likely_tokens(most) for most in (0, 1, 4, 9)] == [0, 1, 1, 3]

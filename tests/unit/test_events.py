"""A stream is cut where its events end, however it was torn on its way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.errors import UpstreamFailed
from selfserve.gateway import events
from selfserve.gateway.events import DONE, Cutter, read_event, write_event

STREAM = (
    b': hello\n\ndata: {"a": 1}\n\nevent: ping\r\ndata: {"b":\r\ndata: 2}\r\n\r\ndata: text\r\rdata: [DONE]\n\n'
    b'id: 7\ndata: {"rest": true}'
)


@given(st.lists(st.integers(1, 40)))
def test_what_was_cut_is_what_came_however_it_came(sizes):
    cutter, cut, rest = Cutter(), [], STREAM
    for size in [*sizes, len(STREAM)]:
        cut += cutter.feed(rest[:size])
        rest = rest[size:]
    assert b"".join(cut) + cutter.begun == STREAM
    assert [said for said in map(read_event, cut) if said is not None] == [{"a": 1}, {"b": 2}, DONE]
    assert read_event(bytes(cutter.begun)) == {"rest": True}


@pytest.mark.parametrize("event", [b": a comment\n\n", b"data: not json\n\n", b"\n\n", b"event: x\n\n", b"data:\n\n"])
def test_what_says_nothing_is_nothing(event):
    assert read_event(event) is None


def test_an_event_without_an_end_is_an_end(monkeypatch):
    monkeypatch.setattr(events, "LONGEST", 100)
    cutter = Cutter()
    cutter.feed(b"data: " + b"x" * 90)
    with pytest.raises(UpstreamFailed, match="without an end"):
        cutter.feed(b"x" * 10)


def test_our_own_events_are_read_like_others():
    assert write_event({"a": "b\n\nc"}, "error") == b'event: error\ndata: {"a":"b\\n\\nc"}\n\n'
    assert read_event(write_event({"a": 1})) == {"a": 1}

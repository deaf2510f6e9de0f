"""An answer that comes in pieces: each is passed on as it comes, and the call is settled before the last one."""

from collections.abc import Callable, Iterator
from typing import Any

from selfserve.calls import CLIENT_LEFT, Ask, Outcome
from selfserve.errors import DomainError, UpstreamFailed
from selfserve.gateway.client import LOST, Reply
from selfserve.gateway.dialects import Dialect, is_finished
from selfserve.gateway.events import Cutter, read_event
from selfserve.gateway.refusals import refusal_in, told
from selfserve.gateway.usage import guessed, read_usage, spoken
from selfserve.prices import Usage
from selfserve.upstreams import Upstream


class Settlement:
    """Settles a call once, however many ways it may end; `cost` is in nano-dollars, None where nobody knows it."""

    def __init__(self, settle: Callable[[Outcome], int | None]) -> None:
        """Take what records the call."""
        self._settle, self._is_done = settle, False

    def __call__(self, outcome: Outcome) -> int | None:
        """Settle, unless that is done."""
        if self._is_done:
            return None
        self._is_done = True
        return self._settle(outcome)


class Heard:
    """What an answer has said so far."""

    def __init__(self, dialect: Dialect, ask: Ask, *, is_whole: bool = False) -> None:
        """Begin with nothing heard; a whole answer is one event that says everything."""
        self.dialect, self.ask, self.is_whole = dialect, ask, is_whole
        self.usage: dict[str, Any] = {}
        self.characters = 0
        self.is_counted = self.is_over = self.is_finished = False

    def hear(self, said: Any) -> None:
        """Take in one event."""
        if isinstance(said, dict):
            if isinstance(usage := self.dialect.usage_of(said), dict):
                self.usage |= {word: value for word, value in usage.items() if value is not None}
                self.is_counted = self.is_counted or self.dialect.is_last_word(said)
            self.is_finished = self.is_finished or is_finished(said)
            if self.is_whole or self.dialect.says(said):
                self.characters += spoken(said)
        if isinstance(said, (dict, str)):
            self.is_over = self.is_over or self.dialect.is_end(said)

    def outcome(self, status: int) -> Outcome:
        """Say what was used: as it was told, else guessed from what came through."""
        told_usage: Usage | None = read_usage(self.usage)
        if told_usage and self.is_counted:
            return Outcome(status, told_usage)
        return Outcome(status, guessed(told_usage, self.ask.prompt_tokens, self.characters), is_estimated=True)


class Stream:
    """The answer on its way. Whoever takes it must close it, also when it was not read to its end."""

    def __init__(
        self, reply: Reply, heard: Heard, upstream: Upstream, settlement: Settlement, *, hides_usage: bool
    ) -> None:
        """Begin to pass on."""
        self.reply, self.heard, self.upstream, self.hides_usage = reply, heard, upstream, hides_usage
        self._settlement = settlement
        self._events = self._pass_on()

    def __iter__(self) -> Iterator[bytes]:
        """Give the events, those that came together in one piece."""
        return self._events

    def close(self) -> None:
        """End it: whoever asked has the whole answer or has left, and then the upstream need not go on."""
        self.reply.close()
        self._end(CLIENT_LEFT)

    def _pass_on(self) -> Iterator[bytes]:
        """Pass on what comes; when it breaks off, say so in the stream's own words."""
        try:
            yield from self._pieces()
        except DomainError as error:
            self._end(error.status)
            yield self.heard.dialect.failure(error)
        self._end(self.reply.status)

    def _pieces(self) -> Iterator[bytes]:
        """Give what comes in whole events; the last one is held back until the call is settled."""
        cutter = Cutter()
        for data in self.reply.chunks():
            if piece := b"".join(self._let_through(event) for event in cutter.feed(data)):
                if self.heard.is_over:
                    self._end(self.reply.status)
                yield piece
        rest = self._let_through(bytes(cutter.begun))
        if not (self.heard.is_over or self.heard.is_finished):
            raise UpstreamFailed(LOST)
        if rest:
            self._end(self.reply.status)
            yield rest

    def _let_through(self, event: bytes) -> bytes:
        """Listen to an event and give what the client gets of it. Raises what the upstream says went wrong."""
        said = read_event(event)
        self.heard.hear(said)
        if refused := refusal_in(said):
            raise told(refused, UpstreamFailed.status, self.upstream)
        if self.hides_usage and isinstance(said, dict) and self.heard.dialect.is_only_usage(said):
            return b""
        return without_key(event, self.upstream)

    def _end(self, status: int) -> None:
        """Settle with what was heard until now."""
        self._settlement(self.heard.outcome(status))


def without_key(data: bytes, upstream: Upstream) -> bytes:
    """Blot out the upstream's key, should it ever repeat it."""
    key = upstream.api_key.encode()
    return data.replace(key, b"*" * 8) if len(key) >= 8 and key in data else data

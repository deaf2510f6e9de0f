"""`python -m bench.upstream PORT`: an OpenAI-compatible upstream that answers at once, in a process of its own.

Each answer tells another number of tokens, so that sums which are right by chance are not. `GET /told` adds them up.
"""

import asyncio
import json
import sys
from itertools import cycle
from typing import Any

MODEL = "gpt-5-mini"
ANSWER = "Selfserve hands out keys to models, and counts what they cost to the nano-dollar. " * 4
_WORDS = ANSWER.split()


def _usage(number: int) -> dict[str, Any]:
    """Tell the tokens of one answer: small enough for any request's bounds."""
    prompt, completion = 11 + number % 7, 3 + number % 13
    cached = {"cached_tokens": number % 5}
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": cached,
    }


def _whole(usage: dict[str, Any]) -> bytes:
    """Write an answer in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    body = json.dumps(_frame("chat.completion") | {"choices": [choice], "usage": usage}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def _streamed(usage: dict[str, Any]) -> list[bytes]:
    """Write the pieces of a stream, a word in each; the last tells the usage."""
    frame = _frame("chat.completion.chunk")
    choices: list[list[dict[str, Any]]]
    choices = [[{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}] for word in _WORDS[:20]]
    choices.append([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    told = [frame | {"choices": each, "usage": None} for each in choices] + [frame | {"choices": [], "usage": usage}]
    events = [f"data: {json.dumps(one)}\n\n".encode() for one in told] + [b"data: [DONE]\n\n"]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
    return [head + pieces[0], *pieces[1:-1], pieces[-1] + b"0\r\n\r\n"]


def _frame(kind: str) -> dict[str, Any]:
    """Write what each answer begins with."""
    return {"id": "chatcmpl-bench", "object": kind, "created": 1_790_000_000, "model": MODEL}


class Upstream(asyncio.Protocol):
    """One connection: requests come one after the other, each with the length of its body."""

    usages = [_usage(number) for number in range(455)]
    answers = cycle([(usage, _whole(usage), _streamed(usage)) for usage in usages])
    told = {"requests": 0, "prompt_tokens": 0, "completion_tokens": 0}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport, self.waiting = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].lower()
            _, _, length = head.partition(b"content-length:")
            whole = end + 4 + int(length.partition(b"\r\n")[0] or 0)
            if len(self.waiting) < whole:
                return
            body, self.waiting = self.waiting[end + 4 : whole], self.waiting[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        """Answer one request, and remember what it was told."""
        if head.startswith(b"get /told"):
            told = json.dumps(self.told).encode()
            return self._send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
        usage, whole, pieces = next(self.answers)
        self.told["requests"] += 1
        for name in ("prompt_tokens", "completion_tokens"):
            self.told[name] += usage[name]
        is_stream = b'"stream":true' in body or b'"stream": true' in body
        return self._send(*(pieces if is_stream else (whole,)))

    def _send(self, *pieces: bytes) -> None:
        """Send the pieces, each by itself."""
        for piece in pieces:
            self.transport.write(piece)  # type: ignore[attr-defined]


async def serve(port: int) -> None:
    """Answer until the end."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

"""The APIs that are passed on, and what differs between them: where a body says how much it may cost, where an answer
says how much it did, and how a stream ends and fails.
"""

import re
from typing import Any

from selfserve.calls import Ask
from selfserve.errors import BudgetExceeded, DomainError
from selfserve.gateway.events import DONE, write_event
from selfserve.gateway.prompts import most_tokens
from selfserve.schemas.model_calls import ModelCall

OPENAI_THINKS = re.compile(r"(?:.*/)?(?:o\d|gpt-[5-9])")
"""OpenAI's models that want `max_completion_tokens`; other servers know `max_tokens` better."""


class Dialect:
    """One API; the words of OpenAI's chat unless a kind of its own says otherwise."""

    path = ""
    limits: tuple[str, ...] = ("max_tokens",)
    has_output = True
    wants_usage = False
    """Whether a stream tells its usage only when it is asked to."""
    ends: tuple[str, ...] = ()
    """The types of the events that end a stream."""

    def ask(self, call: ModelCall, content: dict[str, Any]) -> Ask:
        """Say what a call asks for."""
        return Ask(call.model, most_tokens(content), call.most_tokens, call.choices, self.has_output)

    def changed(self, content: dict[str, Any], model: str, most: int | None) -> dict[str, Any]:
        """Give what the body must say instead: the upstream's name of the model, a lower limit, that usage is told.

        Raises BudgetExceeded where the lower limit leaves no room for the thoughts that are asked for.
        """
        changes: dict[str, Any] = {} if content["model"] == model else {"model": model}
        if most is not None:
            _refuse_thoughts_over(most, content)
            changes |= dict.fromkeys([name for name in self.limits if content.get(name) is not None], most)
            changes |= {} if changes.keys() & set(self.limits) else {self.limit(model): most}
        if self.hides_usage(content):
            options = content.get("stream_options")
            changes["stream_options"] = (options if isinstance(options, dict) else {}) | {"include_usage": True}
        return changes

    def limit(self, model: str) -> str:
        """Name the field that limits an answer which has no limit yet."""
        return self.limits[0]

    def hides_usage(self, content: dict[str, Any]) -> bool:
        """Tell whether a client did not ask for the event with the usage of its stream, so that it is kept back."""
        options = content.get("stream_options")
        has_asked = isinstance(options, dict) and options.get("include_usage") is True
        return self.wants_usage and content.get("stream") is True and not has_asked

    def usage_of(self, event: dict[str, Any]) -> Any:
        """Find the usage in an answer or in an event of a stream."""
        return event.get("usage")

    def is_only_usage(self, event: dict[str, Any]) -> bool:
        """Tell whether an event is there for its usage alone."""
        return event.get("choices") == [] and isinstance(event.get("usage"), dict)

    def is_last_word(self, event: dict[str, Any]) -> bool:
        """Tell whether the usage in an event is that of the whole stream."""
        return True

    def says(self, event: dict[str, Any]) -> bool:
        """Tell whether an event holds a new piece of the answer, and not once more what others held."""
        return True

    def is_end(self, event: Any) -> bool:
        """Tell whether a stream ends with an event."""
        return event == DONE if isinstance(event, str) else event.get("type") in self.ends

    def failure(self, error: DomainError) -> bytes:
        """Write the event that says in mid-stream that it failed."""
        return write_event({"error": error.envelope})


class Chat(Dialect):
    """`/chat/completions`."""

    path = "/chat/completions"
    limits = ("max_tokens", "max_completion_tokens")
    wants_usage = True

    def limit(self, model: str) -> str:
        """Name the field that this model minds."""
        return self.limits[1 if OPENAI_THINKS.match(model) else 0]


class Completions(Dialect):
    """`/completions`."""

    path = "/completions"
    wants_usage = True


class Embeddings(Dialect):
    """`/embeddings`."""

    path = "/embeddings"
    limits = ()
    has_output = False


class Responses(Dialect):
    """`/responses`: the usage stands in the last event, inside the whole answer."""

    path = "/responses"
    limits = ("max_output_tokens",)
    ends = ("response.completed", "response.incomplete", "response.failed")

    def usage_of(self, event: dict[str, Any]) -> Any:
        """Find it beside or inside the answer."""
        answer = event.get("response")
        return (answer if isinstance(answer, dict) else event).get("usage")

    def says(self, event: dict[str, Any]) -> bool:
        """Pieces are called so; the rest repeats them."""
        return str(event.get("type")).endswith(".delta")

    def failure(self, error: DomainError) -> bytes:
        """Write the event that its clients know, with our envelope beside."""
        told = error.envelope
        return write_event(told | {"type": "error", "error": told}, "error")


class Messages(Dialect):
    """`/messages`: the prompt's usage stands in the first event, the answer's in one of the last."""

    path = "/messages"
    ends = ("message_stop",)

    def usage_of(self, event: dict[str, Any]) -> Any:
        """Find it in the message that begins, or in what is told later."""
        message = event.get("message")
        return (message if isinstance(message, dict) else event).get("usage")

    def is_last_word(self, event: dict[str, Any]) -> bool:
        """The first event only knows the prompt."""
        return event.get("type") != "message_start"

    def failure(self, error: DomainError) -> bytes:
        """Write the event as Anthropic does."""
        return write_event({"type": "error", "error": error.envelope}, "error")


CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, MESSAGES = Chat(), Completions(), Embeddings(), Responses(), Messages()


def is_finished(event: dict[str, Any]) -> bool:
    """Tell whether an event ends an answer: some servers end their streams without another word."""
    choices = event.get("choices")
    return isinstance(choices, list) and any(isinstance(each, dict) and each.get("finish_reason") for each in choices)


def _refuse_thoughts_over(most: int, content: dict[str, Any]) -> None:
    """Refuse to ask for more thoughts than an answer may have tokens: the upstream would only say that it is wrong."""
    thinking = content.get("thinking")
    asked = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if isinstance(asked, int) and asked >= most:
        raise BudgetExceeded(
            f"What is left of the budget pays an answer of {most:,} tokens, and thinking.budget_tokens asks for "
            f"{asked:,}. Ask for fewer, or ask an admin for more."
        )

"""Calls to models: the few fields that decide what a call may cost. The rest of a body is the upstream's business."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, model_validator

from selfserve.schemas.fields import CONTROLS, Answer, Command, Text, described_as, wrong

_INNER = CONTROLS + r"\s"
_NAME = {"type": "string", "maxLength": 255, "pattern": f"^[^{_INNER}]([^{CONTROLS}]*[^{_INNER}])?$"}
MOST_CHOICES = 128
MOST_TOKENS = 10**9


_DECIDING = {
    *("model", "messages", "prompt", "input", "tools", "stream", "stream_options", "n", "best_of"),
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "service_tier", "background", "speed"),
}
"""Words that decide what a call may cost; Go's servers read them in any case."""
_ELSEWHERE = {
    *("models", "fallbacks", "model_list", "route", "context_window_fallbacks", "custom_llm_provider"),
    *("api_base", "base_url", "api_key", "user_config", "extra_body"),
}
"""Words by which OpenRouter and LiteLLM are told to call something else."""


def _only_now(value: Any) -> Any:
    """Refuse an answer that is made later: nobody could count it."""
    if value is True:
        raise wrong("must be false: what an answer costs that is made later could not be counted.")
    return value


def _usual(value: Any) -> Any:
    """Refuse what costs more than the list of prices says."""
    if value in ("priority", "fast"):
        raise wrong("must be the usual one: this portal does not know what a faster one costs.")
    return value


def _words_alone(value: Any) -> Any:
    """Refuse answers that are heard or seen: they cost a multiple of words."""
    if value is not None and (not isinstance(value, list) or any(each != "text" for each in value)):
        raise wrong('must be ["text"]: this portal does not know what other answers cost.')
    return value


def _exact(value: Any) -> Any:
    """Refuse a name that another server might read as another one."""
    if isinstance(value, str) and value != value.strip():
        raise wrong("must not begin or end with white space.")
    return value


def _text_or_list(value: Any) -> Any:
    """Refuse what no prompt is."""
    if not isinstance(value, (str, list)):
        raise wrong("must be text or a list.")
    return value


def _number(value: Any) -> Any:
    """Refuse a number as text: an upstream might read it, and another one not."""
    if isinstance(value, (bool, str)):
        raise wrong("must be a whole number.")
    return value


ModelName = Annotated[Text, BeforeValidator(_exact), described_as(_NAME)]
Tokens = Annotated[int, Field(ge=1, le=MOST_TOKENS), BeforeValidator(_number)]
Choices = Annotated[int, Field(ge=1, le=MOST_CHOICES), BeforeValidator(_number)]
Prompt = Annotated[
    Any,
    BeforeValidator(_text_or_list),
    described_as({"type": "string"}, {"type": "array"}, says="As the upstream's documentation says."),
]
Messages = Annotated[list[Any], Field(description="As the upstream's documentation says.")]
Pace = Annotated[
    StrictStr, BeforeValidator(_usual), described_as({"type": "string", "not": {"enum": ["priority", "fast"]}})
]

Modalities = Annotated[
    Any, BeforeValidator(_words_alone), described_as({"type": "array", "items": {"const": "text"}}, {"type": "null"})
]


class ModelCall(Command):
    """What every call to a model says."""

    model: ModelName
    stream: StrictBool | None = None
    service_tier: Pace | None = None
    modalities: Modalities = None

    @model_validator(mode="before")
    @classmethod
    def _says_it_plainly(cls, content: Any) -> Any:
        """Refuse words that some servers read as another model, limit or server than the one that was decided about."""
        for name in content if isinstance(content, dict) else ():
            if name in _ELSEWHERE:
                raise wrong(f"{name} cannot be used here: a call goes to the model that it names, and to no other.")
            if name not in _DECIDING and name.casefold() in _DECIDING:
                raise wrong(f"{name[:50]} must be written {name.casefold()}, in small letters.")
        return content

    @property
    def most_tokens(self) -> int | None:
        """How many tokens each of its answers may be long, None where it does not say."""
        return None

    @property
    def choices(self) -> int:
        """How many answers it asks for."""
        return 1


class ChatCall(ModelCall):
    """`POST /v1/chat/completions`."""

    messages: Messages
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    n: Choices | None = None

    @property
    def most_tokens(self) -> int | None:
        """The larger one, whichever the upstream minds."""
        return max((each for each in (self.max_tokens, self.max_completion_tokens) if each is not None), default=None)

    @property
    def choices(self) -> int:
        """How many answers it asks for."""
        return self.n or 1


class CompletionCall(ModelCall):
    """`POST /v1/completions`: each prompt of a list is answered `n` times, of `best_of` tries."""

    prompt: Prompt
    max_tokens: Tokens | None = None
    n: Choices | None = None
    best_of: Choices | None = None

    @property
    def most_tokens(self) -> int | None:
        """As it says."""
        return self.max_tokens

    @property
    def choices(self) -> int:
        """How many answers are made; a list of numbers is one prompt in tokens."""
        is_many = isinstance(self.prompt, list) and self.prompt and not isinstance(self.prompt[0], int)
        return max(self.n or 1, self.best_of or 1) * (len(self.prompt) if is_many else 1)


class EmbeddingCall(ModelCall):
    """`POST /v1/embeddings`."""

    input: Prompt


class ResponseCall(ModelCall):
    """`POST /v1/responses`; an answer made in the background could not be counted."""

    input: Prompt | None = None
    max_output_tokens: Tokens | None = None
    background: Annotated[StrictBool, BeforeValidator(_only_now), described_as({"const": False})] | None = None

    @property
    def most_tokens(self) -> int | None:
        """As it says."""
        return self.max_output_tokens


class MessageCall(ModelCall):
    """`POST /v1/messages`."""

    messages: Messages
    max_tokens: Tokens
    speed: Pace | None = None

    @property
    def most_tokens(self) -> int | None:
        """As it says."""
        return self.max_tokens


class ModelAnswer(Answer):
    """The upstream's answer, passed on as it came."""

    model_config = ConfigDict(extra="allow")

"""A Flask-WTF form that speaks a pydantic schema: labels and widgets here, every rule there."""

import re
from typing import Any, ClassVar, Generic, Self, TypeVar

from flask import request
from flask_wtf import FlaskForm
from pydantic import BaseModel, ValidationError
from wtforms import SelectField

from selfserve.errors import DomainError
from selfserve.web.messages import explain

Model = TypeVar("Model", bound=BaseModel)
_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


class SchemaForm(FlaskForm, Generic[Model]):
    """A form whose fields bear the names of its schema; WTForms' own validators stay unused."""

    schema: ClassVar[type[BaseModel]]

    def __init__(self, *, is_fresh: bool = False, **values: Any) -> None:
        """Read the fields of a posted form and nothing else: Flask-WTF would take JSON and files for them, too.

        A fresh form holds the values that are given even after a POST.
        """
        super().__init__(formdata=request.form if request.method == "POST" and not is_fresh else None, **values)

    def command(self) -> Model | None:
        """Give the validated command, or None after putting a sentence on each wrong field."""
        sent = {name: value for name, value in self.data.items() if name != "csrf_token" and not _is_blank(value)}
        try:
            return self.schema.model_validate(sent)  # type: ignore[return-value]
        except ValidationError as error:
            self.put(explain(error).fields)
            return None

    def put_error(self, error: DomainError) -> None:
        """Put what a service complained of on its field, or on the form where it has none."""
        self.put(getattr(error, "fields", None) or {error.param or "": error.message})

    def recall(self, sent: Self, error: DomainError) -> Self:
        """Say why what was sent was not taken and, on each field that holds something else now, what it was."""
        said = {field.name: (_shown(field), _shown(sent[field.name])) for field in self if field.type != "HiddenField"}
        self.put({name: _recalled(before) for name, (holds, before) in said.items() if before != holds})
        self.form_errors.append(error.message)
        return self

    def put(self, sentences: dict[str, str]) -> None:
        """Put sentences on fields; those without a field of that name go on the form. What was typed is shown again."""
        for shown in self:
            shown.data = printable(shown.data)
        for name, sentence in printable(sentences).items():
            if name in self._fields:
                field: Any = self._fields[name]
                bare = sentence.removeprefix(f"{name}: ").removeprefix(f"{name} ")
                field.errors = [*field.errors, _as_sentence(bare, field.label.text)]
            else:
                self.form_errors.append(_as_sentence(sentence, name))


def _shown(field: Any) -> str:
    """Give what a reader sees in a field."""
    if isinstance(field, SelectField):
        return next((choice.label for choice in field.iter_choices() if choice.selected), "")
    return str(field._value())


def _recalled(text: str) -> str:
    """Say what a field held when it was sent."""
    return f"Your form said “{text}”." if text else "Your form had nothing here."


def _is_blank(value: Any) -> bool:
    """Tell whether a field was left empty."""
    return value is None or value == "" or value == []


def printable(value: Any) -> Any:
    """Replace what no page may hold, control characters, before what was typed is shown or carried again."""
    if isinstance(value, list):
        return [printable(item) for item in value]
    if isinstance(value, dict):
        return {name: printable(item) for name, item in value.items()}
    return _CONTROL.sub("\ufffd", value) if isinstance(value, str) else value


def _as_sentence(text: str, subject: str) -> str:
    """Say what is wrong in full: what begins in lower case is a predicate and wants its subject."""
    return f"{subject} {text}" if subject and text[:1].islower() else text

"""What goes wrong, on the wire: one envelope for everything (the causes are in `selfserve/errors.py`)."""

from selfserve.schemas.fields import Answer


class ErrorBody(Answer):
    """What is wrong and how to mend it; `param` names the field it is about, `code` is the status as text."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorEnvelope(Answer):
    """The one shape of every error."""

    error: ErrorBody

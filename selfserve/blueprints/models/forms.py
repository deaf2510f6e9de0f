"""The form of a refusal: words and widgets here, rules in the schema."""

from wtforms import TextAreaField

from selfserve.schemas.models import Refused
from selfserve.web.forms import SchemaForm


class RefusedForm(SchemaForm[Refused]):
    """What a refused call printed, or the end of a key."""

    schema = Refused
    pasted = TextAreaField("Error message, or the last 4 characters of the key")

    def put(self, _sentences: dict[str, str]) -> None:
        """Say what to paste."""
        super().put({"pasted": "Paste the error, or the end of the key: 20,000 characters at most."})

"""Templates: Jinja as Flask sets it up, but quicker where a template imports macros."""

from collections.abc import MutableMapping
from typing import Any

from flask.templating import Environment


class FlatEnvironment(Environment):
    """Gives each template one dict of globals: an `import` compares them, row by row, and a chain of dicts is slow."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Copy the globals there are; all of them are set before the first template is read."""
        return {**self.globals, **(d or {})}

"""The path prefix behind a reverse proxy, whether the proxy strips it or keeps it."""

from typing import Any


class RootPath:
    """Move a known prefix from the path to the script name, and tell the application of it either way."""

    def __init__(self, application: Any, prefix: str) -> None:
        """Wrap a WSGI application."""
        self.application, self.prefix = application, prefix

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if path == self.prefix or path.startswith(self.prefix + "/"):
            environ["PATH_INFO"] = path[len(self.prefix) :] or "/"
        environ["SCRIPT_NAME"] = self.prefix
        return self.application(environ, start_response)

"""The bare application: Flask views of constant JSON, as many bytes as the answers they are compared with."""

import os

from flask import Flask, Response

app = Flask("bare")


def _add(size: int) -> None:
    """Add the view that answers with so many bytes."""
    body = b"1" * size

    def bare() -> Response:
        """Answer."""
        return Response(body, mimetype="application/json")

    app.add_url_rule(f"/{size}", str(size), bare)


for asked in {"0", *os.environ["BENCH_SIZES"].split()}:
    _add(int(asked))

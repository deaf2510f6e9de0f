"""Files: CSV for spreadsheets, in which no cell is a formula (S-36), and lines of JSON; long ones as they are read."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from flask import Response, stream_with_context

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What makes a spreadsheet read a cell as a formula, in either width."""
_AFTER_SEPARATOR = re.compile(r'([;|\t\r\n][\s"]*)(?=[=+\-@＝＋－＠])')
"""Where another list separator than ours begins a cell, as in half of Europe: `x;=1+1`; our quotes are letters then."""
_AT_ONCE = 200
"""Lines that are sent together."""


def sheet(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Answer with a file of these rows under a header row, to be saved as `name`."""
    written = io.BytesIO()
    with io.TextIOWrapper(written, "utf-8", newline="") as text:
        lines = csv.writer(text)
        lines.writerow(header)
        lines.writerows([harmless(cell) for cell in row] for row in rows)
        text.flush()
        content = written.getvalue()
    return _saved_as(name, Response(content, mimetype="text/csv"))


def long_sheet(name: str, header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Response:
    """Answer with such a file while its rows are read, so that no more than a few are held; what is nested is JSON."""
    written = io.StringIO(newline="")
    lines = csv.writer(written)

    def line(cells: Iterable[object]) -> str:
        """Write one line."""
        written.seek(0)
        written.truncate()
        lines.writerow(cells)
        return written.getvalue()

    told = (line(harmless(_cell(row[column])) for column in header) for row in rows)
    return _streamed(name, "text/csv", told, line(header))


def json_lines(name: str, rows: Iterable[Mapping[str, Any]]) -> Response:
    """Answer with a line of JSON for each row, while the rows are read."""
    told = (json.dumps({word: _plain(value) for word, value in row.items()}, ensure_ascii=False) + "\n" for row in rows)
    return _streamed(name, "application/x-ndjson", told)


def _streamed(name: str, mimetype: str, lines: Iterator[str], head: str = "") -> Response:
    """Send lines as they come, some at once."""

    def parts() -> Iterator[str]:
        """Put lines together."""
        yield head
        while some := "".join(islice(lines, _AT_ONCE)):
            yield some

    return _saved_as(name, Response(stream_with_context(parts()), mimetype=mimetype))


def _saved_as(name: str, response: Response) -> Response:
    """Let a browser save an answer as a file."""
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _plain(value: Any) -> Any:
    """Write a moment in ISO 8601 and UTC."""
    return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}" if isinstance(value, datetime) else value


def _cell(value: Any) -> object:
    """Write what stands in a cell: nothing where there is nothing, JSON where it is nested."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else _plain(value)


def harmless(cell: object) -> object:
    """Write a text so that a spreadsheet shows it and never runs it; what is no text stays."""
    if not isinstance(cell, str):
        return cell
    return ("'" if cell.startswith(_FORMULA) else "") + cell[:1] + _AFTER_SEPARATOR.sub(r"\1'", cell[1:])

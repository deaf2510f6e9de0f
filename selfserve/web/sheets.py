"""Tables for spreadsheets: CSV in which no cell is a formula (S-36)."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from flask import Response

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What makes a spreadsheet read a cell as a formula, in either width."""
_AFTER_SEPARATOR = re.compile(r"([;|\t]\s*)(?=[=+\-@＝＋－＠])")
"""Where another list separator than ours begins a cell, as in half of Europe: `x;=1+1`."""


def sheet(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Answer with a file of these rows under a header row, to be saved as `name`."""
    written = io.BytesIO()
    with io.TextIOWrapper(written, "utf-8", newline="") as text:
        lines = csv.writer(text)
        lines.writerow(header)
        lines.writerows([harmless(cell) for cell in row] for row in rows)
        text.flush()
        content = written.getvalue()
    response = Response(content, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def harmless(cell: object) -> object:
    """Write a text so that a spreadsheet shows it and never runs it; what is no text stays."""
    if not isinstance(cell, str):
        return cell
    return ("'" if cell.startswith(_FORMULA) else "") + cell[:1] + _AFTER_SEPARATOR.sub(r"\1'", cell[1:])

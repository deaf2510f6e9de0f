"""The audit is only ever added to, also by a mistake of ours: the database refuses the rest (S-45)."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from selfserve.extensions import db


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET action = 'nothing'", "DELETE FROM audit_events"])
def test_nobody_rewrites_what_ada_did(app, curl, ada, statement):
    curl(ada).post("/user/new", {"user_id": "new", "auto_create_key": False})
    with app.app_context(), pytest.raises(DBAPIError, match="only ever added"):
        db.session.execute(text(statement))

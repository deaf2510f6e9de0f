"""The documented shapes of the answers: names, and what kind of value stands under each."""

import re

HASH = re.compile(r"[0-9a-f]{64}")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
KEY = re.compile(r"sk-ss_[0-9A-Za-z]{39}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

INVITATION = {
    "id", "user_id", "is_accepted", "accepted_at", "expires_at", "created_at", "created_by", "updated_at", "updated_by",
}  # fmt: skip
KEY_ROW = {
    "token", "key_name", "key_alias", "spend", "total_spend", "expires", "models", "user_id", "team_id", "metadata",
    "blocked", "tpm_limit", "rpm_limit", "max_parallel_requests", "max_budget", "soft_budget", "budget_duration",
    "budget_reset_at", "allowed_routes", "key_type", "organization_id", "created_at", "created_by", "updated_at",
    "updated_by", "last_active",
}  # fmt: skip
GENERATED = (KEY_ROW - {"total_spend", "budget_reset_at", "last_active"}) | {"key", "token_id", "duration", "tags"}
USER_ROW = {
    "user_id", "user_email", "user_alias", "user_role", "spend", "max_budget", "soft_budget", "budget_duration",
    "budget_reset_at", "models", "metadata", "tpm_limit", "rpm_limit", "max_parallel_requests", "teams",
    "created_at", "updated_at",
}  # fmt: skip


def moments_of(row):
    """Give every time in a row, to see that each is written as documented."""
    return [value for name, value in row.items() if value and name.endswith(("_at", "expires", "last_active"))]


def assert_moments(row):
    """Times are ISO 8601 in UTC with six fractional digits and Z."""
    assert [moment for moment in moments_of(row) if not MOMENT.fullmatch(moment)] == []

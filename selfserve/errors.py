"""Everything that can go wrong, as exceptions. They know no web framework; `web/errors.py` dresses them.

`message` is a sentence for the person who reads it: what is wrong and how to mend it. `type` is the documented word of
the wire, `param` the field it is about, `fields` one sentence per wrong field, `retry_after` how many seconds to wait.
"""


class DomainError(Exception):
    """Something a caller can be told about, with its HTTP status."""

    status = 500
    type = "internal_server_error"
    title = "Something broke on our side"
    retry_after: int | None = None

    def __init__(self, message: str, *, param: str | None = None, type: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.type = type or self.type

    @property
    def envelope(self) -> dict[str, str | None]:
        """What every answer of the wire says of it, under `error`."""
        return {"message": self.message, "type": self.type, "param": self.param, "code": str(self.status)}

    @property
    def is_final(self) -> bool:
        """Whether a program should not try the same again by itself."""
        return False


class BadRequest(DomainError):
    """The request itself cannot be read."""

    status, type, title = 400, "bad_request_error", "That request could not be read"


class Unauthenticated(DomainError):
    """Nobody we know, or not any more."""

    status, type, title = 401, "auth_error", "Please sign in"


class Forbidden(DomainError):
    """Known, but not permitted."""

    status, type, title = 403, "forbidden_error", "You cannot do that"


class SignInRefused(Forbidden):
    """Somebody who came back from an identity provider and is not let in; `reason` is its word in the audit."""

    type, title = "sign_in_refused_error", "That sign-in is not accepted here"

    def __init__(self, message: str, *, reason: str, label: str = "", account: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.label = label
        self.account = account
        self.user_id: str | None = None


class SignInLost(SignInRefused):
    """Somebody who came back without having left from this browser, too late, or a second time (S-23)."""

    status, type, title = 400, "sign_in_lost_error", "That sign-in cannot go on"


class ProofNeeded(Forbidden):
    """Signed in, but who they are was not proved lately, and `deed` wants that (S-39)."""

    type, title = "proof_needed_error", "Confirm it is you"

    def __init__(self, deed: str) -> None:
        super().__init__(f"You are about to {deed}. Confirm first that it is you.")
        self.deed = deed


class NotFound(DomainError):
    """Absent, or out of the caller's sight: the two must look the same."""

    status, type, title = 404, "not_found_error", "Page not found"


class MethodNotAllowed(DomainError):
    """The address exists, the method does not."""

    status, type, title = 405, "method_not_allowed_error", "That does not work here"


class TooSlow(DomainError):
    """A request that did not come whole in its time."""

    status, type, title = 408, "request_timeout_error", "That came too slowly"


class Conflict(DomainError):
    """Taken, or against a rule over several rows."""

    status, type, title = 409, "conflict_error", "That cannot be done as things stand"


class Stale(Conflict):
    """Changed by somebody else since a form showed it."""

    type, title = "stale_error", "Somebody changed this meanwhile"

    def __init__(self) -> None:
        super().__init__("Somebody changed this meanwhile. Look at it again and save once more.")


class Gone(DomainError):
    """A link that opens nothing any more."""

    status, type, title = 410, "gone_error", "Link no longer valid"


class TooLarge(DomainError):
    """More bytes than we read."""

    status, type, title = 413, "payload_too_large_error", "That is too much at once"


class WrongMediaType(DomainError):
    """A body in a format this address does not take."""

    status, type, title = 415, "unsupported_media_type_error", "That format is not accepted"


class Invalid(DomainError):
    """One or more fields are wrong."""

    status, type, title = 422, "validation_error", "Something needs another look"

    def __init__(self, message: str, *, param: str | None = None, fields: dict[str, str] | None = None) -> None:
        super().__init__(message, param=param)
        self.fields = fields or ({param: message} if param else {})


class TooMany(DomainError):
    """Slow down."""

    status, type, title = 429, "throttling_error", "Too many tries"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetExceeded(DomainError):
    """The money is used up, or held by calls that run; only then it helps to wait a moment."""

    status, type, title = 429, "budget_exceeded", "The budget is used up"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def is_final(self) -> bool:
        """Whether to try again helps nobody before the budget starts again."""
        return self.retry_after is None


class UpstreamFailed(DomainError):
    """The server that a call was sent on to did not answer as it should."""

    status, type, title = 502, "upstream_error", "The model's server failed"


class UpstreamTimeout(DomainError):
    """The server that a call was sent on to did not answer in time."""

    status, type, title = 504, "upstream_timeout", "The model's server took too long"


class Unavailable(DomainError):
    """The database is away, or nothing free to answer with; nothing was changed."""

    status, type, title = 503, "service_unavailable_error", "Back in a moment"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProviderAway(Unavailable):
    """The identity provider does not answer as one; `why` is for who set it up, without address and secret."""

    type, title = "identity_provider_error", "The sign-in service does not answer"

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"{label} cannot be reached as it should right now. Try again in a moment.")
        self.label = label
        self.why = why

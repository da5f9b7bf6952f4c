"""The one exception tree. Raised deep, rendered at the edge; nothing here knows HTTP.

`code` is stable and snake_case; title and detail come from the catalogue in the caller's language,
filled with `values`.
"""

from collections.abc import Mapping
from typing import Any


class WalletError(Exception):
    """Something that was foreseen. Whatever else is raised is a defect and says nothing to the caller."""

    def __init__(self, code: str, /, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class InvalidInput(WalletError):
    """Well-formed but not acceptable. `fields`: JSON Pointer (RFC 6901) to the code of what is wrong there.

    utility: whose plug-in refused, and has the words for its codes; "" for a refusal of the wallet's own. ours: what
    the wallet itself found beside it, which stays in its words.
    """

    def __init__(self, fields: Mapping[str, str], /, code: str = "invalid_input", **values: Any) -> None:
        super().__init__(code, **values)
        self.fields = dict(fields)
        self.utility = ""
        self.ours: frozenset[str] = frozenset()

    def speaks(self, pointer: str) -> str:
        """Return whose words a fault is told in: the code of a utility, "" for the wallet's."""
        return "" if pointer in self.ours else self.utility


def pointer_step(name: str) -> str:
    """Return one step of a JSON Pointer (RFC 6901, section 3). A name of any length came from the caller: it is cut."""
    return "/" + name[:128].replace("~", "~0").replace("/", "~1")


class ClaimsRejected(InvalidInput):
    """What the sources say does not make this document. `fields`: claim name to code."""

    def __init__(self, **fields: str) -> None:
        super().__init__({f"/claims/{name}": code for name, code in fields.items()}, "claims_rejected")


class AnswersRejected(InvalidInput):
    """What was answered makes no request. fields: path inside the answers, such as `guests/0/number`, to code."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__({f"/answers/{path}": code for path, code in fields.items()}, "answers_rejected")


def refuse(answers: Mapping[str, str], claims: Mapping[str, str]) -> None:
    """Raise what is wrong with answers and with what registers state, both at once; do nothing where nothing is."""
    if answers and claims:
        raise InvalidInput({**AnswersRejected(answers).fields, **ClaimsRejected(**claims).fields})
    if answers:
        raise AnswersRejected(answers)
    if claims:
        raise ClaimsRejected(**claims)


class BadRequest(WalletError):
    """Not understood at all: no JSON, an unknown parameter, a header that is missing."""


class NotAuthenticated(WalletError):
    """Who the caller is was not proven."""


class StepUpRequired(NotAuthenticated):
    """Proven, but not well enough.

    auth_level: what is needed. max_age: seconds since it was reached, where that counts. ways: lists of factors, each
    of which reaches it from here.
    """


class NotAllowed(WalletError):
    """Proven, and not permitted."""


class LevelTooLow(NotAllowed):
    """The account's level does not reach what the utility asks for."""


class NotFound(WalletError):
    """Does not exist, or is not the caller's: the two look the same."""


class UnknownUtility(NotFound):
    """No plug-in has this code."""


class Conflict(WalletError):
    """True, but not in this state."""


class AlreadyRevoked(Conflict):
    """A revocation is final and happens once."""


class PreconditionFailed(WalletError):
    """The thing was changed since the caller read it."""


class PreconditionRequired(WalletError):
    """An edit must name what it edits (If-Match)."""


class TooManyAttempts(WalletError):
    """Guessing is slowed. `retry_after`: seconds."""

    def __init__(self, code: str, /, retry_after: int, **values: Any) -> None:
        super().__init__(code, retry_after=retry_after, **values)
        self.retry_after = retry_after


class Unavailable(WalletError):
    """A part that is needed does not answer now. `retry_after`: seconds."""

    def __init__(self, code: str, /, retry_after: int = 1, **values: Any) -> None:
        super().__init__(code, retry_after=retry_after, **values)
        self.retry_after = retry_after


class Malformed(WalletError):
    """Bytes that are not what they claim to be."""

    def __init__(self, detail: str = "", /) -> None:
        super().__init__("malformed")
        self.detail = detail


class VerificationFailed(WalletError):
    """Well-formed, and refused. `reason`: a code of the closed list of `wallet.verifier.reasons`."""

    def __init__(self, reason: str, detail: str = "", /) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class ProfileViolated(WalletError):
    """What was about to be signed is not what a verifier takes: a fault of ours or of a plug-in, never the caller's.

    rules: what is broken, for the log and for whoever runs this.
    """

    def __init__(self, rules: list[str], /) -> None:
        super().__init__("profile_violation", rules=rules)
        self.rules = rules


class ConfigurationError(WalletError):
    """The deployment is not fit to start. `problems`: one sentence each; `mend`: the next command to try."""

    def __init__(self, *problems: str, mend: str = "") -> None:
        super().__init__("configuration", problems=list(problems))
        self.problems = problems
        self.mend = mend

    def __str__(self) -> str:
        return "; ".join(self.problems)

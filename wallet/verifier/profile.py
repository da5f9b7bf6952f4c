"""What one gate wants: utilities, claims that it takes and that it needs, a minimum age. Its answer stands apart from
authenticity.

A profile is a small JSON file:

    {"title": {"vi": "Cửa an ninh", "en": "Security"}, "utilities": ["identity"], "claims": ["full_name", "birth_date"],
     "needs": ["full_name"], "minimum_age": 18, "recipients": ["Sân bay Mẫu"], "purpose": "airline_security"}
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, timezone
from pathlib import Path
from typing import Any

from wallet.errors import WalletError
from wallet.formats.compact_values import readable_value
from wallet.verifier.judgement import Judgement, VerifiedClaim
from wallet.verifier.policy import Policy
from wallet.verifier.reasons import POLICY_REFUSED

MAX_PROFILE_BYTES = 64 * 1024
BIRTH_DATE = "birth_date"
PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,63}")

_VIETNAM = timezone(timedelta(hours=7))
_NAMES = ("utilities", "claims", "needs", "recipients")
_MEMBERS = frozenset({"title", "minimum_age", "purpose", *_NAMES})


class ProfileRefused(WalletError):
    """A file that is no profile. `detail` says what is wrong with it."""

    def __init__(self, detail: str) -> None:
        super().__init__("profile", detail=detail)


@dataclass(frozen=True, slots=True)
class Profile:
    """The demands of one gate. utilities, claims: what is wanted here, None for any. minimum_age: years, 0 for none.

    needs: names of claims without which nobody is taken, for it is to them that whoever stands there is compared.
    purpose: for which registered purpose this gate checks; its receipts name it.
    """

    title: Mapping[str, str] = field(default_factory=dict)
    utilities: frozenset[str] | None = None
    claims: frozenset[str] | None = None
    needs: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    minimum_age: int = 0
    purpose: str = ""

    def policy(self, gate_id: str | None, nonce: bytes | None = None) -> Policy:
        """Return what a code is judged with at this gate."""
        return Policy(
            gate_id=gate_id,
            gate_demanded=nonce is not None,
            demanded_nonce=nonce,
            recipients=self.recipients,
            utilities=self.utilities,
            claims=self.claims,
        )

    def applied(self, judgement: Judgement) -> Judgement:
        """Return the judgement with what this gate has to say beyond its policy: what it needs to know, and the age."""
        is_refused = self.lacks(judgement) or (self.minimum_age and not self.is_old_enough(judgement))
        return judgement.adding(POLICY_REFUSED) if judgement.document is not None and is_refused else judgement

    def lacks(self, judgement: Judgement) -> bool:
        """Return whether what was signed leaves out, or empty, anything that this gate needs."""
        claims = () if judgement.document is None else judgement.document.claims
        return not self.needs <= {claim.name for claim in claims if claim.value != ""}

    def is_old_enough(self, judgement: Judgement) -> bool:
        """Return whether what was signed says so. A year of birth alone counts from its last day."""
        claims = {} if judgement.document is None else {claim.name: claim for claim in judgement.document.claims}
        for name, claim in claims.items():
            named = re.fullmatch(r"(?:age_)?over_(\d{1,3})", name or "")
            if named is not None and claim.value is True and int(named[1]) >= self.minimum_age:
                return True
        born = _day(claims.get(BIRTH_DATE))
        today = judgement.checked_at.astimezone(_VIETNAM).date()
        if born is None:
            return False
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        return years >= self.minimum_age

    def refused_for(self, judgement: Judgement) -> tuple[str, ...]:
        """Return which of this gate's rules refused: `recipient`, `utility`, `claims`, `needs`, `minimum_age`."""
        document = judgement.document
        if document is None or POLICY_REFUSED not in judgement.reasons:
            return ()
        names = [claim.name for claim in document.claims]
        whole = Policy(recipients=self.recipients)
        found = {
            "recipient": whole.refuses(document.recipient, document.utility, []),
            "utility": self.utilities is not None and document.utility not in self.utilities,
            "claims": self.claims is not None and any(name not in self.claims for name in names),
            "needs": self.lacks(judgement),
            "minimum_age": bool(self.minimum_age) and not self.is_old_enough(judgement),
        }
        return tuple(rule for rule, refuses in found.items() if refuses)

    def shown(self, judgement: Judgement) -> Judgement:
        """Return what the agent gets to see: a gate that asks for an age is told yes or no, and no birthday."""
        document = judgement.document
        if not self.minimum_age or document is None:
            return judgement
        claims = tuple(claim for claim in document.claims if claim.name != BIRTH_DATE)
        return replace(judgement, document=replace(document, claims=claims))


def read_profile(path: Path) -> Profile:
    """Return the profile in a file. Raises ProfileRefused with everything that is wrong with it."""
    try:
        content = path.read_bytes()
        if len(content) > MAX_PROFILE_BYTES:
            raise ProfileRefused(f"{path}: more than {MAX_PROFILE_BYTES} bytes")
        return profile_of(json.loads(content))
    except (OSError, ValueError, RecursionError) as error:
        raise ProfileRefused(f"{path}: {error}") from error


def profile_of(content: Any) -> Profile:
    """Return the profile that parsed JSON describes. Raises ProfileRefused."""
    if not isinstance(content, dict):
        raise ProfileRefused("not an object")
    wrong = [f"{name}: unknown" for name in content if name not in _MEMBERS]
    for name in _NAMES:
        given = content.get(name, [])
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            wrong.append(f"{name}: not a list of texts")
    title = content.get("title", {})
    if not isinstance(title, dict) or not all(isinstance(text, str) for text in title.values()):
        wrong.append("title: not texts by language")
    age = content.get("minimum_age", 0)
    if age.__class__ is not int or not 0 <= age <= 150:
        wrong.append("minimum_age: not 0 to 150")
    purpose = content.get("purpose", "")
    if not isinstance(purpose, str) or (purpose and not PURPOSE.fullmatch(purpose)):
        wrong.append("purpose: not a code")
    if wrong:
        raise ProfileRefused("; ".join(wrong))
    return Profile(
        title=title,
        utilities=frozenset(content["utilities"]) if "utilities" in content else None,
        claims=frozenset(content["claims"]) if "claims" in content else None,
        needs=frozenset(content.get("needs", ())),
        recipients=frozenset(content.get("recipients", ())),
        minimum_age=age,
        purpose=purpose,
    )


def _day(claim: VerifiedClaim | None) -> date | None:
    """Return the latest day on which somebody with this claim was born, None where it tells none."""
    if claim is None:
        return None
    try:
        _, value = readable_value(claim.kind, claim.value)
        if isinstance(value, str) and re.fullmatch(r"\d{4}", value, re.ASCII):
            return date(int(value), 12, 31)
        return date.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None

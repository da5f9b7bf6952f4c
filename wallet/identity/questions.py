"""Security questions: two of a closed list, chosen at activation, asked when a passcode or password was forgotten.

An answer is guessed more easily than a password, so it proves nothing by itself: it is asked on the bound device only,
a few times, and beside a code that is sent (`wallet.ceremonies.kinds`). Source: docs/domain.md, section 2.4.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wallet.errors import InvalidInput
from wallet.identity.models import SecurityAnswer
from wallet.identity.repository import IdentityRepository

QUESTIONS = (
    "first_school",
    "first_teacher",
    "childhood_friend",
    "childhood_street",
    "favourite_dish",
    "first_job",
    "memorable_place",
    "childhood_nickname",
)
"""The closed list; the words are in the catalogue's section `questions`. Nothing that a register or a card tells."""

ANSWERS = 2
SHORTEST, LONGEST = 2, 100


@dataclass(frozen=True, slots=True)
class Answer:
    """One question and what was answered."""

    question: str
    text: str = field(repr=False)

    @property
    def normalised(self) -> str:
        """The text as it is compared: case, spelling of marks and spaces between words decide nothing."""
        folded = unicodedata.normalize("NFC", self.text).casefold()
        return unicodedata.normalize("NFC", " ".join(folded.split()))


def check_answers(answers: Sequence[Answer]) -> None:
    """Refuse anything but two different questions of the list, each with an answer.

    Raises InvalidInput by the pointers of a field `questions`.
    """
    fields = {}
    for place, answer in enumerate(answers):
        if answer.question not in QUESTIONS:
            fields[f"/questions/{place}/question"] = "not_a_choice"
        if not SHORTEST <= len(answer.normalised) <= LONGEST:
            fields[f"/questions/{place}/answer"] = "invalid_length"
    if len(answers) != ANSWERS or len({answer.question for answer in answers}) != ANSWERS:
        fields["/questions"] = "two_questions"
    if fields:
        raise InvalidInput(fields)


@dataclass(frozen=True, slots=True)
class SecurityQuestions:
    """The answers of one transaction: peppered hashes, computed outside it (`Hasher`, `Knowledge.ANSWER`)."""

    repository: IdentityRepository

    def set(self, account_id: str, hashes: Mapping[str, str]) -> None:
        """Keep new answers in place of any before. hashes: question to hash."""
        self.repository.remove_answers(account_id)
        for question, kept in hashes.items():
            self.repository.add(SecurityAnswer(account_id=account_id, question=question, answer_hash=kept))

    def kept(self, account_id: str) -> dict[str, str]:
        """Return question to hash; nothing for an account without answers."""
        return {row.question: row.answer_hash for row in self.repository.answers(account_id)}

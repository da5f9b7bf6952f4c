"""How a holder is reached: phone and e-mail, sealed; and what they want to be told how."""

from dataclasses import dataclass, field
from typing import Any

from wallet.clock import Clock
from wallet.crypto.sealing import blind_index
from wallet.errors import InvalidInput
from wallet.identity.holders import Holders
from wallet.identity.models import Contact
from wallet.identity.repository import IdentityRepository
from wallet.messages.telling import Recipient, Telling

OPTIONAL_SMS = "optional_sms"


@dataclass(frozen=True, slots=True)
class ContactView:
    """phone: E.164."""

    phone: str = field(repr=False)
    email: str | None = field(repr=False)


def normalised_phone(text: str) -> str:
    """Return a Vietnamese mobile number in E.164. Raises InvalidInput("/phone": "invalid_phone").

    Source: docs/domain.md, section 3.3: `0` or `+84`, then 3, 5, 7, 8 or 9 and eight digits.
    """
    digits = text.removeprefix("+84") if text.startswith("+84") else text.removeprefix("0")
    well_formed = len(digits) == 9 and digits.isascii() and digits.isdigit() and digits[0] in "35789"
    if not well_formed or not text.startswith(("0", "+84")):
        raise InvalidInput({"/phone": "invalid_phone"})
    return f"+84{digits}"


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts of one transaction, and the one way to tell a holder something."""

    repository: IdentityRepository
    holders: Holders
    telling: Telling
    clock: Clock
    index_secret: bytes

    def find(self, account_id: str) -> ContactView | None:
        """Return how an account's holder is reached; None when nothing is known or the holder is erased."""
        contact, account = self.repository.contact(account_id), self.repository.account(account_id)
        if contact is None or account is None:
            return None
        phone = self.holders.unseal(account.holder_id, f"{account_id}.phone", contact.sealed_phone).decode()
        email = None
        if contact.sealed_email is not None:
            email = self.holders.unseal(account.holder_id, f"{account_id}.email", contact.sealed_email).decode()
        return ContactView(phone, email)

    def set(self, account_id: str, holder_id: str, phone: str, email: str | None) -> None:
        """Store how a holder is reached. phone: as `normalised_phone` gives it. Raises NotFound."""
        now = self.clock.now()
        # The account first, as everywhere: a change of settings and one of the number then wait for one another.
        self.repository.flush()
        self.repository.account(account_id, lock=True)
        sealed_phone = self.holders.seal(holder_id, f"{account_id}.phone", phone.encode())
        sealed_email = None if email is None else self.holders.seal(holder_id, f"{account_id}.email", email.encode())
        contact = self.repository.contact(account_id)
        if contact is None:
            contact = Contact(account_id=account_id)
            contact.sealed_phone, contact.phone_index = sealed_phone, self.index(phone)
            contact.sealed_email, contact.changed_at = sealed_email, now
            self.repository.add(contact)
            return
        contact.sealed_phone, contact.phone_index = sealed_phone, self.index(phone)
        contact.sealed_email, contact.changed_at = sealed_email, now
        self.repository.flush()

    def has_phone(self, account_id: str, phone: str) -> bool:
        """Return whether this is the phone on record of an account."""
        contact = self.repository.contact(account_id)
        return contact is not None and contact.phone_index == self.index(phone)

    def index(self, phone: str) -> bytes:
        """Return the keyed fingerprint of a phone number."""
        return blind_index(self.index_secret, f"phone:{phone}")

    def recipient(self, account_id: str) -> Recipient:
        """Return whom a notice for this account goes to."""
        account, contact = self.repository.account(account_id), self.find(account_id)
        if account is None:
            return Recipient(account_id, None)
        muted = not account.notice_settings.get(OPTIONAL_SMS, True)
        return Recipient(account_id, contact.phone if contact else None, account.language, muted)

    def tell(self, account_id: str, code: str, **values: Any) -> None:
        """Tell a holder something, by every channel that its kind has (`wallet.messages.notices`).

        Whoever was erased is told nothing: it would stand there for nobody to read.
        """
        account = self.repository.account(account_id)
        if account is not None and account.closed_at is not None and self.repository.contact(account_id) is None:
            return
        self.telling.tell(self.recipient(account_id), code, **values)

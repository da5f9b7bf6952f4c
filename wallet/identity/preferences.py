"""What a holder chooses: the language they are written to, which text messages they want, their e-mail address."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wallet.audit import Audit
from wallet.errors import Conflict, NotFound, PreconditionFailed
from wallet.identity.contacts import OPTIONAL_SMS, Contacts
from wallet.identity.models import Account
from wallet.identity.repository import IdentityRepository
from wallet.terms import Actor

SHOWN_DIGITS = 3


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """phone_masked, email: None where none is known. version: rises with each change."""

    language: str
    optional_sms: bool
    phone_masked: str | None
    email: str | None = field(repr=False)
    version: int


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences of one transaction."""

    repository: IdentityRepository
    contacts: Contacts
    audit: Audit

    def read(self, account_id: str) -> PreferencesView:
        """Return what an account's holder chose. Raises NotFound("account_unknown")."""
        return self._view(self._load(account_id))

    def change(
        self, account_id: str, version: int, changes: Mapping[str, str | bool | None], actor: Actor
    ) -> PreferencesView:
        """Change what is named and leave the rest.

        changes: of `language`, `optional_sms`, `email`; an e-mail of None is removed.
        Raises PreconditionFailed("version_changed") when somebody changed them meanwhile, Conflict("phone_missing")
        for an e-mail where no phone is known, for the two are kept together.
        """
        account = self._load(account_id, lock=True)
        if account.settings_version != version:
            raise PreconditionFailed("version_changed")
        if "language" in changes:
            account.language = str(changes["language"])
        if "optional_sms" in changes:
            account.notice_settings = {**account.notice_settings, OPTIONAL_SMS: bool(changes["optional_sms"])}
        if "email" in changes:
            contact, email = self.contacts.find(account_id), changes["email"]
            if contact is None:
                raise Conflict("phone_missing")
            self.contacts.set(account_id, account.holder_id, contact.phone, None if email is None else str(email))
        account.settings_version = version + 1
        self.repository.flush()
        self.audit.record("account.settings_changed", actor, account_id, fields=sorted(changes))
        return self._view(account)

    def _load(self, account_id: str, *, lock: bool = False) -> Account:
        account = self.repository.account(account_id, lock=lock)
        if account is None:
            raise NotFound("account_unknown")
        return account

    def _view(self, account: Account) -> PreferencesView:
        contact = self.contacts.find(account.id)
        return PreferencesView(
            language=account.language,
            optional_sms=bool(account.notice_settings.get(OPTIONAL_SMS, True)),
            phone_masked=None if contact is None else _masked(contact.phone),
            email=None if contact is None else contact.email,
            version=account.settings_version,
        )


def _masked(phone: str) -> str:
    return "•" * (len(phone) - SHOWN_DIGITS) + phone[-SHOWN_DIGITS:]

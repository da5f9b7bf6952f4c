"""What a holder is told, as data: by which channels, and whether the holder may switch it off.

Texts are in the catalogue's sections `notices` (title and body, for the inbox) and `sms` (one line, without
diacritics: docs/domain.md, section 2.4).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One kind of notice. sms: also by text message. optional: the holder may switch the SMS off.

    event: the type that webhooks are told, None for none.
    """

    sms: bool = False
    optional: bool = False
    event: str | None = None


NOTICES: dict[str, Notice] = {
    "application_received": Notice(),
    "application_approved": Notice(sms=True, event="account.approved"),
    "application_refused": Notice(sms=True, event="application.refused"),
    "level_raised": Notice(sms=True, event="account.level_raised"),
    "account_activated": Notice(sms=True, event="account.activated"),
    "device_bound": Notice(sms=True, event="device.bound"),
    "device_replaced": Notice(sms=True, event="device.unbound"),
    "device_unbound": Notice(sms=True, event="device.unbound"),
    "device_suspended": Notice(sms=True, event="device.suspended"),
    "device_restored": Notice(sms=True, event="device.restored"),
    "binding_asked": Notice(),
    "binding_refused": Notice(),
    "passkey_added": Notice(sms=True, event="passkey.added"),
    "passkey_removed": Notice(sms=True, event="passkey.removed"),
    "passkeys_removed": Notice(sms=True, event="passkey.removed"),
    "password_changed": Notice(sms=True, event="account.secret_changed"),
    "passcode_changed": Notice(sms=True, event="account.secret_changed"),
    "phone_changed": Notice(sms=True, event="account.phone_changed"),
    "token_reuse": Notice(sms=True, event="session.ended"),
    "sessions_ended": Notice(sms=True, event="session.ended"),
    "signed_in_elsewhere": Notice(sms=True, optional=True),
    "account_locked": Notice(sms=True, event="account.locked"),
    "account_unlocked": Notice(sms=True, event="account.unlocked"),
    "account_closed": Notice(sms=True, event="account.closed"),
    "card_expires_soon": Notice(sms=True, optional=True),
    "ward_registered": Notice(event="ward.registered"),
    "guardian_added": Notice(),
    "guardianship_ended": Notice(event="guardianship.ended"),
    "organisation_approved": Notice(sms=True, optional=True, event="organisation.approved"),
    "organisation_refused": Notice(sms=True, optional=True, event="organisation.refused"),
    "organisation_taken_over": Notice(sms=True),
    "correction_received": Notice(event="correction.received"),
    "correction_answered": Notice(sms=True, optional=True, event="correction.answered"),
    "export_made": Notice(),
    "share_asked": Notice(),
    "launch_emergency": Notice(sms=True),
    "launch_stopped": Notice(sms=True),
    "request_received": Notice(),
    "request_submitted": Notice(),
    "request_accepted": Notice(),
    "request_supplement_required": Notice(sms=True, optional=True, event="request.supplement_required"),
    "request_verifying": Notice(),
    "request_proposed": Notice(),
    "request_issued": Notice(sms=True, optional=True, event="request.issued"),
    "request_rejected": Notice(sms=True, optional=True, event="request.rejected"),
    "request_overdue": Notice(sms=True, optional=True, event="request.overdue"),
    "step_overdue": Notice(),
    "agreement_asked": Notice(sms=True, optional=True),
    "agreement_given": Notice(),
    "agreement_declined": Notice(sms=True, optional=True),
    "agreement_lapsed": Notice(sms=True, optional=True),
    "request_returned": Notice(sms=True, optional=True, event="request.returned"),
    "request_resolved": Notice(),
    "document_renewed": Notice(sms=True, optional=True),
    "document_void": Notice(sms=True, optional=True),
    "document_suspended": Notice(sms=True, event="document.suspended"),
    "document_reinstated": Notice(sms=True, optional=True, event="document.reinstated"),
    "payment_failed": Notice(),
    "payment_expired": Notice(),
    "payment_late": Notice(sms=True, optional=True),
    "payment_returned": Notice(sms=True, optional=True),
    "request_in_steps": Notice(),
}
"""Every kind. A test holds that each has its texts in both languages."""

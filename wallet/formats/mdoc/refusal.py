"""Why an mdoc is refused: a closed list of reasons, each stable. Source: ISO/IEC 18013-5:2021, section 9.3."""

from wallet.errors import VerificationFailed

REASONS = (
    "x5chain_missing",
    "signer_profile",
    "root_profile",
    "unknown_issuer",
    "signer_not_valid",
    "root_not_valid",
    "key_not_allowed",
    "algorithm_not_allowed",
    "curve_not_allowed",
    "bad_signature",
    "digest_missing",
    "digest_mismatch",
    "digest_twice",
    "element_twice",
    "signed_outside_certificate",
    "wrong_doctype",
    "not_yet_valid",
    "expired",
    "no_document",
    "response_error",
    "device_auth_missing",
    "device_mismatch",
    "reader_key_needed",
    "key_not_authorized",
)
"""In the order in which they are looked for.

x5chain_missing: nobody is named who signed. signer_profile: its certificate is not a document signer's (key usage,
extended key usage, 457 days, country, what is critical). root_profile: a root that was given is no IACA root.
unknown_issuer: no root that was given certified it. signer_not_valid, root_not_valid: its certificate is not of today.
key_not_allowed: the trust bundle does not let it sign this. algorithm_not_allowed, curve_not_allowed: another than
ES256 on P-256 (HMAC 256/256 for a device's MAC). bad_signature: the issuer's. digest_missing, digest_mismatch: an item
that the issuer did not sign. digest_twice, element_twice: two items of one number or one name.
signed_outside_certificate: signed when the certificate was not valid. wrong_doctype: not the one that was asked for, or
the response names another than was signed. no_document, response_error: a response without a document, or with another
status than OK. device_auth_missing, device_mismatch: not signed by the device, or not in this session.
reader_key_needed: a MAC, and no key of this reader to check it. key_not_authorized: the device states what the issuer
did not let it state.
"""


class MdocRefused(VerificationFailed):
    """A well-formed mdoc that is not accepted. reason: one of `REASONS`."""

"""A seal on a PDF: PAdES B-B, and B-T where somebody vouches for the time.

The seal is a certification that permits no change, over the whole file, added as an update: what was typeset stays
byte for byte, its metadata too. Any signer of ours seals, from a key file or an HSM. pyHanko writes it; importing this
loads pyHanko (the extra `[pdf]`).
Source: ETSI EN 319 142-1, sections 5 and 6; ISO 32000-2, section 12.8; RFC 5652; RFC 5035 (signing-certificate-v2).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from asn1crypto.algos import SignedDigestAlgorithm
from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import InvisSigSettings, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_signer import PdfSigner, PdfSigningSession
from pyhanko.sign.timestamps import TimeStamper

from wallet.crypto.signing import Signer, der_from_raw
from wallet.entropy import Entropy

FIELD = "Seal"
_BESIDE_CERTIFICATES = 2_048
"""Bytes of a seal beside its certificates, generously: attributes, digests, one signature."""

_TIME_STAMP = 16_384
"""Bytes for what a time stamper answers, with its own certificates."""


@dataclass(frozen=True, slots=True)
class SealText:
    """What a reader of PDF shows beside the seal. name: whose it is."""

    name: str
    reason: str


def seal(
    pdf: bytes,
    signer: Signer,
    chain: Sequence[bytes],
    text: SealText,
    entropy: Entropy,
    sealed_at: datetime,
    time_stamper: TimeStamper | None = None,
) -> bytes:
    """Return the PDF with a seal over all of it.

    chain: DER of certificates as `wallet.crypto.keystore.Key.chain` has them, the signer's first, the root's last; all
    are embedded.
    sealed_at: aware; what the seal says of its time, which only a time stamp proves. The same entropy and time give
    the same bytes. Raises what the signer and the time stamper raise.
    """
    writer = _Update(BytesIO(pdf), entropy)
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        name=text.name,
        reason=text.reason,
    )
    field = SigFieldSpec(FIELD, readable_field_name=text.reason, invis_sig_settings=InvisSigSettings())
    sealer = _Sealer(metadata, signer=_BySigner(signer, chain), timestamper=time_stamper, new_field_spec=field).at(
        sealed_at
    )
    room = sum(map(len, chain)) + _BESIDE_CERTIFICATES + (_TIME_STAMP if time_stamper else 0)
    sealed = asyncio.run(sealer.async_sign_pdf(writer, bytes_reserved=2 * room))  # in hexadecimal
    return bytes(sealed.getbuffer())


class _BySigner(signers.Signer):
    """Our signer as pyHanko asks one: ES256, and DER where we have 64 raw bytes."""

    def __init__(self, signer: Signer, chain: Sequence[bytes]) -> None:
        super().__init__(
            signing_cert=Certificate.load(signer.certificate_der),
            signature_mechanism=SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            embed_roots=True,
        )
        for der in chain[1:]:
            self.cert_registry.register(Certificate.load(der))
        self._signer = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        return der_from_raw(self._signer.sign(data))


class _Sealer(PdfSigner):
    """A signer of PDF that is told the time."""

    _sealed_at: datetime

    def at(self, sealed_at: datetime) -> "_Sealer":
        self._sealed_at = sealed_at.astimezone(UTC).replace(microsecond=0)
        return self

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._sealed_at
        return session

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:
        # PAdES as an extension of PDF 1.7, on which PDF/A-3 stands; pyHanko would lift the file to 2.0 for P-256
        pdf_out.register_extension(ESIC_EXTENSION_1)


class _Update(IncrementalPdfFileWriter):
    """An update that adds the seal and nothing else: its id is ours to draw, the metadata stay as they were typeset."""

    def __init__(self, pdf: BytesIO, entropy: Entropy) -> None:
        super().__init__(pdf)
        self._document_id[1] = generic.ByteStringObject(entropy.bytes(16))

    def _update_meta(self) -> None:
        return None

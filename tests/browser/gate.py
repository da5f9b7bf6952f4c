"""A gate for browser tests: a server with its keys, codes that are right or wrong in one way, and films of them."""

import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import qrcode
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image, ImageDraw, ImageFilter

from tests.durability.server import free_port
from tests.served import served
from wallet.crypto.certificates import self_signed
from wallet.crypto.keystore import Role
from wallet.crypto.signing import LocalSigner, Signer, raw_from_der
from wallet.entropy import SystemEntropy
from wallet.formats import base45
from wallet.formats.claims_set import StatusReference
from wallet.formats.cwt_code import DocumentPayload, encode_document_code
from wallet.formats.live_code import (
    CardPayload,
    DeviceKey,
    GateChallenge,
    encode_card,
    encode_live_code,
)
from wallet.wiring import Wallet

NAME = "NGUYỄN THỊ PHƯỢNG"
LONG = "Công Tằng Tôn Nữ Nguyễn Phúc Khánh Quỳnh Trâm Anh Phương Thảo"
LAST4 = "7391"
CLAIMS = {1: NAME, 2: LAST4, 4: 7436, 5: "Nữ"}
"""Of residence: name, last four, born 12/05/1990, sex."""
YOUNG = CLAIMS | {4: 18_000}  # 2019
REVOKED, SUSPENDED, GOOD = 100, 101, 102
MOMENT = timedelta(seconds=1)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def stranger(now: datetime) -> LocalSigner:
    """Return a signer that no bundle knows."""
    key = new_key()
    day = timedelta(days=1)
    return LocalSigner(key, self_signed(key, "stranger", now - 30 * day, now + 900 * day, SystemEntropy()))


class _Impostor:
    """Signs with a key of its own in the name of another."""

    def __init__(self, named: Signer, by: Signer) -> None:
        self.kid, self.certificate_der, self.sign = named.kid, named.certificate_der, by.sign


@dataclass
class Codes:
    """What holders show: signed by the keys of a deployment, at this moment, with one thing wrong where asked for."""

    wallet: Wallet
    device: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    def by_device(self, message: bytes) -> bytes:
        return raw_from_der(self.device.sign(message, ec.ECDSA(hashes.SHA256())))

    def card(self, *, signer: Signer | None = None, index: int = GOOD, **changes: Any) -> bytes:
        now = self.now()
        payload: dict[str, Any] = {
            "issuer": self.wallet.trust.issuer_code,
            "issued_at": now - timedelta(hours=2),
            "expires_at": now + timedelta(hours=22),
            "document_id": random.randbytes(16),
            "utility": "residence",
            "utility_version": 1,
            "claims": CLAIMS,
            "device": DeviceKey.of(self.device.public_key()),
            "status": StatusReference(index, self.wallet.trust.status_uri(1)),
        }
        return encode_card(CardPayload(**payload | changes), signer or self.wallet.keystore.signer(Role.CARD))

    def live(
        self,
        card: bytes | None = None,
        *,
        ago: float = 1,
        challenge: GateChallenge | None = None,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> str:
        made = self.now() - timedelta(seconds=ago)
        return encode_live_code(
            card or self.card(), made, made + timedelta(seconds=60), sign or self.by_device, challenge
        )

    def by_server(self) -> str:
        signer = self.wallet.keystore.signer(Role.LIVE)
        point = DeviceKey.of(public_key_of(signer))
        return self.live(self.card(signer=signer, device=point), sign=signer.sign)

    def paper(self, **changes: Any) -> str:
        now = self.now()
        payload: dict[str, Any] = {
            "issuer": self.wallet.trust.issuer_code,
            "issued_at": now - timedelta(days=2),
            "expires_at": now + timedelta(days=60),
            "document_id": random.randbytes(16),
            "utility": "residence",
            "utility_version": 1,
            "claims": CLAIMS,
            "claims_hash": None,
            "recipient": None,
            "status": StatusReference(GOOD, self.wallet.trust.status_uri(1)),
        }
        return encode_document_code(DocumentPayload(**payload | changes), self.wallet.keystore.signer(Role.DOCUMENT))

    def of_another_type(self) -> Mapping[str, str]:
        """Return codes that are whole, signed, and another thing than their prefix says."""
        card, live = self.card(), base45.decode(self.live().removeprefix("VL1:"))
        return {
            "a card on paper": "VD1:" + base45.encode(zlib.compress(card)),
            "a live code on paper": "VD1:" + base45.encode(zlib.compress(live)),
            "a card alone": "VL1:" + base45.encode(card),
        }

    def outcomes(self) -> Mapping[str, Callable[[], str]]:
        """Return how to make a code for each outcome that the card itself decides."""
        now = self.now
        hour = timedelta(hours=1)
        return {
            "valid": self.live,
            "not_yet_valid": lambda: self.live(self.card(issued_at=now() + 2 * hour)),
            "expired": lambda: self.paper(issued_at=now() - 48 * hour, expires_at=now() - 24 * hour),
            "card_expired": lambda: self.live(self.card(issued_at=now() - 48 * hour, expires_at=now() - 24 * hour)),
            "revoked": lambda: self.live(self.card(index=REVOKED)),
            "suspended": lambda: self.live(self.card(index=SUSPENDED)),
            "bad_signature": lambda: self.live(
                self.card(signer=_Impostor(self.wallet.keystore.signer(Role.CARD), stranger(now())))  # type: ignore[arg-type]
            ),
            "key_not_allowed": lambda: self.live(self.card(signer=self.wallet.keystore.signer(Role.DOCUMENT))),
            "device_mismatch": lambda: self.live(sign=Codes(self.wallet).by_device),
            "live_too_old": lambda: self.live(ago=120),
            "live_from_future": lambda: self.live(ago=-90),
            "wrong_gate": lambda: self.live(challenge=GateChallenge("CUA-9", bytes(8))),
            "unknown_issuer": lambda: self.live(self.card(issuer="VN-LA", signer=stranger(now()))),
            "cannot_tell": lambda: self.live(self.card(status=StatusReference(GOOD, "https://vi.example.vn/none"))),
        }


def public_key_of(signer: Signer) -> ec.EllipticCurvePublicKey:
    from cryptography import x509

    key = x509.load_der_x509_certificate(signer.certificate_der).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


# --- films --------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, FRAMES, RATE = 640, 480, 12, 15


def picture(text: str, *, box: int = 4) -> Image.Image:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, box_size=box, border=4)
    data = qrcode.util.QRData(text.encode(), mode=qrcode.util.MODE_ALPHA_NUM) if _is_alphanumeric(text) else text
    code.add_data(data, optimize=0)
    code.make(fit=True)
    return code.make_image().get_image().convert("L")


def _is_alphanumeric(text: str) -> bool:
    return set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


SEVERAL_ROUNDS = 6
"""How often the frames of a code are shown where a film has several: 4.8 s."""


@dataclass(frozen=True)
class Covered:
    """A code that a thumb covers: found, and never read."""

    text: str


Scene = str | Covered | None


def film(path: Path, *scenes: Scene, rounds: int = SEVERAL_ROUNDS) -> None:
    """Write what hand-held phones look like to a camera, one after another, and again from the first on.

    rounds: of 0.8 s, for each of several.
    """
    made = path.with_suffix(".new")
    with made.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for scene in scenes:
            frames = b"".join(_covered(scene.text) if isinstance(scene, Covered) else _frames(scene))
            for _ in range(rounds if len(scenes) > 1 else 1):
                file.write(frames)
    made.replace(path)  # a camera that is open keeps the film it has


def _frames(text: str | None) -> Iterator[bytes]:
    """A phone moves, leans, and is a little out of focus."""
    rng = random.Random(7)
    code = None if text is None else picture(text)
    for number in range(FRAMES):
        frame = Image.new("L", (WIDTH, HEIGHT), 60)
        if code is not None:
            phone = Image.new("L", (code.width + 40, code.height + 40), 255)
            phone.paste(code, (20, 20))
            side = 400
            phone = phone.resize((side, side), Image.Resampling.LANCZOS)
            lean = 6 + number % 4  # seen from the side: one edge is shorter
            phone = phone.transform(
                (side, side),
                Image.Transform.QUAD,
                (0, 0, 0, side, side, side + 2 * lean, side, -2 * lean),
                Image.Resampling.BICUBIC,
                fillcolor=255,
            )
            turned = phone.rotate(-9 + 1.5 * number, Image.Resampling.BICUBIC, expand=True, fillcolor=60)
            at = (
                (WIDTH - turned.width) // 2 + 3 * (number % 5) - 6,
                (HEIGHT - turned.height) // 2 + 2 * (number % 3),
            )
            frame.paste(turned, at)
            frame = frame.filter(ImageFilter.GaussianBlur(0.8))
        noise = Image.effect_noise((WIDTH, HEIGHT), 12)
        frame = Image.blend(frame, noise, 0.06 + rng.random() * 0.02)
        yield b"FRAME\n" + frame.tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2)


def _covered(text: str) -> Iterator[bytes]:
    code = picture(text, box=4).resize((400, 400))
    ImageDraw.Draw(code).rectangle((150, 110, 360, 300), fill=140)
    frame = Image.new("L", (WIDTH, HEIGHT), 60)
    frame.paste(code, (120, 40))
    for _ in range(FRAMES):
        yield b"FRAME\n" + frame.tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2)


# --- the server ---------------------------------------------------------------------------------------------------


class Server:
    """A server that can be ended and begun again at the same address."""

    def __init__(self, app: Any) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.app = app
        self._running = ExitStack()

    def start(self) -> None:
        self._running.enter_context(served(self._asked, host="localhost", port=self.port))

    def _asked(self, environ: dict[str, Any], start: Any) -> Any:
        """Hand a request to the application as it is by now: a test may have put another one in its place."""
        return self.app(environ, start)

    def stop(self) -> None:
        self._running.close()

"""Who checks in the demo: an airline, a hospital, a hotel, and an organisation for whoever tries things out.

Each has one desk whose key follows from the demo's secret, so that it can be told again. It is good in a demo alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wallet.checks.desks import SECRET_BYTES, DeskKey, DeskOrder
from wallet.checks.registering import VerifierOrder
from wallet.checks.templates import TEMPLATES, purposes_of
from wallet.crypto.keystore import Secret
from wallet.demo.credentials import derived_bytes
from wallet.terms import Actor
from wallet.wiring import Wallet, Work

GROUND = "Bản mẫu, không có giá trị pháp lý"


@dataclass(frozen=True, slots=True)
class Gate:
    """A desk of the demo. templates: whose purposes its organisation has."""

    key: str
    organisation: Mapping[str, str]
    desk: str
    gate_id: str
    templates: tuple[str, ...]

    @property
    def purposes(self) -> tuple[str, ...]:
        return tuple(purpose.code for template in self.templates for purpose in TEMPLATES[template].purposes)


GATES = (
    Gate("airline", {"vi": "Hãng hàng không Mẫu", "en": "Sample Airline"}, "Cửa 12", "HAN-T1-12", ("airline",)),
    Gate("hospital", {"vi": "Bệnh viện Mẫu", "en": "Sample Hospital"}, "Quầy tiếp đón 1", "BV-01", ("hospital",)),
    Gate("hotel", {"vi": "Khách sạn Mẫu", "en": "Sample Hotel"}, "Lễ tân", "KS-01", ("hotel",)),
    Gate(
        "sandbox",
        {"vi": "Đơn vị thử nghiệm", "en": "Sandbox organisation"},
        "Bàn thử",
        "THU-01",
        ("airline", "hospital", "hotel", "traffic_police"),
    ),
)


def key_of(gate: Gate, secret: bytes) -> DeskKey:
    """Return the key of a desk: the same for the same secret, useless without it."""
    desk_id, own = (
        derived_bytes(secret, f"gate-{gate.key}", purpose, length)
        for purpose, length in (("desk-id", 16), ("desk-key", SECRET_BYTES))
    )
    return DeskKey(f"vsd_{desk_id.hex()}", own, test=True)


def open_gates(wallet: Wallet, two: Callable[[Work], tuple[Actor, Actor]]) -> None:
    """Let these organisations in as two admins do, each with its desk; what was there, or was revoked, stays so."""
    secret = wallet.keystore.secret(Secret.DEMO)
    for gate in GATES:
        key = key_of(gate, secret)
        with wallet.work() as work:
            if work.checks.rows.desk(key.desk_id) is not None:
                continue
            first, second = two(work)
            template = gate.templates[0] if len(gate.templates) == 1 else None
            purposes = [
                purpose for name in gate.templates for purpose in purposes_of(TEMPLATES[name], wallet.catalogue, GROUND)
            ]
            order = VerifierOrder(gate.organisation, GROUND, purposes, template=template)
            made = work.verifiers.register(order, "Mở cho bản mẫu", first)
            if made.awaiting is not None:
                work.verifiers.decide(made.id, made.awaiting.approval, agree=True, actor=second)
            work.verifier_desks.create(made.id, DeskOrder(gate.desk, gate.gate_id, gate.purposes), first, key)


def are_open(wallet: Wallet, work: Work) -> bool:
    """Return whether every desk is there."""
    secret = wallet.keystore.secret(Secret.DEMO)
    return all(work.checks.rows.desk(key_of(gate, secret).desk_id) is not None for gate in GATES)

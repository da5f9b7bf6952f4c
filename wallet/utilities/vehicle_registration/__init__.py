"""Vehicle registration (đăng ký xe): one vehicle of the register, chosen by its plate.

Source: Circular 28/2024/TT-BCA (police may hold the papers electronically that the account shows); Law on Identity
26/2023/QH15, article 22; docs/domain.md, sections 3.3, 4.6 and 5.4. Unconfirmed: the day Circular 28/2024 came into
force, what Law 118/2025/QH15 changes here, and how plates are written, so that no form of them is demanded.
"""

from datetime import date, timedelta

from wallet.utilities.base import (
    AccountLevel,
    AnswersRejected,
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    DocumentType,
    Field,
    Kind,
    Layout,
    Link,
    OnChange,
    Paper,
    Rules,
    Section,
    Source,
    Utility,
    still_stated,
)

VALIDITY = timedelta(days=365)
WHICH = Field("plate", size=(1, 20), one_of=(Source.VEHICLES, "vehicles", "plate"))
STATED = (
    "plate", "brand", "model", "colour", "chassis_number", "engine_number", "registered_on", "registered_by",
    "expires_on",
)  # fmt: skip
KINDS = {"car": "Xe ô tô", "motorcycle": "Xe mô tô, xe gắn máy"}
VALID = "valid"
"""The one state in which a registration counts: what a partner may say some day is in nobody's list of states."""
UNUSABLE = {"cancelled": "registration_cancelled", "held": "registration_held"}
"""States that there are words for; every other but the valid one is `state_unknown`."""
COMPARED_AT_THE_ROADSIDE = 6
"""How many of the last characters of a chassis number are shown to whoever compares it with the vehicle."""


def accept(case: Case) -> None:
    """Refuse a vehicle that is not the person's, or whose registration does not count now."""
    vehicle = case.chosen(WHICH)
    if vehicle is None:
        raise AnswersRejected({WHICH.name: "not_yours"})
    if vehicle["state"] != VALID:
        raise AnswersRejected({WHICH.name: UNUSABLE.get(vehicle["state"], "state_unknown")})
    if vehicle.get("expires_on", date.max) < case.today:
        raise AnswersRejected({WHICH.name: "expired"})


def partly(text: str) -> str:
    """Return a number of which only the end is readable; of a short one no more than half."""
    shown = min(COMPARED_AT_THE_ROADSIDE, len(text) // 2)
    return "*" * (len(text) - shown) + text[len(text) - shown :]


def derive(case: Case) -> Claims:
    """Add what the register states of the chosen vehicle, and its chassis number as a roadside check sees it."""
    vehicle = case.chosen(WHICH) or {}
    stated = {name: vehicle[name] for name in STATED if name in vehicle}
    if "chassis_number" in vehicle:
        stated["chassis_end"] = partly(vehicle["chassis_number"])
    if vehicle.get("kind") in KINDS:
        stated["kind"] = KINDS[vehicle["kind"]]
    return {"number_last4": case.claims["number"][-4:], "state": "Còn hiệu lực", **stated}


def check(claims: Claims, today: date) -> None:
    """Refuse a registration of the future; the register's owner must correct it first."""
    if claims["registered_on"] > today:
        raise ClaimsRejected(registered_on="in_future")


def until(case: Case) -> date | None:
    """Return the last day of a registration that ends before this document would."""
    return min(case.claims.get("expires_on", date.max), case.today + VALIDITY)


def changed(stated: Claims, case: Case) -> bool:
    """Return whether the register no longer says this of this vehicle; a second vehicle is no change."""
    vehicle = case.record(WHICH, stated["plate"]) or {}
    return vehicle.get("state") != VALID or not still_stated(stated, STATED, vehicle)


REGISTRATION = DocumentType(
    code="vehicle_registration",
    title={"vi": "Chứng nhận đăng ký xe", "en": "Vehicle registration certificate"},
    validity=VALIDITY,
    until=until,
    void_when=frozenset({Source.VEHICLES}),
    void_if=changed,
    on_change=OnChange.RENEW,
    derive=derive,
    check=check,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "plate", basis=Source.VEHICLES, paper=Paper.REQUIRED),
        Claim(5, "kind", basis=Source.VEHICLES, paper=Paper.SHOWN),
        Claim(6, "brand", basis=Source.VEHICLES, paper=Paper.SHOWN),
        Claim(7, "model", basis=Source.VEHICLES),
        Claim(8, "colour", basis=Source.VEHICLES, paper=Paper.SHOWN),
        Claim(9, "chassis_number", basis=Source.VEHICLES),
        Claim(10, "chassis_end", basis=Source.VEHICLES),
        Claim(11, "engine_number", basis=Source.VEHICLES),
        Claim(12, "registered_on", Kind.DAY, basis=Source.VEHICLES),
        Claim(13, "registered_by", basis=Source.VEHICLES),
        Claim(14, "expires_on", Kind.DAY, basis=Source.VEHICLES, paper=Paper.SHOWN, required=False),
        Claim(15, "state", basis=Source.VEHICLES),
    ),
    views={
        "traffic_police": (
            "full_name", "plate", "kind", "brand", "model", "colour", "chassis_end", "registered_on", "registered_by",
            "expires_on", "state",
        ),
    },
    layout=Layout(
        sections=(
            Section("owner", ("full_name", "number")),
            Section("vehicle", ("plate", "kind", "brand", "model", "colour", "chassis_number", "engine_number")),
            Section("registration", ("registered_on", "registered_by", "expires_on", "state")),
        ),
        number="{serial}/{year}/ĐKX",
        signatory="traffic_police",
    ),
)  # fmt: skip

utility = Utility(
    code="vehicle_registration",
    version=1,
    title={"vi": "Đăng ký xe", "en": "Vehicle registration"},
    agency="traffic_police",
    minimum_level=AccountLevel.TWO,
    documents=(REGISTRATION,),
    rules=(
        Rules("2024-07", date(2024, 7, 1), "Luật Căn cước 26/2023/QH15, Điều 22; Thông tư 28/2024/TT-BCA"),
        Rules(
            "2026-07",
            date(2026, 7, 1),
            "Luật Căn cước 26/2023/QH15, Điều 22, và Luật 118/2025/QH15; Thông tư 28/2024/TT-BCA",
        ),
    ),
    form=(WHICH,),
    codes={"kind": ("car", "motorcycle"), "state": (VALID, "held", "cancelled")},
    shows={Source.VEHICLES: ("vehicles",)},
    link=Link(Source.VEHICLES),
    accept=accept,
)

"""Provinces and communes as they are since 1 July 2025, the 63 prefix codes from before, and how addresses are written.

The list of communes itself is `wallet.places`.
Shares of people are rounded: a demo needs a plausible nation, not a census.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from wallet.demo.draw import Draw, Shares
from wallet.demo.records import Address
from wallet.places import Commune, communes, provinces

OLD_PROVINCES: tuple[tuple[str, str, str, str], ...] = (
    ("001", "Hà Nội", "Hà Nội", "01"),
    ("002", "Hà Giang", "Tuyên Quang", "08"),
    ("004", "Cao Bằng", "Cao Bằng", "04"),
    ("006", "Bắc Kạn", "Thái Nguyên", "19"),
    ("008", "Tuyên Quang", "Tuyên Quang", "08"),
    ("010", "Lào Cai", "Lào Cai", "15"),
    ("011", "Điện Biên", "Điện Biên", "11"),
    ("012", "Lai Châu", "Lai Châu", "12"),
    ("014", "Sơn La", "Sơn La", "14"),
    ("015", "Yên Bái", "Lào Cai", "15"),
    ("017", "Hòa Bình", "Phú Thọ", "25"),
    ("019", "Thái Nguyên", "Thái Nguyên", "19"),
    ("020", "Lạng Sơn", "Lạng Sơn", "20"),
    ("022", "Quảng Ninh", "Quảng Ninh", "22"),
    ("024", "Bắc Giang", "Bắc Ninh", "24"),
    ("025", "Phú Thọ", "Phú Thọ", "25"),
    ("026", "Vĩnh Phúc", "Phú Thọ", "25"),
    ("027", "Bắc Ninh", "Bắc Ninh", "24"),
    ("030", "Hải Dương", "Hải Phòng", "31"),
    ("031", "Hải Phòng", "Hải Phòng", "31"),
    ("033", "Hưng Yên", "Hưng Yên", "33"),
    ("034", "Thái Bình", "Hưng Yên", "33"),
    ("035", "Hà Nam", "Ninh Bình", "37"),
    ("036", "Nam Định", "Ninh Bình", "37"),
    ("037", "Ninh Bình", "Ninh Bình", "37"),
    ("038", "Thanh Hóa", "Thanh Hóa", "38"),
    ("040", "Nghệ An", "Nghệ An", "40"),
    ("042", "Hà Tĩnh", "Hà Tĩnh", "42"),
    ("044", "Quảng Bình", "Quảng Trị", "44"),
    ("045", "Quảng Trị", "Quảng Trị", "44"),
    ("046", "Thừa Thiên Huế", "Huế", "46"),
    ("048", "Đà Nẵng", "Đà Nẵng", "48"),
    ("049", "Quảng Nam", "Đà Nẵng", "48"),
    ("051", "Quảng Ngãi", "Quảng Ngãi", "51"),
    ("052", "Bình Định", "Gia Lai", "52"),
    ("054", "Phú Yên", "Đắk Lắk", "66"),
    ("056", "Khánh Hòa", "Khánh Hòa", "56"),
    ("058", "Ninh Thuận", "Khánh Hòa", "56"),
    ("060", "Bình Thuận", "Lâm Đồng", "68"),
    ("062", "Kon Tum", "Quảng Ngãi", "51"),
    ("064", "Gia Lai", "Gia Lai", "52"),
    ("066", "Đắk Lắk", "Đắk Lắk", "66"),
    ("067", "Đắk Nông", "Lâm Đồng", "68"),
    ("068", "Lâm Đồng", "Lâm Đồng", "68"),
    ("070", "Bình Phước", "Đồng Nai", "75"),
    ("072", "Tây Ninh", "Tây Ninh", "80"),
    ("074", "Bình Dương", "TP. Hồ Chí Minh", "79"),
    ("075", "Đồng Nai", "Đồng Nai", "75"),
    ("077", "Bà Rịa - Vũng Tàu", "TP. Hồ Chí Minh", "79"),
    ("079", "TP. Hồ Chí Minh", "TP. Hồ Chí Minh", "79"),
    ("080", "Long An", "Tây Ninh", "80"),
    ("082", "Tiền Giang", "Đồng Tháp", "82"),
    ("083", "Bến Tre", "Vĩnh Long", "86"),
    ("084", "Trà Vinh", "Vĩnh Long", "86"),
    ("086", "Vĩnh Long", "Vĩnh Long", "86"),
    ("087", "Đồng Tháp", "Đồng Tháp", "82"),
    ("089", "An Giang", "An Giang", "91"),
    ("091", "Kiên Giang", "An Giang", "91"),
    ("092", "Cần Thơ", "Cần Thơ", "92"),
    ("093", "Hậu Giang", "Cần Thơ", "92"),
    ("094", "Sóc Trăng", "Cần Thơ", "92"),
    ("095", "Bạc Liêu", "Cà Mau", "96"),
    ("096", "Cà Mau", "Cà Mau", "96"),
)
"""Prefix code, old province, the province it is part of now, and that one's code. Source: docs/domain.md section 3.1.

Two separate lists of codes: prefix 024 was Bắc Giang, and new province 24 is Bắc Ninh.
"""

_OLD_BY_CODE = {code: (old, new) for code, old, new, _ in OLD_PROVINCES}

PROVINCE_SHARES = {
    "01": 8.8, "04": 0.6, "08": 1.9, "11": 0.7, "12": 0.5, "14": 1.4, "15": 1.8, "19": 1.8, "20": 0.9, "22": 1.5,
    "24": 3.6, "25": 4.0, "31": 4.7, "33": 3.6, "37": 4.4, "38": 4.3, "40": 3.8, "42": 1.6, "44": 1.9, "46": 1.4,
    "48": 3.1, "51": 2.2, "52": 3.6, "56": 2.2, "66": 3.3, "68": 3.9, "75": 4.5, "79": 14.0, "80": 3.3, "82": 4.4,
    "86": 4.3, "91": 4.9, "92": 4.2, "96": 2.6,
}  # fmt: skip
"""Millions of people, by the code of the province."""

_HIGHLANDS = {"51", "52", "66", "68"}
_MOUNTAINS = {"04", "08", "11", "12", "14", "15", "19", "20", "25"}

_STREETS = (
    "Trần Phú", "Lê Lợi", "Nguyễn Trãi", "Hai Bà Trưng", "Lý Thường Kiệt", "Trần Hưng Đạo", "Quang Trung", "Nguyễn Du",
    "Phan Chu Trinh", "Phan Bội Châu", "Hùng Vương", "Ngô Quyền", "Lê Duẩn", "Nguyễn Khang", "Hoàng Hoa Thám",
    "Bạch Đằng", "Nguyễn Công Trứ", "Lê Thánh Tông", "Chu Văn An", "Nguyễn Bỉnh Khiêm", "Lý Tự Trọng", "Võ Thị Sáu",
    "Đinh Tiên Hoàng", "Lê Hồng Phong", "Nguyễn Thị Minh Khai", "Trường Chinh", "Cách Mạng Tháng Tám",
    "Điện Biên Phủ", "Kim Đồng", "Hòa Bình",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Places:
    """The whole list: communes by code, the people's shares of provinces, and of the communes in each."""

    communes: Mapping[str, Commune]
    provinces: Mapping[str, str]
    by_people: Shares[str]
    in_province: dict[str, Shares[Commune]]


@cache
def places() -> Places:
    """Return the list of places, read once."""
    weights = {"Phường": 3.0, "Xã": 1.0, "Đặc": 0.1}
    in_province: dict[str, dict[Commune, float]] = {code: {} for code in provinces()}
    for commune in communes().values():
        in_province[commune.province_code][commune] = weights[commune.name.split()[0]]
    return Places(
        communes(),
        provinces(),
        Shares({code: PROVINCE_SHARES.get(code, 1.0) for code in provinces()}),
        {code: Shares(shares) for code, shares in in_province.items()},
    )


def registered_at(code: str) -> str:
    """Return the place of birth registration that a prefix code means: `Hà Giang (nay là Tuyên Quang)`.

    code: one of the 63. Raises KeyError for another.
    """
    old, new = _OLD_BY_CODE[code]
    return old if old == new else f"{old} (nay là {new})"


@cache
def prefix_codes(province_code: str) -> tuple[str, ...]:
    """Return the prefix codes of the old provinces that this one is made of."""
    return tuple(code for code, _, _, new in OLD_PROVINCES if new == province_code)


def region(province_code: str) -> str:
    """Return `north`, `centre` or `south`."""
    return "north" if province_code < "38" else "centre" if province_code < "75" else "south"


def is_remote(commune: str, province_code: str) -> bool:
    """Tell whether a commune counts as specially difficult in the demo: the list of the real ones is not in it."""
    return province_code in (_MOUNTAINS | _HIGHLANDS) and commune.startswith("Xã") and len(commune) % 2 == 0


def address_in(commune: Commune, line: str | None) -> Address:
    """Return an address in this commune."""
    return Address(line, commune.code, commune.name, commune.province_code, commune.province)


def draw_commune(draw: Draw, province_code: str | None = None) -> Commune:
    """Return a commune, by its people; anywhere, or in one province."""
    return draw.of(places().in_province[province_code or draw.of(places().by_people)])


def draw_line(draw: Draw, commune: Commune) -> str:
    """Return the first part of an address, in the words of the region."""
    return _urban_line(draw, commune) if commune.is_urban else _rural_line(draw, commune)


def _urban_line(draw: Draw, commune: Commune) -> str:
    where, house, street = region(commune.province_code), draw.between(1, 399), draw.one(_STREETS)
    kind = draw.between(0, 9)
    if kind < 3:
        return f"Số {house}, đường {street}" if where == "north" else f"{house} {street}"
    if kind < 5:
        return f"Tổ dân phố {house % 20 + 1}" if where == "north" else f"Khu phố {house % 12 + 1}"
    lane = draw.between(2, 250)
    if where == "north":
        deeper = f", ngách {draw.between(1, 60)}" if kind == 9 else ""
        return f"Số {house}{deeper}, ngõ {lane}, đường {street}"
    if where == "south":
        return f"{lane}/{house} {street}" if kind < 7 else f"Số {house}, hẻm {lane}, đường {street}"
    return f"Số {house}, {'kiệt' if commune.province_code < '51' else 'hẻm'} {lane}, đường {street}"


def _rural_line(draw: Draw, commune: Commune) -> str:
    code, count = commune.province_code, draw.between(1, 12)
    if region(code) == "south":
        return f"Ấp {count}"
    if code in _HIGHLANDS and draw.chance(0.5):
        return f"Buôn {count}" if code == "66" else f"Làng {count}"
    if code in _MOUNTAINS and draw.chance(0.5):
        return f"Bản {count}"
    return f"{'Xóm' if region(code) == 'north' and draw.chance(0.4) else 'Thôn'} {count}"

"""Names, invented, in the shapes that are used in Vietnam. All text is NFC.

Family, middle, given for most; other orders and names without a family for some peoples (docs/domain.md section 8).
Sex cannot be told from a name: the tables only say how often.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wallet.demo.draw import Draw, Shares
from wallet.demo.numbers import FEMALE
from wallet.demo.places import region
from wallet.demo.records import Name

FAMILY_SHARES = {
    "Nguyễn": 38.4, "Trần": 11, "Lê": 9.5, "Phạm": 7.1, "Hoàng": 5.1, "Phan": 4.5, "Vũ": 3.9, "Đặng": 2.1, "Bùi": 2,
    "Đỗ": 1.4, "Hồ": 1.3, "Ngô": 1.3, "Dương": 1, "Lý": 0.5, "Đinh": 1.1, "Đoàn": 1.1, "Trịnh": 1.0, "Trương": 1.3,
    "Lương": 0.8, "Mai": 0.8, "Tạ": 0.6, "Phùng": 0.6, "Hà": 0.8, "Cao": 0.7, "Lâm": 0.6, "Thái": 0.4, "Châu": 0.4,
    "Kiều": 0.3, "Tô": 0.4,
}  # fmt: skip
"""Percent of the Kinh; the last fifteen share what the source leaves open."""

SOUTHERN = {"Hoàng": "Huỳnh", "Vũ": "Võ"}
"""The same family name as it is written from Quảng Nam southwards."""

_FAMILIES = Shares(FAMILY_SHARES)
_MALE_MIDDLE = Shares(
    {"Văn": 30.0, "Đức": 9, "Minh": 9, "Quang": 8, "Hữu": 8, "Quốc": 7, "Tuấn": 5, "Gia": 5, "Thanh": 4, "Xuân": 4,
     "": 4, "Đình": 4, "Gia Minh": 1, "Quang Minh": 1, "Hoàng Minh Đức": 0.4}
)  # fmt: skip
_FEMALE_MIDDLE = Shares(
    {"Thị": 38.0, "Ngọc": 9, "Thu": 7, "Thanh": 6, "Kim": 6, "Phương": 6, "Bích": 4, "Khánh": 4, "Thị Thu": 5,
     "Thị Ngọc": 5, "Thị Thanh": 3, "": 3, "Thị Bích": 2, "Ngọc Khánh": 1, "Thị Ngọc Phương": 0.5}
)  # fmt: skip
_MALE_GIVEN = (
    "An", "Anh", "Bảo", "Bình", "Cường", "Dũng", "Đạt", "Hải", "Hiếu", "Hùng", "Huy", "Khoa", "Long", "Nam", "Phúc",
    "Quân", "Sơn", "Thành", "Thắng", "Tuấn", "Việt", "Thanh", "Hà", "Tài", "Lâm", "Vinh", "Nghĩa", "Tín", "Hòa", "Khôi",
)  # fmt: skip
_FEMALE_GIVEN = (
    "Anh", "Chi", "Dung", "Hà", "Hạnh", "Hoa", "Hương", "Lan", "Linh", "Loan", "Mai", "My", "Nga", "Ngân", "Nhung",
    "Oanh", "Thảo", "Trang", "Uyên", "Vân", "Yến", "Bình", "Thanh", "Hạ", "Thúy", "Quỳnh", "Giang", "Hòa", "Ngọc",
    "Xuân",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one people names: families, middles and givens by sex. `order` joins the parts."""

    families: tuple[str, ...]
    male_middle: tuple[str, ...] = ("Văn",)
    female_middle: tuple[str, ...] = ("Thị",)
    male_given: tuple[str, ...] = _MALE_GIVEN
    female_given: tuple[str, ...] = _FEMALE_GIVEN
    matrilineal: bool = False
    order: Callable[[str, str, str], Name] = Name.of


def _given_first(family: str, _middle: str, given: str) -> Name:
    return Name(f"{given} {family}", family, None, given)


def _no_family(_family: str, middle: str, given: str) -> Name:
    return Name(f"{middle}{given}", None, None, f"{middle}{given}")


_TAY = _Shape(("Nông", "Hoàng", "Lý", "Triệu", "Bế", "Lương", "Ma", "Vi", "Đàm", "Hà"))
_DAO = _Shape(("Triệu", "Bàn", "Đặng", "Lý", "Phùng", "Phượng", "Chảo", "Tẩn"))
_MUONG = _Shape(("Bùi", "Đinh", "Quách", "Hà", "Bạch", "Phạm", "Nguyễn", "Cao"))
_THAI = _Shape(
    ("Lò", "Quàng", "Cà", "Lường", "Tòng", "Vì", "Hà", "Lô", "Vi", "Điêu"),
    male_given=("Inh", "Pản", "Ún", "Hặc", "Thoan", "Xôm", "Tâng", "Dũng", "Sơn", "Bun"),
    female_given=("Inh", "Pâng", "Ín", "Xuân", "Hoa", "Lả", "Phương", "Ọi", "Biên", "Dung"),
)  # fmt: skip
_MONG = _Shape(
    ("Giàng", "Vàng", "Sùng", "Thào", "Hờ", "Lầu", "Mùa", "Cứ", "Vừ", "Hạng"), ("A",), ("Thị",),
    ("Pó", "Chứ", "Tủa", "Páo", "Sinh", "Lử", "Dơ", "Chu", "Nhè", "Súa"),
    ("Mỷ", "Dợ", "Chía", "Sua", "Mai", "Pàng", "Dế", "Xía", "Cở", "Máy"),
)  # fmt: skip
_EDE = _Shape(
    ("Byă", "Êban", "Niê", "Mlô", "Kbuôr", "Ayŭn", "Êñuôl", "Kđoh"), ("",), ("",),
    ("Y Thuan", "Y Blŏk", "Y Săm", "Y Ƀhiu", "Y Đĕng", "Y Khua", "Y Ñhem", "Y Čuôn"),
    ("H'Linh", "H'Nhung", "H'Mai", "H'Wôn", "H'Bliă", "H'Đŏk", "H'Ngăm", "H'Kŏ"),
    matrilineal=True, order=_given_first,
)  # fmt: skip
_JRAI = _Shape(
    ("Rơ Châm", "Ksor", "Siu", "Kpă", "Nay", "Rah Lan", "Rmah", "Puih"), ("",), ("",),
    ("Thin", "Hyoh", "Bơm", "Krung", "Tŏl", "Alơi", "Phiên", "Đinh"),
    ("H'Nhung", "H'Bia", "H'Lan", "H'Yŭm", "H'Prăk", "H'Mơn", "H'Chuên", "H'Oanh"),
    matrilineal=True,
)  # fmt: skip
_KOHO = _Shape(
    ("",), ("K'",), ("Ka ",),
    ("Brin", "Brẻo", "Lềnh", "Tiếu", "Jun", "Thim", "Nhọi", "Woan", "Bròi", "Xuân"),
    ("Hương", "Nhẻm", "Thúi", "Hiền", "Dờng", "Brồi", "Lang", "Hoan", "Mìn", "Uyên"),
    order=_no_family,
)  # fmt: skip
_SEDANG = _Shape(
    ("",), ("A ",), ("Y ",),
    ("Đớt", "Blưn", "Thút", "Brôl", "Khiêm", "Lum", "Hên", "Đeng", "Rói", "Nhĩ"),
    ("Blưn", "Hlạt", "Thơm", "Đươn", "Lễ", "Nhớ", "Kring", "Bơi", "Hương", "Lai"),
    order=_no_family,
)  # fmt: skip
_KHMER = _Shape(
    ("Thạch", "Danh", "Sơn", "Kim", "Lâm", "Kiên", "Châu", "Lý", "Tăng", "Trầm"), ("",), ("", "Thị"),
    ("Sô Phia", "Út", "Sa Rây", "Sóc Kha", "Nhựt", "Hiền", "Ra Vuth", "Dươl", "Sên", "Phươl"),
    ("Sô Phia", "Út", "Sa Mếch", "Thia", "Chanh Đa", "Rươl", "Ngọc Lang", "Đa Ra", "Hồng", "Phép"),
)  # fmt: skip
_CHAM = _Shape(
    ("Báo", "Đàng", "Thành", "Lưu", "Quảng", "Hán", "Từ", "Bá", "Kiều", "Châu"), ("Văn", "Ngọc", "Xuân"),
    ("Thị", "Thị Ngọc", "Thị Mỹ"),
)  # fmt: skip
_RAGLAY = _Shape(("Cao", "Mấu", "Pi Năng", "Chamaléa", "Katơr", "Tà Yên"), ("", "Văn"), ("Thị",), matrilineal=True)
_MNONG = _Shape(
    ("Điểu",), ("",), ("Thị",),
    ("K'Rôi", "Kơi", "Lên", "Nhơi", "K'Trang", "Krŭ", "Bang", "Xrơn", "M'Rưng", "Hơn"),
    ("Mai", "Ơi", "Brum", "Nga", "Krech", "Bơi", "Mrang", "Yôi", "Hương", "Lơi"),
)  # fmt: skip
_KATU = _Shape(("Alăng", "Bhling", "Zơrâm", "Arất", "Pơloong", "Bnướch", "Hôih"), ("", "Văn"), ("Thị",))
_BRU = _Shape(("Hồ",), ("Văn", "A"), ("Thị",))

_SHAPES = {
    "Tày": _TAY, "Nùng": _TAY, "Giáy": _TAY, "Sán Chay": _TAY, "Dao": _DAO, "Pà Thẻn": _DAO, "Mường": _MUONG,
    "Thổ": _MUONG, "Hrê": _Shape(("Phạm", "Đinh")), "Thái": _THAI, "Khơ Mú": _THAI, "Lào": _THAI, "Mông": _MONG,
    "Ê Đê": _EDE, "Gia Rai": _JRAI, "Cơ Ho": _KOHO, "Mạ": _KOHO, "Xơ Đăng": _SEDANG, "Gié Triêng": _SEDANG,
    "Ba Na": _SEDANG, "Khmer": _KHMER, "Chăm": _CHAM, "Raglay": _RAGLAY, "Chu Ru": _RAGLAY, "M'nông": _MNONG,
    "Xtiêng": _MNONG, "Cơ Tu": _KATU, "Bru - Vân Kiều": _BRU, "Tà Ôi": _BRU,
}  # fmt: skip
"""Who is not here is named as the Kinh are."""


def draw_name(
    draw: Draw,
    group: str,
    sex: str,
    province_code: str,
    *,
    father: Name | None = None,
    mother: Name | None = None,
) -> Name:
    """Return a name. With parents, the family is one of theirs: the father's mostly, the mother's for some."""
    shape = _SHAPES.get(group)
    carried = _carried_family(draw, shape, father, mother)
    if shape is None:
        family = carried or _kinh_family(draw, province_code)
        middle = draw.of(_FEMALE_MIDDLE if sex == FEMALE else _MALE_MIDDLE)
        given = draw.one(_FEMALE_GIVEN if sex == FEMALE else _MALE_GIVEN)
        return Name.of(family, middle or None, given)
    female = sex == FEMALE
    middle = draw.one(shape.female_middle if female else shape.male_middle)
    given = draw.one(shape.female_given if female else shape.male_given)
    name = shape.order(carried or draw.one(shape.families), middle, given)
    return name if name.middle else Name(name.full, name.family, None, name.given)


def _carried_family(draw: Draw, shape: _Shape | None, father: Name | None, mother: Name | None) -> str | None:
    fathers, mothers = father.family if father else None, mother.family if mother else None
    if shape is not None and shape.matrilineal:
        return mothers or fathers
    if fathers and mothers and shape is None:
        if fathers != mothers and draw.chance(0.02):
            return f"{fathers.split()[0]} {mothers.split()[0]}"
        if draw.chance(0.03):
            return mothers
    return fathers or mothers


def _kinh_family(draw: Draw, province_code: str) -> str:
    family = draw.of(_FAMILIES)
    # Huế still writes Hoàng and Vũ as often as not; from Đà Nẵng southwards it is Huỳnh and Võ.
    southern = region(province_code) == "south" or province_code >= "48"
    return SOUTHERN.get(family, family) if southern else family

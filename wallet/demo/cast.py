"""The people behind the personas and those they live with. Invented: `Mẫu` in a name means sample."""

from dataclasses import replace
from datetime import UTC, date, datetime

from wallet.demo.fixed import fixed_person, household, place
from wallet.demo.numbers import FEMALE, MALE, fixed_number
from wallet.demo.records import HEAD, Business, Household, Name, Permit, Person, Residence

_FATHER = fixed_number(MALE, 1990, 1)
_MOTHER = fixed_number(FEMALE, 1992, 51)
_AUNT = fixed_number(FEMALE, 1981, 57)
_OLD_HUSBAND = fixed_number(MALE, 1948, 3)
_LATE_HUSBAND = fixed_number(MALE, 1957, 5)
_MOTHER_OF_TUOI = fixed_number(FEMALE, 1985, 73)
_NEW_FATHER = fixed_number(MALE, 1993, 74)

CAST: dict[str, Person] = {
    "an": fixed_person(
        1, ("Nguyễn", "Mẫu", "An"), "1990-06-15", MALE, spouse=_MOTHER, cmnd="990000001",
        father_name="Nguyễn Mẫu Bách", mother_name="Phạm Thị Mẫu Thảo",
    ),
    "binh": fixed_person(2, ("Trần", "Thị Mẫu", "Bình"), "1998-09-03", FEMALE, code="074"),
    "sau": fixed_person(3, ("Phạm", "Mẫu", "Sáu"), "1948", MALE, spouse=fixed_number(FEMALE, 1950, 53)),
    "doi": fixed_person(
        4, ("Lê", "Thị Mẫu", "Đổi"), "1987-11-02", FEMALE, code="056", former_numbers=(fixed_number(FEMALE, 1978, 4),),
        exemptions=("poor_household",), other_names="Lê Thị Mẫu Đỗi",
    ),
    "khuat": fixed_person(
        5, ("Vũ", "Mẫu", "Khuất"), "1957-04-18", MALE, code="031",
        died_on=date(2026, 2, 10), spouse=fixed_number(FEMALE, 1960, 55),
        updated_at=datetime(2026, 2, 12, 2, 0, tzinfo=UTC),
    ),
    "khoa": fixed_person(6, ("Đỗ", "Mẫu", "Khóa"), "1985-08-30", MALE, code="020"),
    "nho": fixed_person(
        7, ("Hoàng", "Gia Mẫu", "Nhỏ"), "2013-02-28", MALE, code="035",
        guardian=_AUNT, card_issued=date(2025, 8, 4), card_expires=date(2027, 2, 28),
    ),
    "xa": fixed_person(
        8, ("Đặng Huỳnh", "Mẫu Diễm Tuyết Ượng", "Hổ"), "1996-04-24", FEMALE, code="040",
        mother=fixed_number(FEMALE, 1969, 58),
    ),
    "dai": fixed_person(
        9, ("Công Tằng Tôn Nữ", "Mẫu Hoàng Thiên Hương Bạch Ngọc Phương Khánh", "Nguyên"),
        "1977-01-19", FEMALE, code="046"
    ),
    "marie": fixed_person(
        10, Name("Anne-Marie Dubois-Mẫu", "Dubois-Mẫu", None, "Anne-Marie"), "1986-07-14", FEMALE, code=None,
        nationality="Pháp", ethnicity=None, religion=None, native_place="Pháp", spouse=fixed_number(MALE, 1984, 60),
        former_numbers=(fixed_number(FEMALE, 1986, 11),),
        card_issued=date(2025, 5, 5), card_expires=date(2035, 5, 5),
        permit=Permit("permanent", "PC0990010", date(2035, 5, 5), "99AM00010", date(2035, 3, 1)),
    ),
    "vang": fixed_person(12, ("Bùi", "Thị Mẫu", "Vắng"), "1979-10-08", FEMALE, code="017", native_place="Tỉnh Phú Thọ"),
    "mai": fixed_person(13, ("Ngô", "Mẫu", "Mai"), "1993-05-20", MALE, code="027"),
    "dot": fixed_person(
        14, Name("A Đớt", None, None, "A Đớt"), "1988-12-01", MALE, code="062",
        ethnicity="Xơ Đăng", exemptions=("special_area_resident", "minority_special_area"),
        updated_at=datetime(2026, 1, 15, 3, 30, tzinfo=UTC),
    ),
    "han": fixed_person(15, ("Dương", "Thị Mẫu", "Hạn"), "1975-03-27", FEMALE, code="096"),
    "moi": fixed_person(16, ("Hồ", "Mẫu", "Mới"), "2004-08-08", MALE, code="048", exemptions=("student",)),
    "tich": fixed_person(
        17, ("Trịnh", "Mẫu", "Tích"), "1982-05-11", MALE, code="042",
        father_name="Trịnh Mẫu Lũy", mother_name="Võ Thị Mẫu Lam",
    ),
    "phat": fixed_person(
        18, ("Thái", "Mẫu", "Phạt"), "1990-02-14", MALE, code="092",
        father_name="Thái Mẫu Răn", mother_name="Lâm Thị Mẫu Dạy",
    ),
    "tuoi": fixed_person(
        19, ("Lương", "Thị Mẫu", "Tuổi"), "2011-03-01", FEMALE, code="035", mother=_MOTHER_OF_TUOI,
    ),
    "lech": fixed_person(20, ("Phùng", "Mẫu", "Lệch"), "1971-08-19", MALE, code="025"),
    "giay": fixed_person(21, ("Hà", "Mẫu", "Giấy"), "1965-12-12", MALE, code="038"),
    "noi": fixed_person(22, ("Lưu", "Thị Mẫu", "Nôi"), "1995-10-10", FEMALE, spouse=_NEW_FATHER),
    "xuan": fixed_person(23, ("Đào", "Thị Mẫu", "Xuân"), "1980-02-16", FEMALE),
    "admin1": fixed_person(31, ("Võ", "Mẫu", "Quản"), "1984-02-02", MALE, code="001"),
    "admin2": fixed_person(32, ("Phan", "Thị Mẫu", "Trị"), "1982-11-20", FEMALE, code="079"),
    "officer1": fixed_person(33, ("Lương", "Mẫu", "Tiếp"), "1991-07-09", MALE, code="001"),
    "officer2": fixed_person(34, ("Mai", "Thị Mẫu", "Khách"), "1989-05-27", FEMALE, code="079"),
    "approver1": fixed_person(35, ("Tô", "Thị Mẫu", "Duyệt"), "1980-10-13", FEMALE, code="001"),
    "approver2": fixed_person(36, ("Chu", "Mẫu", "Thuận"), "1978-01-30", MALE, code="079"),
    "reviewer1": fixed_person(37, ("Quách", "Thị Mẫu", "Xét"), "1990-12-04", FEMALE, code="001"),
    "reviewer2": fixed_person(41, ("Đoàn", "Thị Mẫu", "Thẩm"), "1992-06-18", FEMALE, code="001"),
    "reviewer3": fixed_person(42, ("Kiều", "Mẫu", "Lý"), "1987-09-09", MALE, code="001"),
    "reviewer4": fixed_person(43, ("Trương", "Thị Mẫu", "Tra"), "1985-12-30", FEMALE, code="001"),
    "reviewer5": fixed_person(44, ("Cao", "Mẫu", "Hộ"), "1990-02-11", MALE, code="001"),
    "reviewer6": fixed_person(45, ("Phùng", "Thị Mẫu", "Hiểm"), "1988-04-26", FEMALE, code="001"),
    "reviewer7": fixed_person(46, ("Lương", "Thị Mẫu", "Ngân"), "1991-07-15", FEMALE, code="001"),
    "auditor1": fixed_person(38, ("Đinh", "Mẫu", "Soát"), "1983-03-16", MALE, code="001"),
}  # fmt: skip
"""By the key of the persona. Their residence comes with `cast_households`."""

_RELATIVES: dict[str, Person] = {
    "wife": fixed_person(51, ("Lê", "Thị Mẫu", "Hòa"), "1992-03-08", FEMALE, spouse=_FATHER),
    "son": fixed_person(
        71, ("Nguyễn", "Mẫu", "Minh"), "2016-09-05", MALE, father=_FATHER, mother=_MOTHER,
        card_issued=date(2025, 6, 16), card_expires=date(2030, 9, 5),
    ),
    "daughter": fixed_person(
        72, ("Nguyễn", "Thị Mẫu", "Ngọc"), "2020-12-22", FEMALE, father=_FATHER, mother=_MOTHER,
        card_issued=date(2025, 6, 16), card_expires=date(2034, 12, 22),
    ),
    "old_wife": fixed_person(53, ("Đỗ", "Thị Mẫu", "Bảy"), "1950", FEMALE, spouse=_OLD_HUSBAND),
    "widow": fixed_person(55, ("Bùi", "Thị Mẫu", "Còn"), "1960-09-30", FEMALE, code="031", spouse=_LATE_HUSBAND),
    "aunt": fixed_person(57, ("Hoàng", "Thị Mẫu", "Cô"), "1981-06-01", FEMALE, code="035"),
    "mother": fixed_person(58, ("Huỳnh", "Thị Mẫu", "Quê"), "1969-02-14", FEMALE, code="040"),
    "husband": fixed_person(
        60, ("Trịnh", "Mẫu", "Quốc"), "1984-01-25", MALE, code="079", spouse=fixed_number(FEMALE, 1986, 10)
    ),
    "mother_of_tuoi": fixed_person(73, ("Tăng", "Thị Mẫu", "Mẹ"), "1985-05-05", FEMALE, code="035"),
    "new_father": fixed_person(
        74, ("Triệu", "Mẫu", "Bố"), "1993-01-17", MALE, spouse=fixed_number(FEMALE, 1995, 22)
    ),
    "brother": fixed_person(62, ("Bùi", "Mẫu", "Đủ"), "1976-05-05", MALE, code="017"),
}  # fmt: skip

FOREIGNERS: dict[str, Person] = {
    "new_here": fixed_person(
        64, Name("Tanaka Mẫu Kenji", "Tanaka", "Mẫu", "Kenji"), "1991-11-05", MALE, code=None,
        nationality="Nhật Bản", ethnicity=None, religion=None, native_place="Nhật Bản",
        card_issued=None, card_expires=None,
        permit=Permit("temporary", "TC0990064", date(2027, 6, 30), "99TM00064", date(2030, 4, 1), False),
    ),
    "permit_over": fixed_person(
        65, Name("Smith Mẫu John", "Smith", "Mẫu", "John"), "1979-06-21", MALE, code=None,
        nationality="Anh", ethnicity=None, religion=None, native_place="Anh",
        card_issued=None, card_expires=None,
        permit=Permit("temporary", "TC0990065", date(2026, 1, 31), "99SM00065", date(2029, 9, 9)),
    ),
}  # fmt: skip
"""Beside the persona `marie`: one whose face and fingers are not on file yet, one whose permit is over."""

BUSINESSES: tuple[Business, ...] = (
    Business(
        "0099000001", "Công ty trách nhiệm hữu hạn Mẫu An", "Số 12, ngõ 34, đường Nguyễn Khang, Hà Nội",
        date(2019, 4, 1), CAST["an"].number,
    ),
    Business(
        "0099000002", "Công ty cổ phần Mẫu Khuất", "Số 8, đường Hùng Vương, Hải Phòng",
        date(2001, 9, 3), CAST["khuat"].number,
    ),
    Business(
        "0099000003", "Doanh nghiệp tư nhân Mẫu Khóa", "Tổ dân phố 1, Lạng Sơn",
        date(2012, 2, 20), CAST["khoa"].number, "dissolved",
    ),
    Business(
        "0099000010", "Công ty trách nhiệm hữu hạn Mẫu Marie", "17/4 Lý Tự Trọng, Thành phố Hồ Chí Minh",
        date(2022, 7, 14), CAST["marie"].number,
    ),
)  # fmt: skip
"""One in order, one whose representative has died, one that is dissolved, one of a foreigner."""


def cast_households() -> tuple[Household, ...]:
    """Return the households of all personas; they come first in every nation."""
    c, r, f = CAST, _RELATIVES, FOREIGNERS
    return (
        household(
            1, place("00167", "Số 12, ngõ 34, đường Nguyễn Khang"),
            (c["an"], HEAD), (r["wife"], "Vợ"), (r["son"], "Con"), (r["daughter"], "Con"),
        ),
        household(2, place("25942", "Khu phố 2"), (c["binh"], HEAD), since=date(2022, 4, 1)),
        household(3, place("00583", "Thôn 3"), (c["sau"], HEAD), (r["old_wife"], "Vợ"), since=date(1988, 1, 4)),
        household(4, place("22366", "45 Trần Phú"), (c["doi"], HEAD)),
        household(5, place("11311", "Số 8, ngách 5, ngõ 40, đường Hùng Vương"), (c["khuat"], HEAD), (r["widow"], "Vợ")),
        household(6, place("06187", "Tổ dân phố 1"), (c["khoa"], HEAD)),
        household(7, place("13420", "Tổ dân phố 3"), (r["aunt"], HEAD), (c["nho"], "Cháu")),
        household(
            8, place("16690", "Khối 6"),
            (r["mother"], HEAD), (c["xa"], "Con"), change={c["xa"].number: _in_the_south},
        ),
        household(9, place("19786", "Số 3, kiệt 12, đường Nguyễn Công Trứ"), (c["dai"], HEAD)),
        household(
            10, place("26743", "17/4 Lý Tự Trọng"),
            (r["husband"], HEAD), (c["marie"], "Vợ"), since=date(2020, 2, 3),
        ),
        household(12, place("07900", "Số 27, đường Hòa Bình"), (r["brother"], HEAD), beside=(c["vang"],)),
        household(13, place("06187", "Tổ dân phố 5"), (c["mai"], HEAD), change={c["mai"].number: _mistyped}),
        household(14, place("23575", "Tổ dân phố 7"), (c["dot"], HEAD), since=date(2026, 1, 15)),
        household(15, place("30307", "Số 90, hẻm 6, đường Trần Hưng Đạo"), (c["han"], HEAD)),
        household(16, place("20209", "Số 2, kiệt 31, đường Điện Biên Phủ"), (c["moi"], HEAD)),
        household(17, place("16681", "Số 18, đường Quang Trung"), (c["tich"], HEAD)),
        household(18, place("31135", "Số 7, hẻm 25, đường Lý Tự Trọng"), (c["phat"], HEAD), since=date(2000, 9, 5)),
        household(19, place("13420", "Tổ dân phố 6"), (r["mother_of_tuoi"], HEAD), (c["tuoi"], "Con")),
        household(20, place("07900", "Số 41, đường Hùng Vương"), (c["lech"], HEAD)),
        household(21, place("14758", None), (c["giay"], HEAD)),
        household(
            22, place("00004", "Số 15, ngõ 2, đường Đội Cấn"),
            (r["new_father"], HEAD), (c["noi"], "Vợ"), since=date(2021, 12, 6),
        ),
        household(23, place("00004", "Số 23, ngõ 6, đường Đội Cấn"), (c["xuan"], HEAD)),
        household(64, place("00004", "Số 3, ngõ 9, đường Đội Cấn"), (f["new_here"], HEAD), since=date(2025, 11, 3)),
        household(65, place("26743", "19 Lý Tự Trọng"), (f["permit_over"], HEAD), since=date(2024, 2, 5)),
        household(31, place("00196", None), (c["admin1"], HEAD)),
        household(32, place("25966", None), (c["admin2"], HEAD)),
        household(33, place("00167", "Số 5, ngõ 20, đường Nguyễn Khang"), (c["officer1"], HEAD)),
        household(34, place("26743", "21 Lý Tự Trọng"), (c["officer2"], HEAD)),
        household(35, place("00196", None), (c["approver1"], HEAD)),
        household(36, place("25966", None), (c["approver2"], HEAD)),
        household(37, place("00004", "Số 11, ngõ 4, đường Đội Cấn"), (c["reviewer1"], HEAD)),
        household(38, place("00004", "Số 30, đường Đội Cấn"), (c["auditor1"], HEAD)),
        household(41, place("00004", "Số 41, đường Đội Cấn"), (c["reviewer2"], HEAD)),
        household(42, place("00004", "Số 42, đường Đội Cấn"), (c["reviewer3"], HEAD)),
        household(43, place("00004", "Số 43, đường Đội Cấn"), (c["reviewer4"], HEAD)),
        household(44, place("00004", "Số 44, đường Đội Cấn"), (c["reviewer5"], HEAD)),
        household(45, place("00004", "Số 45, đường Đội Cấn"), (c["reviewer6"], HEAD)),
        household(46, place("00004", "Số 46, đường Đội Cấn"), (c["reviewer7"], HEAD)),
    )  # fmt: skip


def _in_the_south(residence: Residence) -> Residence:
    there = place("26824", "Số 120, hẻm 36, đường Võ Văn Ngân")
    return replace(
        residence,
        current=there,
        temporary=there,
        temporary_since=date(2025, 9, 1),
        temporary_until=date(2027, 8, 31),
    )


def _mistyped(residence: Residence) -> Residence:
    """1996 was typed as 2096: a register's mistake that must not become a document."""
    return replace(residence, permanent_since=date(2096, 5, 20))

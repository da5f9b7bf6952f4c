"""One living example of each edge case of docs/domain.md section 8 that somebody can show.

They are in every nation under the same numbers, so a test, a screenshot and a bug report can name them. Which part of
which case is shown by whom, and which by a test alone, stands in `tests/demo/test_every_edge_case.py`.
"""

from dataclasses import dataclass
from datetime import date

from wallet.demo.cast import CAST, FOREIGNERS
from wallet.demo.fixed import fixed_person, household, place
from wallet.demo.numbers import FEMALE, MALE, fixed_number
from wallet.demo.records import HEAD, Household, Name, Person, Text


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """code: stable. item: the number in docs/domain.md section 8, 0 for a case of its section 4.6.

    number: of a person who shows it.
    """

    code: str
    item: int
    text: Text
    number: str


_AGES = (5, 6, 13, 14, 16, 18, 25, 40, 60)
"""Years of age, reached on the day the nation is described (1 March 2026)."""

_MOTHER_OF_SIX = fixed_number(FEMALE, 1986, 140)
_SHARED_CMND = "990000011"

_P: dict[str, Person] = {
    "zero": fixed_person(101, ("Nguyễn", "Mẫu", "Không"), "2000-05-17", MALE),
    "born_1925": fixed_person(110, ("Lý", "Thị Mẫu", "Cả"), "1925-04-03", FEMALE, code="031"),
    "born_1995": fixed_person(111, ("Ngô", "Mẫu", "Giữa"), "1995-08-21", MALE, code="031"),
    "born_2025": fixed_person(
        110, ("Ngô", "Thị Mẫu", "Út"), "2025-04-03", FEMALE, code="031", father=fixed_number(MALE, 1995, 111)
    ),
    "age_40": fixed_person(140, ("Trần", "Thị Mẫu", "Tứ"), "1986-03-01", FEMALE, code="036"),
    **{
        f"age_{years}": fixed_person(
            100 + years, ("Trần", "Mẫu", given), f"{2026 - years}-03-01", sex, code="036", mother=_MOTHER_OF_SIX
        )
        for years, given, sex in (
            (18, "Cả", MALE), (16, "Hai", FEMALE), (14, "Ba", MALE),
            (13, "Bốn", FEMALE), (6, "Sáu", MALE), (5, "Năm", FEMALE),
        )
    },
    "age_60": fixed_person(160, ("Phạm", "Mẫu", "Thọ"), "1966-03-01", MALE, code="040"),
    "age_25": fixed_person(
        125, ("Phạm", "Mẫu", "Đôi"), "2001-03-01", MALE, code="040", father=fixed_number(MALE, 1966, 160)
    ),
    "one_word": fixed_person(
        170, Name("K'Brin", None, None, "K'Brin"), "1991-07-09", MALE,
        code="068", ethnicity="Cơ Ho", religion="Tin Lành",
    ),
    "sex_corrected": fixed_person(
        180, ("Đoàn", "Mẫu", "Thanh"), "1994-10-12", FEMALE, code="048", former_numbers=(fixed_number(MALE, 1994, 181),)
    ),
    "sex_uncorrected": fixed_person(
        182, ("Mai", "Mẫu", "Bình"), "1989-02-11", FEMALE, code="056", number=fixed_number(MALE, 1989, 182)
    ),
    "birth_corrected": fixed_person(
        183, ("Tạ", "Mẫu", "Sửa"), "1978-12-30", MALE, code="033", number=fixed_number(MALE, 1987, 183)
    ),
    "prefix_vanished": fixed_person(
        184, ("Hoàng", "Thị Mẫu", "Mận"), "1983-03-15", FEMALE, code="002", ethnicity="Tày"
    ),
    "twin": fixed_person(190, ("Cao", "Thị Mẫu", "Song"), "2003-09-09", FEMALE, code="042"),
    "other_twin": fixed_person(191, ("Cao", "Thị Mẫu", "Sinh"), "2003-09-09", FEMALE, code="042"),
    "namesake": fixed_person(195, ("Nguyễn", "Thị Mẫu", "Trùng"), "1990-01-01", FEMALE, code="079"),
    "other_namesake": fixed_person(196, ("Nguyễn", "Thị Mẫu", "Trùng"), "1990-01-01", FEMALE, code="092"),
    "cmnd_unknown": fixed_person(200, ("Châu", "Mẫu", "Khuyết"), "1955-11-23", MALE, code="082"),
    "cmnd_shared": fixed_person(201, ("Kiều", "Mẫu", "Chung"), "1962-06-06", MALE, code="082", cmnd=_SHARED_CMND),
    "cmnd_sharer": fixed_person(202, ("Lâm", "Thị Mẫu", "Chung"), "1964-08-16", FEMALE, code="083", cmnd=_SHARED_CMND),
    "minor_head": fixed_person(210, ("Đinh", "Mẫu", "Trưởng"), "2009-12-05", MALE, code="010"),
    "minor_ward": fixed_person(
        211, ("Đinh", "Thị Mẫu", "Thứ"), "2014-05-25", FEMALE, code="010", guardian=fixed_number(FEMALE, 1985, 212)
    ),
    "their_aunt": fixed_person(212, ("Đinh", "Thị Mẫu", "Cô"), "1985-04-02", FEMALE, code="010"),
    "tone": fixed_person(220, ("Lê", "Thị Mẫu", "Hà"), "1992-02-20", FEMALE, code="038"),
    "licence_held": fixed_person(230, ("Vương", "Mẫu", "Giữ"), "1986-06-24", MALE, code="001"),
    "other_tone": fixed_person(221, ("Lê", "Thị Mẫu", "Hạ"), "1992-02-20", FEMALE, code="038"),
}  # fmt: skip


def _case(code: str, item: int, person: Person, vi: str, en: str) -> tuple[str, EdgeCase]:
    return code, EdgeCase(code, item, {"vi": vi, "en": en}, person.number)


EDGE_CASES: dict[str, EdgeCase] = dict(
    (
        _case(
            "leading_zero", 1, _P["zero"],
            "Số và mã nơi đăng ký khai sinh (001) bắt đầu bằng số 0: luôn là chữ, không phải số",
            "The number and the code of birth registration (001) begin with zero: always text, never an integer",
        ),
        _case(
            "born_1925", 2, _P["born_1925"],
            "Sinh năm 1925: cùng hai số năm với người sinh 2025, chỉ khác chữ số thứ tư",
            "Born 1925: the same year digits as someone born 2025, only digit 4 differs",
        ),
        _case(
            "born_2025", 2, _P["born_2025"],
            "Sinh năm 2025: mười một chữ số giống người sinh 1925",
            "Born 2025: eleven digits are those of someone born 1925",
        ),
        *(
            _case(
                f"age_{years}", 3, _P[f"age_{years}"],
                f"Tròn {years} tuổi vào ngày 01/03/2026",
                f"Turned {years} on 1 March 2026",
            )
            for years in _AGES
        ),
        _case(
            "birth_year_only", 4, CAST["sau"],
            "Chỉ biết năm sinh: 1948",
            "Only the year of birth is known: 1948",
        ),
        _case("one_word_name", 5, _P["one_word"], "Tên chỉ có một chữ, không có họ", "One word, no family name"),
        _case("long_name", 5, CAST["dai"], "Họ tên dài hơn 50 chữ cái", "A name of more than 50 letters"),
        _case("foreign_name", 5, CAST["marie"], "Tên nước ngoài có gạch nối", "A foreign name with a hyphen"),
        _case(
            "sex_redetermined", 6, _P["sex_corrected"],
            "Xác định lại giới tính: số mới, số cũ là số trước đây",
            "Sex re-determined: a new number, the old one is a former number",
        ),
        _case(
            "sex_digit_disagrees", 6, _P["sex_uncorrected"],
            "Giới tính đã sửa nhưng số giữ nguyên: chữ số thứ tư không khớp",
            "Sex corrected, number kept: digit 4 disagrees",
        ),
        _case(
            "birth_digits_disagree", 7, _P["birth_corrected"],
            "Ngày sinh đã cải chính: chữ số 5-6 không khớp năm sinh",
            "Birth date corrected: digits 5-6 disagree with the year",
        ),
        _case(
            "vanished_province", 8, _P["prefix_vanished"],
            "Đăng ký khai sinh tại Hà Giang (nay là Tuyên Quang)",
            "Birth registered in Hà Giang, now part of Tuyên Quang",
        ),
        _case("twins", 9, _P["twin"], "Sinh đôi: cùng ngày sinh, tên gần giống", "Twins: one birth date, names alike"),
        _case(
            "namesakes", 10, _P["namesake"],
            "Hai người trùng họ tên và ngày sinh, khác số",
            "Two people with the same name and birth date, different numbers",
        ),
        _case("cmnd_unknown", 11, _P["cmnd_unknown"], "Không rõ số CMND 9 số", "The old 9-digit number is unknown"),
        _case("cmnd_shared", 11, _P["cmnd_shared"], "Hai người chung một số CMND cũ", "Two people, one old number"),
        _case(
            "lives_elsewhere", 12, CAST["xa"],
            "Thường trú và nơi ở hiện tại ở hai tỉnh khác nhau",
            "Permanent and current address are in different provinces",
        ),
        _case("head_is_minor", 13, _P["minor_head"], "Chủ hộ chưa thành niên", "The head of the household is a minor"),
        _case("head_is_dead", 13, CAST["khuat"], "Chủ hộ đã mất, chưa đổi chủ hộ", "The head has died"),
        _case("lives_alone", 13, _P["zero"], "Hộ chỉ có một người", "A household of one"),
        _case(
            "guardian_not_parent", 14, CAST["nho"],
            "Người giám hộ là cô ruột, không phải cha mẹ",
            "The guardian is an aunt, not a parent",
        ),
        _case(
            "locked_holder", 15, CAST["khoa"],
            "Tài khoản bị khóa sau khi được cấp giấy: mọi phiên kết thúc, không xuất trình được nữa",
            "The account was locked after a document was issued: every session is over, nothing can be presented",
        ),
        _case(
            "dead_holder", 15, CAST["khuat"],
            "Người đã mất, tài liệu đã cấp vẫn chưa hết hạn",
            "The holder has died, documents have not expired",
        ),
        _case(
            "lodging_often", 16, CAST["xa"],
            "Con gái thường về ở với mẹ: thông báo lưu trú một lần là đủ",
            "A daughter who often stays with her mother: one lodging notice is enough",
        ),
        _case(
            "lodging_foreigner", 16, FOREIGNERS["new_here"],
            "Khách là người nước ngoài: khai báo tạm trú theo mẫu NA17, không phải thông báo lưu trú",
            "A guest who is a foreigner: a declaration on form NA17, not a lodging notice",
        ),
        _case(
            "record_expunged", 17, CAST["tich"],
            "Đã được xóa án tích: phiếu số 1 không có án tích, phiếu số 2 ghi đủ",
            "Expunged: No. 1 is clean, No. 2 shows it",
        ),
        _case("record_standing", 17, CAST["phat"], "Án tích chưa được xóa", "A conviction that stands"),
        _case(
            "banned_from_posts", 17, CAST["khoa"],
            "Bị cấm thành lập doanh nghiệp sau khi doanh nghiệp phá sản",
            "Banned from founding enterprises after a bankruptcy",
        ),
        _case(
            "fee_subsidised", 17, CAST["an"],
            "Thường trú Hà Nội, mức độ 2: phí 200.000, hỗ trợ 200.000, phải nộp 0",
            "Registered in Hà Nội, level 2: fee 200,000, support 200,000, nothing to pay",
        ),
        _case(
            "fee_exempt_elder", 17, CAST["sau"],
            "Người cao tuổi ở Hà Nội: được miễn phí, nên không có dòng hỗ trợ",
            "An elder in Hà Nội: exempt, so without support",
        ),
        _case("fee_exempt_poor", 17, CAST["doi"], "Hộ nghèo: được miễn phí", "A poor household: exempt"),
        _case("fee_halved", 17, CAST["moi"], "Sinh viên: phí 100.000 đồng", "A student: a fee of 100,000 đồng"),
        _case(
            "record_for_relative", 17, CAST["an"],
            "Chồng xin phiếu số 2 cho vợ: bị từ chối",
            "A husband asks for his wife's No. 2: refused",
        ),
        _case(
            "record_at_15", 17, CAST["tuoi"],
            "15 tuổi xin phiếu lý lịch tư pháp: bị từ chối",
            "Aged 15, asks for a judicial record: refused",
        ),
        _case(
            "health_book_not_linked", 18, CAST["moi"],
            "Có thẻ bảo hiểm y tế, chưa có dữ liệu sổ sức khỏe",
            "Insured, and no facility ever sent anything",
        ),
        _case(
            "health_book_mismatch", 18, CAST["lech"],
            "Ngày sinh trong sổ sức khỏe khác thẻ bảo hiểm y tế",
            "The health book has another birth date than the insurance card",
        ),
        _case("insurance_expired", 18, CAST["han"], "Thẻ bảo hiểm y tế đã hết hạn", "The insurance card has expired"),
        _case(
            "insurance_unmarked", 18, CAST["xa"],
            "Tên trên thẻ bảo hiểm y tế không dấu",
            "The insurance card has the name without diacritics",
        ),
        _case(
            "ticket_name", 19, CAST["xa"],
            "Tên trên vé máy bay không dấu, tên đứng trước họ",
            "The ticket has the name without diacritics, the given name first",
        ),
        _case(
            "phone_of_another", 20, _P["age_25"],
            "Số điện thoại do cha đứng tên",
            "The phone is in his father's name",
        ),
        _case(
            "licence_held", 0, _P["licence_held"],
            "Giấy phép lái xe và đăng ký xe đang bị tạm giữ",
            "Driving licence and registration are held",
        ),
        _case(
            "licence_old_paper", 0, CAST["giay"],
            "Giấy phép lái xe bằng giấy, không tích hợp được",
            "An old paper licence that cannot be linked",
        ),
        _case(
            "newborn", 0, CAST["noi"],
            "Con mới sinh, bệnh viện đã báo sinh, chưa đăng ký khai sinh",
            "A newborn: the hospital has told of the birth, nobody has registered it",
        ),
        _case(
            "same_letters_other_tone", 19, _P["tone"],
            "Hà và Hạ: bỏ dấu thì giống nhau, vẫn là hai người khác nhau",
            "Hà and Hạ: alike without marks, still two people",
        ),
        _case(
            "due_after_tet", 21, CAST["xuan"],
            "Gửi phản ánh ngày làm việc cuối cùng trước Tết: ngày hẹn trả lời bỏ qua các ngày nghỉ",
            "A report sent on the last working day before Tết: the day of the answer leaves the holidays out",
        ),
        _case(
            "foreigner_new_passport", 22, CAST["marie"],
            "Người nước ngoài đổi hộ chiếu nên số đã thay đổi",
            "A foreigner whose passport was renewed and whose number changed",
        ),
        _case(
            "moved_after_issue", 23, CAST["dot"],
            "Chuyển nơi thường trú ngày 15/01/2026: CT07 cấp trước đó không còn giá trị",
            "Moved on 15 January 2026: a CT07 from before is void",
        ),
    )
)  # fmt: skip
"""By code."""


def edge_households() -> tuple[Household, ...]:
    """Return the households of the edge cases, less those of the personas."""
    p = _P
    children = [(p[f"age_{years}"], "Con") for years in (18, 16, 14, 13, 6, 5)]
    return (
        household(101, place("00004", "Số 7, ngõ 18, đường Đội Cấn"), (p["zero"], HEAD), since=date(2019, 3, 4)),
        household(
            102, place("11383", "Số 21, đường Cát Dài"),
            (p["born_1995"], HEAD), (p["born_1925"], "Bà"), (p["born_2025"], "Con"),
        ),
        household(103, place("14329", "Tổ dân phố 4"), (p["age_40"], HEAD), *children),
        household(104, place("16690", "Số 5, đường Trường Chinh"), (p["age_60"], HEAD), (p["age_25"], "Con")),
        household(105, place("25000", "Thôn 9"), (p["one_word"], HEAD)),
        household(106, place("20242", "Số 14, kiệt 82, đường Lê Duẩn"), (p["sex_corrected"], HEAD)),
        household(107, place("22366", "45 Trần Phú"), (p["sex_uncorrected"], HEAD)),
        household(108, place("13225", "Tổ dân phố 6"), (p["birth_corrected"], HEAD)),
        household(109, place("00721", "Bản 3"), (p["prefix_vanished"], HEAD)),
        household(110, place("07900", "Số 3, đường Hùng Vương"), (p["twin"], HEAD), (p["other_twin"], "Em")),
        household(111, place("26824", "38/5 Võ Văn Ngân"), (p["namesake"], HEAD)),
        household(112, place("31135", "Số 60, hẻm 11, đường Lý Tự Trọng"), (p["other_namesake"], HEAD)),
        household(113, place("28261", "Khu phố 2"), (p["cmnd_unknown"], HEAD)),
        household(
            114, place("28261", "Khu phố 5"), (p["cmnd_shared"], HEAD), (p["cmnd_sharer"], "Người thuê"),
        ),
        household(115, place("03006", "Tổ dân phố 2"), (p["minor_head"], HEAD), (p["minor_ward"], "Em")),
        household(118, place("00167", "Số 9, ngõ 77, đường Nguyễn Khang"), (p["licence_held"], HEAD)),
        household(116, place("03006", "Tổ dân phố 4"), (p["their_aunt"], HEAD)),
        household(117, place("16681", "Số 9, đường Quang Trung"), (p["tone"], HEAD), (p["other_tone"], "Người ở nhờ")),
    )  # fmt: skip

"""Who a visitor of the demo can be: each persona has a story and one fixed outcome.

A persona is data. Accounts, devices and documents are made of it by whoever seeds the wallet; the person behind it is
in every nation (`wallet.demo.cast`). What a persona signs in with follows from the deployment's secret: `credentials`.
"""

from dataclasses import dataclass
from enum import StrEnum

from wallet.demo.cast import CAST
from wallet.demo.credentials import Credentials, derive
from wallet.demo.records import Text
from wallet.terms import AccountLevel, StaffRole

__all__ = ["PERSONAS", "Credentials", "Outcome", "Persona", "Preparation", "credentials", "persona"]


class Preparation(StrEnum):
    """What must have happened before the visitor comes: done once, when the wallet is seeded."""

    NONE = "none"
    ISSUED = "issued"
    """A residence document was issued."""
    ISSUED_THEN_REVOKED = "issued_then_revoked"
    """Issued, and revoked when the residence changed."""
    ISSUED_THEN_LOCKED = "issued_then_locked"
    """Issued, then the account was locked on `lock_ground`."""
    ISSUED_LONG_AGO = "issued_long_ago"
    """Issued so long ago that its validity has ended."""
    ANSWERED_AFTER_TET = "answered_after_tet"
    """A report was sent on the last working day before the last Tết, and answered after it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What this persona always meets. `code`: of a problem or a verdict, of what is issued, or `staff`."""

    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class Persona:
    """One persona.

    key: stable, used in addresses and commands. birth: `YYYY-MM-DD` or `YYYY`. account_state: `active` or `locked`.
    has_device: whether a device key is bound; without one the credentials still exist, to bind with.
    agency, province: of staff; the province by its 2-digit code. guardian: the number of a minor's guardian.
    """

    key: str
    name: str
    number: str
    birth: str
    story: Text
    outcome: Outcome
    account_level: AccountLevel = AccountLevel.TWO
    account_state: str = "active"
    lock_ground: str | None = None
    preparation: Preparation = Preparation.NONE
    has_device: bool = True
    staff_role: StaffRole | None = None
    agency: str | None = None
    province: str | None = None
    guardian: str | None = None


def _persona(
    key: str,
    story: tuple[str, str],
    code: str,
    outcome: tuple[str, str],
    *,
    level: AccountLevel = AccountLevel.TWO,
    locked: str | None = None,
    preparation: Preparation = Preparation.NONE,
    has_device: bool = True,
    staff: tuple[StaffRole, str, str] | None = None,
) -> Persona:
    person = CAST[key]
    return Persona(
        key=key,
        name=person.name.full,
        number=person.number,
        birth=person.birth,
        story=_text(story),
        outcome=Outcome(code, _text(outcome)),
        account_level=level,
        account_state="locked" if locked else "active",
        lock_ground=locked,
        preparation=preparation,
        has_device=has_device,
        staff_role=staff[0] if staff else None,
        agency=staff[1] if staff else None,
        province=staff[2] if staff else None,
        guardian=person.guardian,
    )


def _text(both: tuple[str, str]) -> Text:
    return {"vi": both[0], "en": both[1]}


_ISSUED = "residence_issued"

PERSONAS: tuple[Persona, ...] = (
    _persona(
        "an",
        (
            "Anh An sống cùng vợ và hai con ở Hà Nội, tài khoản mức độ 2. Trường của con cần giấy xác nhận cư trú.",
            "An lives in Hà Nội with his wife and two children and has a level 2 account. "
            "The children's school wants proof of residence.",
        ),
        _ISSUED,
        (
            "Giấy được cấp ngay; quét mã thấy hợp lệ.",
            "The document is issued at once; scanning the code shows it valid.",
        ),
    ),
    _persona(
        "binh",
        (
            "Chị Bình tự đăng ký tại nhà nên mới có tài khoản mức độ 1.",
            "Bình registered from home, so her account is level 1 only.",
        ),
        "level_too_low",
        ("Bị từ chối: giấy này cần tài khoản mức độ 2.", "Refused: this document needs a level 2 account."),
        level=AccountLevel.ONE,
    ),
    _persona(
        "sau",
        (
            "Ông Sáu chỉ nhớ mình sinh năm 1948; sổ sách cũng không ghi ngày tháng.",
            "Sáu only knows that he was born in 1948; no record gives a day or a month.",
        ),
        _ISSUED,
        (
            "Giấy được cấp, ngày sinh ghi là 1948, không tự thêm ngày 01/01.",
            "The document is issued; the birth date reads 1948 and no 1 January is made up.",
        ),
    ),
    _persona(
        "doi",
        (
            "Số định danh cũ của chị Đổi ghi sai năm sinh nên đã được xác lập lại.",
            "Đổi's former number had the wrong year of birth and was re-established.",
        ),
        _ISSUED,
        (
            "Tra bằng số cũ hay số mới đều ra cùng một người; giấy ghi số mới.",
            "The former number and the new one lead to the same person; the document bears the new one.",
        ),
    ),
    _persona(
        "khuat",
        (
            "Ông Khuất mất ngày 10/02/2026; giấy cấp trước đó chưa hết hạn và vẫn nằm trong điện thoại.",
            "Khuất died on 10 February 2026; a document from before has not expired and is still on his phone.",
        ),
        "person_deceased",
        (
            "Tài khoản khóa vì người giữ đã mất; không cấp giấy mới, giấy cũ không còn dùng được.",
            "The account is locked because its holder died; nothing new is issued and the old document is refused.",
        ),
        locked="death",
        preparation=Preparation.ISSUED_THEN_LOCKED,
    ),
    _persona(
        "khoa",
        (
            "Anh Khóa mất điện thoại và đã yêu cầu khóa tài khoản.",
            "Khóa lost his phone and asked to have his account locked.",
        ),
        "account_locked",
        (
            "Không đăng nhập được: câu trả lời giống hệt khi sai mật khẩu, nên không ai dò được tài khoản đang khóa.",
            "Signing in fails with the same answer as a wrong password, so that nobody learns which account is locked.",
        ),
        locked="holder_request",
        preparation=Preparation.ISSUED_THEN_LOCKED,
    ),
    _persona(
        "nho",
        (
            "Em Nhỏ 13 tuổi, ở với cô ruột là người giám hộ; tài khoản do cô đăng ký.",
            "Nhỏ is 13 and lives with his aunt, who is his guardian and opened the account.",
        ),
        _ISSUED,
        ("Giấy được cấp, ghi quan hệ với chủ hộ là Cháu.", "The document is issued; his relation to the head is Cháu."),
    ),
    _persona(
        "xa",
        (
            "Chị Hổ có tên mang đủ các dấu; thường trú ở Nghệ An, đang tạm trú và làm việc ở Thành phố Hồ Chí Minh.",
            "Hổ's name has every mark there is; she is registered in Nghệ An and works in Hồ Chí Minh City.",
        ),
        _ISSUED,
        (
            "Giấy ghi cả nơi thường trú và nơi tạm trú, ở hai tỉnh khác nhau; tên hiện đúng từng dấu.",
            "The document names both places, in two provinces, and the name keeps every mark.",
        ),
    ),
    _persona(
        "dai",
        ("Tên của bà Nguyên dài hơn 50 chữ cái.", "Nguyên's name has more than 50 letters."),
        _ISSUED,
        (
            "Giấy được cấp; tên không bị cắt, mã QR vẫn đọc được.",
            "The document is issued; the name is not cut, the code reads.",
        ),
    ),
    _persona(
        "marie",
        (
            "Chị Anne-Marie, quốc tịch Pháp, có thẻ thường trú; hộ chiếu mới nên số đã đổi.",
            "Anne-Marie is French and has a permanent residence card; her passport was renewed, so her number changed.",
        ),
        _ISSUED,
        (
            "Giấy được cấp, ghi quốc tịch Pháp; không có dân tộc và tôn giáo.",
            "The document is issued and says French; ethnicity and religion are absent.",
        ),
    ),
    _persona(
        "vang",
        (
            "Cơ sở dữ liệu dân cư biết chị Vắng, cơ sở dữ liệu cư trú thì không.",
            "The population register knows Vắng, the residence register does not.",
        ),
        "not_in_register",
        ("Không cấp được giấy, có mã lý do rõ ràng.", "Nothing is issued, and the reason has a clear code."),
    ),
    _persona(
        "mai",
        (
            "Ngày đăng ký thường trú của anh Mai bị nhập nhầm thành năm 2096.",
            "The day of Mai's registration was mistyped as 2096.",
        ),
        "claims_rejected",
        ("Bị từ chối: dữ liệu cư trú không hợp lý.", "Refused: the residence data make no sense."),
    ),
    _persona(
        "dot",
        (
            "Anh A Đớt (tên không có họ) chuyển từ Kon Tum về Pleiku ngày 15/01/2026, sau khi đã được cấp giấy.",
            "A Đớt, who has no family name, moved from Kon Tum to Pleiku on 15 January 2026, after a document.",
        ),
        "document_revoked",
        (
            "Giấy cũ bị thu hồi vì cư trú đã thay đổi; có thể xin giấy mới.",
            "The old document is revoked because the residence changed; a new one can be had.",
        ),
        preparation=Preparation.ISSUED_THEN_REVOKED,
    ),
    _persona(
        "han",
        ("Giấy của bà Hạn được cấp hơn một năm trước.", "Hạn's document was issued more than a year ago."),
        "document_expired",
        ("Quét mã thấy hết hạn.", "Scanning the code shows that it has expired."),
        preparation=Preparation.ISSUED_LONG_AGO,
    ),
    _persona(
        "moi",
        (
            "Tài khoản của anh Mới vừa được duyệt, chưa gắn với điện thoại nào.",
            "Mới's account was just approved; no phone is bound to it yet.",
        ),
        "device_not_bound",
        ("Phải gắn thiết bị trước khi đăng nhập.", "A device has to be bound before signing in."),
        has_device=False,
    ),
    _persona(
        "tich",
        (
            "Anh Tích bị kết án năm 2009, đã được xóa án tích năm 2014; nay cần Phiếu lý lịch tư pháp.",
            "Tích was convicted in 2009 and the conviction was expunged in 2014; he needs a judicial record.",
        ),
        "judicial_record_issued",
        (
            "Phiếu số 1 ghi Không có án tích; phiếu số 2 ghi đủ cả án đã xóa và ngày xóa.",
            "No. 1 says that there is no record; No. 2 shows the expunged conviction and the day of expungement.",
        ),
    ),
    _persona(
        "phat",
        (
            "Anh Phạt đang chấp hành án treo, án tích chưa được xóa.",
            "Phạt serves a suspended sentence; his conviction has not been expunged.",
        ),
        "judicial_record_issued",
        ("Phiếu số 1 ghi Có án tích.", "No. 1 shows the conviction."),
    ),
    _persona(
        "tuoi",
        (
            "Em Tuổi 15 tuổi, muốn tự xin Phiếu lý lịch tư pháp.",
            "Tuổi is 15 and wants to ask for a judicial record herself.",
        ),
        "too_young",
        ("Bị từ chối: phải đủ 16 tuổi.", "Refused: one has to be 16."),
    ),
    _persona(
        "lech",
        (
            "Bệnh viện ghi sai ngày sinh của ông Lệch, nên sổ sức khỏe không khớp với thẻ bảo hiểm y tế.",
            "A hospital mistyped Lệch's day of birth, so his health book does not match his insurance.",
        ),
        "health_book_mismatch",
        (
            "Không liên kết được sổ; lý do nêu rõ dữ liệu nào lệch, và cơ quan nào sửa.",
            "The book is not linked; the reason names what differs and who can mend it.",
        ),
    ),
    _persona(
        "giay",
        (
            "Ông Giấy có giấy phép lái xe bằng giấy cấp năm 1998, tên không dấu, chỉ ghi năm sinh.",
            "Giấy has a paper licence of 1998: his name without marks, and only the year of birth.",
        ),
        "old_paper",
        (
            "Không tích hợp được; ông được hướng dẫn đổi sang giấy phép lái xe mới.",
            "It cannot be linked; he is told to have it exchanged for a new one.",
        ),
    ),
    _persona(
        "noi",
        (
            "Chị Nôi vừa sinh con gái; bệnh viện đã gửi giấy báo sinh điện tử.",
            "Nôi has just had a daughter; the hospital has sent the electronic notice of birth.",
        ),
        "birth_linked",
        (
            "Một hồ sơ cho cả ba việc: khai sinh, đăng ký thường trú, thẻ bảo hiểm y tế.",
            "One application for all three: birth, residence, health insurance.",
        ),
    ),
    _persona(
        "xuan",
        (
            "Chị Xuân phản ánh việc đốt pháo vào ngày làm việc cuối cùng trước Tết; "
            "công an phường hẹn trả lời trong năm ngày làm việc.",
            "Xuân reported fireworks on the last working day before Tết; the ward police promised an answer within "
            "five working days.",
        ),
        "due_after_tet",
        (
            "Ngày hẹn trên giấy tiếp nhận bỏ qua các ngày nghỉ Tết; phản ánh được trả lời sau Tết mà vẫn đúng hạn.",
            "The day on her receipt leaves the holidays of Tết out; the answer came after them and still in time.",
        ),
        preparation=Preparation.ANSWERED_AFTER_TET,
    ),
    _persona(
        "admin1",
        ("Anh Quản quản trị hệ thống ở Hà Nội.", "Quản administers the system in Hà Nội."),
        "staff",
        (
            "Vào được trang quản trị; việc hệ trọng cần người thứ hai.",
            "Opens the console; grave acts need a second person.",
        ),
        staff=(StaffRole.ADMIN, "Cơ quan cấp mẫu Hà Nội", "01"),
    ),
    _persona(
        "admin2",
        (
            "Chị Trị là quản trị viên thứ hai, ở Thành phố Hồ Chí Minh.",
            "Trị is the second administrator, in Hồ Chí Minh City.",
        ),
        "staff",
        ("Duyệt việc mà người thứ nhất đề nghị.", "Approves what the first one proposes."),
        staff=(StaffRole.ADMIN, "Cơ quan cấp mẫu Thành phố Hồ Chí Minh", "79"),
    ),
    _persona(
        "officer1",
        (
            "Anh Tiếp là cán bộ tiếp nhận của Công an phường, đối chiếu người đến với thẻ và lập tờ khai TK01.",
            "Tiếp works at the desk of a ward police office: he matches people with their cards and fills form TK01.",
        ),
        "staff",
        (
            "Lập được hồ sơ định danh mức độ 2 cho công dân; tự mình không duyệt được.",
            "Records level 2 applications of citizens; he cannot approve them himself.",
        ),
        staff=(StaffRole.OFFICER, "Công an phường mẫu, Hà Nội", "01"),
    ),
    _persona(
        "officer2",
        (
            "Chị Khách là cán bộ tiếp nhận của cơ quan quản lý xuất nhập cảnh ở Thành phố Hồ Chí Minh.",
            "Khách works at the desk of the immigration office in Hồ Chí Minh City.",
        ),
        "staff",
        ("Tiếp nhận hồ sơ của người nước ngoài.", "Takes the applications of foreigners."),
        staff=(StaffRole.OFFICER, "Phòng Quản lý xuất nhập cảnh mẫu, Thành phố Hồ Chí Minh", "79"),
    ),
    _persona(
        "approver1",
        (
            "Chị Duyệt là người có thẩm quyền duyệt hồ sơ ở Hà Nội.",
            "Duyệt decides on applications in Hà Nội.",
        ),
        "staff",
        (
            "Duyệt hoặc từ chối hồ sơ do cán bộ khác lập.",
            "Approves or refuses what another officer has recorded.",
        ),
        staff=(StaffRole.APPROVER, "Công an thành phố mẫu Hà Nội", "01"),
    ),
    _persona(
        "approver2",
        (
            "Anh Thuận là người có thẩm quyền duyệt hồ sơ ở Thành phố Hồ Chí Minh.",
            "Thuận decides on applications in Hồ Chí Minh City.",
        ),
        "staff",
        (
            "Duyệt hoặc từ chối hồ sơ của tỉnh mình; hồ sơ ở tỉnh khác thì không.",
            "Approves or refuses applications of his own province, and of no other.",
        ),
        staff=(StaffRole.APPROVER, "Công an thành phố mẫu Hồ Chí Minh", "79"),
    ),
    _persona(
        "reviewer1",
        (
            "Chị Xét xem các đề nghị sửa dữ liệu dân cư, ở cơ quan giữ cơ sở dữ liệu đó.",
            "Xét works where the population register is kept, on what people say is wrong in it.",
        ),
        "staff",
        (
            "Trả lời đề nghị về dữ liệu dân cư và thẻ; của cơ quan khác thì không thấy.",
            "Answers what concerns the population and card registers; of other agencies she sees nothing.",
        ),
        staff=(StaffRole.REVIEWER, "c06", "*"),
    ),
    _persona(
        "reviewer2",
        (
            "Chị Thẩm xử lý hồ sơ cư trú, thông báo lưu trú và phản ánh ở công an xã tại Hà Nội.",
            "Thẩm works on residence, lodging notices and reports at the commune police in Hà Nội.",
        ),
        "staff",
        (
            "Nhận, yêu cầu bổ sung, quyết định hồ sơ của công an xã ở Hà Nội.",
            "Takes and decides what lies on the desk of the commune police in Hà Nội.",
        ),
        staff=(StaffRole.REVIEWER, "commune_police", "01"),
    ),
    _persona(
        "reviewer3",
        (
            "Anh Lý xử lý hồ sơ lý lịch tư pháp ở công an thành phố Hà Nội.",
            "Lý works on judicial records at the police of Hà Nội.",
        ),
        "staff",
        (
            "Nhận hồ sơ, yêu cầu xác minh, cấp hoặc từ chối phiếu lý lịch tư pháp.",
            "Takes requests, has them verified, issues or refuses the certificate.",
        ),
        staff=(StaffRole.REVIEWER, "province_police", "01"),
    ),
    _persona(
        "reviewer4",
        (
            "Chị Tra tra cứu hồ sơ nghiệp vụ cho cả nước.",
            "Tra looks records up for the whole country.",
        ),
        "staff",
        (
            "Trả kết quả của bước xác minh; không quyết định hồ sơ.",
            "Reports what a verification found; decides nothing.",
        ),
        staff=(StaffRole.REVIEWER, "records_department", "*"),
    ),
    _persona(
        "reviewer5",
        (
            "Anh Hộ đăng ký khai sinh ở Ủy ban nhân dân xã tại Hà Nội.",
            "Hộ registers births at a commune of Hà Nội.",
        ),
        "staff",
        (
            "Làm bước khai sinh của dịch vụ liên thông.",
            "Does the first step of the linked service: the birth.",
        ),
        staff=(StaffRole.REVIEWER, "commune_justice", "01"),
    ),
    _persona(
        "reviewer6",
        (
            "Chị Hiểm làm ở cơ quan bảo hiểm xã hội.",
            "Hiểm works at the social insurance.",
        ),
        "staff",
        (
            "Cấp thẻ bảo hiểm y tế cho trẻ; xác nhận tài khoản an sinh.",
            "Issues a child's insurance card; confirms benefit accounts.",
        ),
        staff=(StaffRole.REVIEWER, "social_insurance", "*"),
    ),
    _persona(
        "reviewer7",
        (
            "Chị Ngân làm ở ngân hàng nơi mở tài khoản nhận trợ cấp.",
            "Ngân works at the bank that keeps the accounts into which benefits are paid.",
        ),
        "staff",
        (
            "Báo tên chủ tài khoản; không quyết định hồ sơ.",
            "Reports in whose name an account is; decides nothing.",
        ),
        staff=(StaffRole.REVIEWER, "paying_bank", "*"),
    ),
    _persona(
        "auditor1",
        (
            "Anh Soát kiểm tra nhật ký: ai đã làm gì, khi nào, với hồ sơ nào.",
            "Soát reads the record: who did what, when, to which file.",
        ),
        "staff",
        ("Chỉ đọc, không thay đổi được gì.", "Reads only, and changes nothing."),
        staff=(StaffRole.AUDITOR, "Thanh tra mẫu Hà Nội", "01"),
    ),
)
"""All personas, the default one first."""

_BY_KEY = {each.key: each for each in PERSONAS}


def persona(key: str) -> Persona:
    """Return the persona with this key. Raises KeyError."""
    return _BY_KEY[key]


def credentials(persona: Persona, secret: bytes) -> Credentials:
    """Return what the persona signs in with: the same for the same secret, useless without it.

    secret: 32 bytes of the deployment. Raises ConfigurationError when it is shorter.
    """
    return derive(secret, persona.key, persona.number, persona.birth)

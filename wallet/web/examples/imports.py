"""Examples of spreadsheets of records."""

from typing import Any

_NAME: dict[str, Any] = {"vi": "Họ và tên", "en": "Full name"}
_PAPER: dict[str, Any] = {"vi": "Số giấy tờ", "en": "Number of the paper"}
_LOST: dict[str, Any] = {
    "vi": "Bảng tính đã đổi ô này thành số hoặc ngày. Hãy định dạng cột là “Văn bản” (Text) rồi nhập lại.",
    "en": "The spreadsheet turned this cell into a number or a day. Format the column as Text and type it again.",
}

BODIES: dict[str, Any] = {
    "import_rows": "Họ và tên;Số giấy tờ;Đến lúc\r\nLê Thị Hoà;099155000123;02/03/2026 20:30\r\n",
}
ANSWERS: dict[str, dict[str, Any]] = {
    "import_rows": {
        "200": {
            "header_row": 1,
            "columns": [{"name": "full_name", "label": _NAME}, {"name": "document_number", "label": _PAPER}],
            "ignored": ["STT"],
            "missing": [],
            "notices": [],
            "rows": [
                {"number": 2, "ok": True, "faults": []},
                {
                    "number": 3,
                    "ok": False,
                    "faults": [{"column": "document_number", "code": "cell_not_text", "text": _LOST}],
                },
            ],
            "good": 1,
            "bad": 1,
            "applied": 0,
            "checked": "whole",
            "others": [],
            "answers": [{"full_name": "Lê Thị Hoà", "document_number": "099155000123"}],
        }
    },
}
REFUSALS: dict[str, tuple[str, ...]] = {
    "import_rows": ("spreadsheet_refused", "not_found", "not_editable", "version_changed"),
    "read_template": ("unknown_utility", "not_found"),
}
STATUSES: dict[str, int] = {"spreadsheet_refused": 422}

"""The 54 ethnic groups, roughly where they live, and what they believe. Shares are rounded, not a census."""

from functools import cache

from wallet.demo.draw import Draw, Shares

GROUPS = (
    "Kinh", "Tày", "Thái", "Mường", "Khmer", "Hoa", "Nùng", "Mông", "Dao", "Gia Rai", "Ngái", "Ê Đê", "Ba Na",
    "Xơ Đăng", "Sán Chay", "Cơ Ho", "Chăm", "Sán Dìu", "Hrê", "M'nông", "Raglay", "Xtiêng", "Bru - Vân Kiều", "Thổ",
    "Giáy", "Cơ Tu", "Gié Triêng", "Mạ", "Khơ Mú", "Co", "Tà Ôi", "Chơ Ro", "Kháng", "Xinh Mun", "Hà Nhì", "Chu Ru",
    "Lào", "La Chí", "La Ha", "Phù Lá", "La Hủ", "Lự", "Lô Lô", "Chứt", "Mảng", "Pà Thẻn", "Cơ Lao", "Cống", "Bố Y",
    "Si La", "Pu Péo", "Brâu", "Ơ Đu", "Rơ Măm",
)  # fmt: skip

SHARES_BY_PROVINCE: dict[str, dict[str, float]] = {
    "01": {"Mường": 0.8, "Tày": 0.3},
    "04": {"Tày": 41, "Nùng": 30, "Mông": 11, "Dao": 10},
    "08": {"Tày": 25, "Mông": 20, "Dao": 14, "Nùng": 5, "Sán Chay": 4},
    "11": {"Mông": 38, "Thái": 36, "Khơ Mú": 3, "Dao": 1},
    "12": {"Thái": 32, "Mông": 24, "Dao": 13, "Hà Nhì": 4, "La Hủ": 3},
    "14": {"Thái": 54, "Mông": 16, "Mường": 7, "Dao": 2},
    "15": {"Mông": 19, "Tày": 17, "Dao": 12, "Thái": 4, "Giáy": 3},
    "19": {"Tày": 20, "Nùng": 6, "Dao": 4, "Sán Dìu": 3},
    "20": {"Nùng": 42, "Tày": 36, "Dao": 4},
    "22": {"Dao": 5, "Tày": 3, "Sán Dìu": 2},
    "24": {"Nùng": 3, "Tày": 2, "Sán Dìu": 1},
    "25": {"Mường": 22, "Dao": 1, "Thái": 1},
    "38": {"Mường": 10, "Thái": 7, "Mông": 0.5},
    "40": {"Thái": 10, "Thổ": 2, "Khơ Mú": 1, "Mông": 1},
    "44": {"Bru - Vân Kiều": 6, "Tà Ôi": 1},
    "46": {"Tà Ôi": 3, "Cơ Tu": 1},
    "48": {"Cơ Tu": 3, "Xơ Đăng": 2, "Gié Triêng": 1},
    "51": {"Hrê": 9, "Xơ Đăng": 9, "Ba Na": 4, "Gié Triêng": 2, "Gia Rai": 2, "Co": 2},
    "52": {"Gia Rai": 14, "Ba Na": 7},
    "56": {"Raglay": 6, "Chăm": 4},
    "66": {"Ê Đê": 14, "Nùng": 3, "Tày": 2, "M'nông": 2, "Mông": 1},
    "68": {"Cơ Ho": 6, "M'nông": 2, "Mạ": 2, "Chăm": 1, "Nùng": 1, "Chu Ru": 1},
    "75": {"Xtiêng": 3, "Hoa": 2, "Nùng": 1, "Chơ Ro": 1, "Khmer": 1},
    "79": {"Hoa": 4, "Khmer": 1, "Chăm": 0.2},
    "80": {"Khmer": 0.6, "Chăm": 0.2},
    "86": {"Khmer": 11, "Hoa": 0.5},
    "91": {"Khmer": 9, "Hoa": 1, "Chăm": 0.4},
    "92": {"Khmer": 12, "Hoa": 2},
    "96": {"Khmer": 5, "Hoa": 1},
}
"""Percent of the people of a province; the rest are Kinh, and every group may live anywhere."""

ANY_GROUP_PERCENT = 0.6

_RELIGIONS = {
    "Kinh": Shares(
        {"Không": 85.0, "Phật giáo": 6, "Công giáo": 7, "Tin Lành": 0.6, "Cao Đài": 0.7, "Phật giáo Hòa Hảo": 0.7}
    ),
    "Khmer": Shares({"Phật giáo": 88.0, "Không": 12}),
    "Chăm": Shares({"Bà La Môn": 55.0, "Hồi giáo": 40, "Không": 5}),
    "Hoa": Shares({"Không": 70.0, "Phật giáo": 28, "Công giáo": 2}),
}
_KINH_BY_PROVINCE = {
    "80": Shares({"Không": 62.0, "Cao Đài": 22, "Phật giáo": 11, "Công giáo": 5}),
    "91": Shares({"Không": 58.0, "Phật giáo Hòa Hảo": 22, "Phật giáo": 14, "Công giáo": 4, "Cao Đài": 2}),
}
_HIGHLANDERS = Shares({"Không": 62.0, "Tin Lành": 25, "Công giáo": 13})
_HIGHLAND_GROUPS = {"Ê Đê", "Gia Rai", "Cơ Ho", "Mạ", "M'nông", "Ba Na", "Xơ Đăng", "Xtiêng", "Mông", "Chu Ru"}
_OTHERS = Shares({"Không": 96.0, "Phật giáo": 2, "Công giáo": 1, "Tin Lành": 1})


@cache
def _groups_in(province_code: str) -> Shares[str]:
    there = SHARES_BY_PROVINCE.get(province_code, {})
    shares = {group: ANY_GROUP_PERCENT / len(GROUPS) for group in GROUPS}
    for group, percent in there.items():
        shares[group] += percent
    shares["Kinh"] += 100 - ANY_GROUP_PERCENT - sum(there.values())
    return Shares(shares)


def draw_group(draw: Draw, province_code: str) -> str:
    """Return an ethnic group, by the people of the province."""
    return draw.of(_groups_in(province_code))


def draw_religion(draw: Draw, group: str, province_code: str) -> str:
    """Return a religion, `Không` for none."""
    if group == "Kinh":
        return draw.of(_KINH_BY_PROVINCE.get(province_code, _RELIGIONS["Kinh"]))
    return draw.of(_RELIGIONS.get(group) or (_HIGHLANDERS if group in _HIGHLAND_GROUPS else _OTHERS))

"""The provinces and communes in force, by the codes of Decision 19/2025/QĐ-TTg, as a kept list has them.

The list changes by resolution (docs/domain.md, section 3.1), so it is data: of the package `vietnam_provinces`, and the
next change is an update and not an edit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune, ward or special zone. `code`: 5 digits. `name` and `province`: with the word for their kind."""

    code: str
    name: str
    province_code: str
    province: str

    @property
    def is_urban(self) -> bool:
        return self.name.startswith("Phường")


@cache
def provinces() -> Mapping[str, str]:
    """Return the 2-digit code of each province to its name, such as `Tỉnh Khánh Hòa`."""
    # Imported here: building its tables takes a tenth of a second, and not every process needs them.
    from vietnam_provinces import Province, VietNamDivisionType

    found = {}
    for province in Province.iter_all():
        bare = province.division_type is VietNamDivisionType.TINH
        found[f"{province.code.value:02d}"] = f"Tỉnh {province.name}" if bare else province.name
    return found


@cache
def communes() -> Mapping[str, Commune]:
    """Return the 5-digit code of each commune to the commune."""
    from vietnam_provinces import Ward

    found = {}
    for ward in Ward.iter_all():
        code, of = f"{ward.code.value:05d}", f"{ward.province_code.value:02d}"
        found[code] = Commune(code, " ".join(ward.name.split()), of, provinces()[of])
    return found

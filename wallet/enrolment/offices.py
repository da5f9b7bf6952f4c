"""Which offices enrol whom, as data: foreigners only the immigration offices, citizens any police office.

Source: docs/domain.md, section 2.3.
"""

IMMIGRATION_OFFICES = ("Phòng Quản lý xuất nhập cảnh", "Cục Quản lý xuất nhập cảnh")
"""How the names of the provincial and of the national immigration offices begin."""


def enrols_foreigners(agency: str) -> bool:
    """Return whether an agency is an immigration office."""
    return agency.startswith(IMMIGRATION_OFFICES)

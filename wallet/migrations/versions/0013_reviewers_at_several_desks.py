"""Reviewers at several desks"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

IN_ONE_PLACE = sa.text("role <> 'reviewer'")


def upgrade() -> None:
    with op.batch_alter_table("staff_grants", schema=None) as batch_op:
        batch_op.drop_constraint("pk_staff_grants", type_="primary")
        batch_op.create_primary_key("pk_staff_grants", ["account_id", "role", "agency", "province"])
        batch_op.create_index(
            "uq_staff_grants_one_place",
            ["account_id", "role"],
            unique=True,
            sqlite_where=IN_ONE_PLACE,
            postgresql_where=IN_ONE_PLACE,
        )


def downgrade() -> None:
    """Leave each reviewer the first of their desks: there was no place for more."""
    columns = ("account_id", "role", "agency", "province")
    grants, first = (sa.table("staff_grants", *map(sa.column, columns)).alias(name) for name in ("grants", "first"))
    earlier = sa.exists().where(
        first.c.account_id == grants.c.account_id,
        first.c.role == grants.c.role,
        sa.or_(
            first.c.agency < grants.c.agency,
            sa.and_(first.c.agency == grants.c.agency, first.c.province < grants.c.province),
        ),
    )
    found = op.get_bind().execute(sa.select(grants).where(earlier)).all()
    table = sa.table("staff_grants", *map(sa.column, columns))
    for row in found:
        op.execute(table.delete().where(*(table.c[name] == getattr(row, name) for name in columns)))
    with op.batch_alter_table("staff_grants", schema=None) as batch_op:
        batch_op.drop_index("uq_staff_grants_one_place", sqlite_where=IN_ONE_PLACE, postgresql_where=IN_ONE_PLACE)
        batch_op.drop_constraint("pk_staff_grants", type_="primary")
        batch_op.create_primary_key("pk_staff_grants", ["account_id", "role"])

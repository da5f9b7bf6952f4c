"""Nothing about a person is forgotten by an export: every table and every column is told, or withheld with a reason."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Table

from tests.phone import CitizenPhone
from wallet.db import Base
from wallet.held import HeldTable, Person, rows_of, told
from wallet.profile.export import NOT_TOLD
from wallet.texts.catalogue import catalogue
from wallet.wiring import Wallet

OWNERS = {"account_id", "holder_id", "principal"}


def held(wallet: Wallet) -> list[HeldTable]:
    with wallet.read() as work:
        return [table for room in work.rooms for table in room.tables]


def personal() -> Iterator[Table]:
    """Yield every table with a column that names a person, or that points at such a table."""
    found: dict[str, Table] = {}
    tables = Base.metadata.sorted_tables  # what is pointed at comes first
    for table in tables:
        names = {column.name for column in table.columns}
        points = {key.column.table.name for key in table.foreign_keys}
        if names & OWNERS or any(name.endswith("_account_id") for name in names) or points & found.keys():
            found[table.name] = table
    yield from found.values()


def test_the_walk_finds_what_there_is() -> None:
    names = {table.name for table in personal()}
    assert {"accounts", "devices", "refresh_tokens", "documents", "correction_evidence", "applications"} <= names
    assert {"one_time_codes", "idempotency_keys", "organisations", "guardianships", "contacts"} <= names
    assert not {"status_lists", "status_changes", "utility_states"} & names


def test_every_table_about_a_person_is_in_a_section_or_withheld_with_a_reason(wallet: Wallet) -> None:
    known = {each.table.name for each in held(wallet)} | NOT_TOLD.keys()
    assert sorted({table.name for table in personal()} - known) == []


def test_no_reason_is_given_for_a_table_that_is_gone_or_told(wallet: Wallet) -> None:
    assert NOT_TOLD.keys() <= Base.metadata.tables.keys()
    assert not NOT_TOLD.keys() & {each.table.name for each in held(wallet)}
    assert all(len(reason.split()) > 4 for reason in NOT_TOLD.values())


def test_every_column_is_told_or_withheld_and_never_both(wallet: Wallet) -> None:
    for each in held(wallet):
        columns = [column.name for column in each.table.columns]
        assert set(each.told) | set(each.withheld) == set(columns), each.table.name
        assert len(set(each.told)) == len(each.told)


def test_no_key_no_hash_and_no_sealed_byte_is_told(wallet: Wallet) -> None:
    for each in held(wallet):
        for name in each.told:
            column = each.table.columns[name]
            assert column.type.python_type is not bytes, (each.table.name, name)
            assert not any(part in name for part in ("_key", "_hash", "sealed", "digest", "_index", "credential")), name


def test_no_member_of_staff_and_no_other_person_is_told(wallet: Wallet) -> None:
    acting = ("by", "received_by", "forwarded_by", "decided_by", "recorded_by", "created_by", "requested_by")
    for each in held(wallet):
        assert not set(each.told) & set(acting), each.table.name
        assert not any(name.endswith("_account_id") for name in each.told), each.table.name


def test_bytes_are_refused_even_where_a_room_would_tell_them() -> None:
    with pytest.raises(TypeError):
        told({"content": b"secret"}, ["content"])


def test_what_closing_leaves_of_a_row_is_a_column_of_it(wallet: Wallet) -> None:
    for each in held(wallet):
        assert set(each.blanked) <= {column.name for column in each.table.columns}
        assert not (each.deleted and each.blanked)


def test_children_are_forgotten_before_what_they_point_at(wallet: Wallet) -> None:
    with wallet.read() as work:
        for room in work.rooms:
            deleted = [each.table.name for each in room.tables if each.deleted]
            for position, each in enumerate(room.tables):
                targets = {key.column.table.name for key in each.table.foreign_keys} & set(deleted)
                assert not targets & set(deleted[: deleted.index(each.table.name)] if each.deleted else ()), position


def test_every_section_has_a_title_and_an_explanation_and_there_is_no_other(
    wallet: Wallet, phone_of: Callable[..., CitizenPhone]
) -> None:
    account = phone_of("an").get("/v1/me").json["account_id"]
    with wallet.work() as work:
        holder_id = work.accounts.find(account).holder_id
        codes = [each.code for room in work.rooms for each in room.export(Person(account, holder_id))]
    codes += ["account_history", "history"]
    assert len(codes) == len(set(codes))
    for language in ("vi", "en"):
        assert catalogue(language)["held"].keys() == set(codes)
        assert all(entry.keys() == {"title", "explanation"} for entry in catalogue(language)["held"].values())


def test_rows_of_another_person_are_never_among_ones_own(wallet: Wallet, phone_of: Callable[..., CitizenPhone]) -> None:
    phones = {key: phone_of(key) for key in ("an", "sau")}
    for phone in phones.values():
        phone.issue_residence()
    people = {}
    with wallet.read() as work:
        for key, phone in phones.items():
            account = phone.get("/v1/me").json["account_id"]
            people[key] = Person(account, work.accounts.find(account).holder_id)
        for each in held(wallet):
            key_columns = [column.name for column in each.table.primary_key]
            more = [name for name in key_columns if name not in each.told]
            mine, theirs = (
                {tuple(row[name] for name in key_columns) for row in rows_of(work.session, each, person, *more)}
                for person in people.values()
            )
            assert not mine & theirs, each.table.name

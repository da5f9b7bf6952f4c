"""Names on tickets: the same letters are the same name, however they are written; nothing else is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.checks.online.names import MAX_WORDS, same_birth_date, same_ticket_name

AN = "Nguyễn Văn An"
WORDS = ("Nguyễn", "Đỗ", "Thị", "Hoà", "Ánh", "Ê", "H'Linh", "Rơ", "Châm", "ƀoih", "Y", "An", "Ngọc", "Êban")
names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6)


@pytest.mark.parametrize(
    "ticket",
    [
        "NGUYEN VAN AN",
        "AN NGUYENVAN",
        "NGUYENVANAN",
        "VAN AN NGUYEN",
        "NGUYEN/VAN AN MR",
        "MR NGUYEN VAN AN",
        "AN NGUYENVAN MSTR",
        "nguyễn  văn  an",
        unicodedata.normalize("NFD", AN),
        "NGUYỄN VĂN AN MRS",
        *(f"AN NGUYENVAN {title}" for title in ("MISS", "CHD", "INF", "DR", "MS")),
        *(f"NGUYEN/VAN AN{title}" for title in ("MR", "MRS", "MS", "MISS", "MSTR", "CHD", "INF", "DR")),
        "AN NGUYENVANMR",
        "Nguyen-Van.An",
    ],
)
def test_what_airlines_write_is_the_name(ticket: str) -> None:
    assert same_ticket_name(ticket, AN)


@pytest.mark.parametrize(
    "ticket",
    [
        "NGUYEN VAN ANH",
        "NGUYEN VAN",
        "NGUYEN AN",
        "NGUYEN VAN AN AN",
        "NGUYEN VAN NA",
        "NGUYEN VAM AN",
        "NGUYE VAN AN",
        "MR",
        "",
        " ",
        "123",
        "NGUYENMR VAN AN",
        "MRNGUYEN VAN AN",
        "NGUYEN VAN ANMRMR",
        "NGUYEN VAN AN MR CHD INF",
        "NGUYEN ANMR",
        "NGUYEN VAN ANHMR",
    ],
)
def test_other_letters_are_another_name(ticket: str) -> None:
    assert not same_ticket_name(ticket, AN)


@pytest.mark.parametrize(
    ("ticket", "name"),
    [
        ("DO THI HOA", "Đỗ Thị Hoà"),
        ("ĐO THI HOA", "Đỗ Thị Hòa"),
        ("ÐO THI HOA", "Đỗ Thị Hòa"),
        ("HLINH BYA", "H'Linh Byă"),
        ("HLINH BYA", "H’Linh Byă"),
        ("H LINH BYA", "H'Linh Byă"),
        ("Y THUAN EBAN", "Y Thuan Êban"),
        ("PO", "Pó"),
        ("MS", "Ms"),
        ("MR MS", "Ms"),
        ("THACH SOPHIA", "Thạch Sô Phia"),
    ],
)
def test_marks_strokes_and_apostrophes_are_not_on_tickets(ticket: str, name: str) -> None:
    assert same_ticket_name(ticket, name)


def test_a_title_alone_is_nobody_and_none_is_taken_out_of_the_middle() -> None:
    assert not same_ticket_name("MR", "An")
    assert not same_ticket_name("NGUYEN MR AN", "Nguyễn An")
    assert not same_ticket_name("MR NGUYEN AN MRS MS", "Nguyễn An")


@pytest.mark.parametrize(
    ("ticket", "name"),
    [
        ("JOHN ADAMS", "John Ada"),
        ("MARIA ADAMS", "Maria Ada"),
        ("PETROV ALEXANDR", "Petrov Alexan"),
        ("HASSAN/BADR", "Hassan Ba"),
        ("HAMS", "Hà"),
    ],
)
def test_a_name_that_ends_like_a_title_is_not_read_as_one(ticket: str, name: str) -> None:
    assert not same_ticket_name(ticket, name)
    assert same_ticket_name(ticket, ticket)


@given(names, st.randoms(), st.booleans(), st.booleans())
def test_any_order_case_form_and_joining_is_the_same_name(
    words: list[str], chance: object, lower: bool, nfd: bool
) -> None:
    shuffled = list(words)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    written = shuffled[0]
    for word in shuffled[1:]:
        written += ("" if chance.random() < 0.4 else " ") + word  # type: ignore[attr-defined]
    written = written.lower() if lower else written.upper()
    written = unicodedata.normalize("NFD" if nfd else "NFC", written)
    assert same_ticket_name(written, " ".join(words))
    assert same_ticket_name(" ".join(words), written)


@given(names, st.sampled_from("abcdegh"))
def test_one_more_letter_is_another_name(words: list[str], letter: str) -> None:
    name = " ".join(words)
    assert not same_ticket_name(name + letter, name)
    assert not same_ticket_name(name, name + letter)


@given(st.text(max_size=120), st.text(max_size=120))
def test_whatever_is_written_there_is_an_answer_and_it_is_symmetric_without_titles(one: str, other: str) -> None:
    assert same_ticket_name(one, other) in (True, False)


def test_a_ticket_made_to_cost_much_costs_little() -> None:
    """Many words that begin alike: the search is bounded by MAX_WORDS, and beyond that words are not rearranged."""
    words = [letter * length for letter in "ab" for length in range(1, MAX_WORDS)]
    ticket, name = " ".join(words), " ".join(reversed(["".join(words[:2]), *words[2:]]))
    assert not same_ticket_name(ticket, name)
    few = ["a" * n + "b" for n in range(1, MAX_WORDS)]
    assert not same_ticket_name(" ".join([*few, "ba"]), " ".join([*few, "ab"])[::-1] + "c")


def test_birth_dates() -> None:
    assert same_birth_date("1990-05-20", "1990-05-20")
    assert same_birth_date("1948", "1948")
    assert same_birth_date("1948-01-01", "1948"), "the register knows the year alone"
    assert not same_birth_date("1990-05-21", "1990-05-20")
    assert not same_birth_date("1990", "1990-05-20"), "a year alone says too little of a known day"
    assert not same_birth_date("1949-01-01", "1948")
    assert not same_birth_date("", "1948")

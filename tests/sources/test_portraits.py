"""Portraits that are drawn: each person's own, the same whenever it is asked for, and telling no number."""

import base64
import xml.etree.ElementTree as ET
from hashlib import sha256

import pytest

from tests.support import GROUND
from wallet.db import Database
from wallet.demo.personas import persona
from wallet.errors import NotFound
from wallet.sources.portraits import EmbeddedPortraits, draw

SECRET = bytes(range(32))


def test_the_hash_in_the_register_is_that_of_the_bytes(nation: Database) -> None:
    portraits, number = EmbeddedPortraits(nation, SECRET), persona("an").number
    portrait = portraits.of(number)
    stated = portraits.read(number, GROUND).values["portrait_hash"]
    assert stated == portrait.sha256
    assert base64.urlsafe_b64decode(f"{stated}=") == sha256(portrait.content).digest()
    assert portraits.of(number) == portrait


def test_a_drawing_is_small_safe_and_marked_as_a_sample() -> None:
    drawn = draw(sha256(b"somebody").digest())
    assert len(drawn) < 1_200
    root = ET.fromstring(drawn)
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds == {"svg", "rect", "g", "circle", "path", "ellipse", "text"}
    assert [element.text for element in root.iter() if element.tag.endswith("text")] == ["MẪU"]
    assert b"href" not in drawn


def test_two_people_and_two_deployments_have_other_drawings(nation: Database) -> None:
    an, hoa = persona("an").number, persona("binh").number
    one, other = EmbeddedPortraits(nation, SECRET), EmbeddedPortraits(nation, bytes(32))
    assert len({one.of(an).content, one.of(hoa).content, other.of(an).content}) == 3
    assert an.encode() not in one.of(an).content


@pytest.mark.parametrize("number", ["099999999999", "", "09909000000", "099090000001\n", "abcdefghijkl"])
def test_nobody_has_no_portrait(nation: Database, number: str) -> None:
    portraits = EmbeddedPortraits(nation, SECRET)
    for ask in (portraits.of, lambda each: portraits.read(each, GROUND)):
        with pytest.raises(NotFound, match="person_unknown"):
            ask(number)

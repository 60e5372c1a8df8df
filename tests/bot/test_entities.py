"""Values in messages."""

import pytest

from bot.entities import EntityFinder
from bot.values.found import first_values
from intents.model import Catalogue

FINDER = EntityFinder(
    Catalogue(
        version="v",
        intents=(),
        regexes={
            "order_number": (r"QC\d{8}", r"(?<!\d)88\d{8}(?!\d)"),
            "ticket_number": (r"\d+",),
        },
        lookups={"product": ("印章 Key", "e-seal key", "broadband")},
        synonyms={"Broadband": "broadband line"},
    )
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("工单 T-10023 到哪了", {"ticket_number": "10023"}),
        ("工单Ｔ－１００２３", {"ticket_number": "10023"}),
        ("#10023?", {"ticket_number": "10023"}),
        ("t10023", {"ticket_number": "10023"}),
        ("10023", {"ticket_number": "10023"}),
        ("ticket 1002", {}),
        ("密码是6位", {}),
        ("我的电话 13800138000", {"phone": "13800138000"}),
        ("+86 138 0013 8000", {"phone": "+86 138 0013 8000"}),
        ("打 400-555-0199 没人接", {"phone": "400-555-0199"}),
        ("010-62345678", {"phone": "010-62345678"}),
        ("T-13800138000", {"ticket_number": "13800138000"}),
        ("mail me at li.wei+x@mail.example.com.", {"email": "li.wei+x@mail.example.com"}),
        ("user12345@example.com", {"email": "user12345@example.com"}),
        ("订单 QC20481357 没到", {"order_number": "QC20481357"}),
        ("8812345678", {"order_number": "8812345678"}),
        (
            "T-10023, 13800138000, QC20481357",
            {"ticket_number": "10023", "phone": "13800138000", "order_number": "QC20481357"},
        ),
        ("版本 12345.6", {}),
        ("我的 印章 key 坏了", {"product": "印章 key"}),
        ("broadbandit BROADBAND", {"product": "broadband line"}),
        ("", {}),
    ],
)
def test_find(text: str, found: dict[str, str]) -> None:
    assert first_values(FINDER.find(text)) == found

import gc
import importlib
import pkgutil

import pytest
from sqlalchemy import bindparam, column, select, table

import gateway.store
from gateway.store.session import Statement


def statements() -> list[Statement]:
    for module in pkgutil.iter_modules(gateway.store.__path__, "gateway.store."):
        importlib.import_module(module.name)
    return [item for item in gc.get_objects() if isinstance(item, Statement)]


def test_every_statement_takes_its_values_in_the_order_it_says() -> None:
    found = statements()
    assert len(found) > 80
    for statement in found:
        if "search_words" not in str(statement._expression):  # has a form for each database
            assert statement.sqlite
            assert statement.postgresql


def test_a_wrong_order_is_found_at_the_first_use() -> None:
    rows = table("rows", column("a"), column("b"))
    query = select(rows.c.a).where(rows.c.a == bindparam("a"), rows.c.b == bindparam("b"))
    assert "?" in Statement(query, "a", "b").sqlite
    with pytest.raises(ValueError, match=r"declared \('b', 'a'\)"):
        _ = Statement(query, "b", "a").postgresql

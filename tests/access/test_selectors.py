from __future__ import annotations

import pytest

from gateway.access.selectors import parse_selector
from gateway.domain.errors import InvalidInput

ORDERS = {"env": "prod", "team": "payments", "name": "orders-db", "kind": "postgres"}


@pytest.mark.parametrize(
    "text",
    ["*", " * ", "env=prod", "env=prod  team=payments", "team=orders|payments", "env=*", "name=orders-db"],
)
def test_fits(text: str) -> None:
    assert parse_selector(text).fits(ORDERS)


@pytest.mark.parametrize(
    "text", ["env=test", "env=prod team=orders", "region=*", "env=pro", "kind=ssh|docker"]
)
def test_does_not_fit(text: str) -> None:
    assert not parse_selector(text).fits(ORDERS)


@pytest.mark.parametrize(
    "text", ["", "  ", "* env=prod", "env", "env=", "=prod", "env=a||b", "env=a|*", "ENV=prod", "env=pr*d"]
)
def test_is_none(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_selector(text)

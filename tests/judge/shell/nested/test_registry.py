"""The catalogue and the judges in code know each other."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.judge.shell.builtins import BUILTINS
from gateway.judge.shell.nested.registry import JUDGES

FOLDER = Path("policies/catalogue/shell")


def test_every_judge_is_asked_for_by_the_catalogue_and_every_one_asked_for_is_there() -> None:
    asked = set()
    for path in FOLDER.glob("*.toml"):
        asked |= set(re.findall(r'^judge = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(JUDGES) <= asked
    assert asked <= {*JUDGES, *BUILTINS}

"""docs/configuration.md lists every key of gateway.toml with its default, exit-statuses.md every status."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli.statuses import MEANING
from gateway.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| `([a-z-]+)` \| (.+?) \| .+ \|$", re.MULTILINE)


def written(page: str) -> dict[str, dict[str, str]]:
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return {
        name.strip("`[]"): dict(ROW.findall(text))
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def shown(value: Any) -> str:
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{msgspec.json.encode(value).decode().replace(',', ', ')}`"


def test_every_key_stands_there_with_its_default() -> None:
    sections = written((DOCS / "configuration.md").read_text())
    del sections["Environment"]
    settings = Settings()
    expected: dict[str, dict[str, str]] = {"Top level": {}}
    for field in msgspec.structs.fields(Settings):
        value = getattr(settings, field.name)
        if isinstance(value, msgspec.Struct):
            expected[field.encode_name] = {
                inner.encode_name: shown(getattr(value, inner.name))
                for inner in msgspec.structs.fields(value)
            }
        else:
            expected["Top level"][field.encode_name] = shown(value)
    expected["Top level"]["replica"] = "the host's name"
    assert sections == expected


def test_every_exit_status_stands_there() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|$", (DOCS / "exit-statuses.md").read_text(), re.MULTILINE)
    assert rows == [(str(int(status)), meaning) for status, meaning in MEANING.items()]

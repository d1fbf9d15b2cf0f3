"""An exported recording as one page that needs nothing else, and that carries its proof.

Nothing in it runs: the page forbids scripts to itself, and what the proof needs stands in data blocks. The
visible part is a pure function of the proven lines.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.domain.display import counted, display
from gateway.recordings import exported
from gateway.recordings.exported import Head, Tail

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA = '<script type="application/jsonl">'
_DATA_END = "</script>\n"
_DATA_BLOCK = re.compile(re.escape(_DATA) + r"([^<]*)</script>")

_TOP = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }}
body {{ max-width: 72rem; margin: 2rem auto; padding: 0 1rem }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem }}
dt, time {{ opacity: .7 }}
dd {{ margin: 0 }}
ol {{ list-style: none; padding: 0 }}
li {{ border-top: 1px solid #8884; padding: .5rem 0 }}
pre {{ margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere }}
pre {{ font: 13px/1.4 ui-monospace, monospace }}
.allow {{ color: #1a7f37 }} .change {{ color: #9a6700 }} .refuse {{ color: #cf222e }}
</style>
<h1>{title}</h1>
<dl>
{facts}</dl>
<p>Check this file with <code>glassgate verify FILE --checkpoint CHECKPOINT</code>.</p>
<ol>
"""


class Page:
    """Turns the lines of an exported recording into a page, one piece a line."""

    def feed(self, line: bytes) -> bytes:
        """Return the piece of the page that a line becomes.

        Args:
            line: of the JSON lines, with its newline.

        Raises:
            ProofBroken: it is malformed.
        """
        if exported.is_frame(line):
            return _frame(msgspec.json.decode(line)).encode()
        found = exported.decode(line)
        data = _DATA + exported.in_page(line).decode().rstrip("\n") + _DATA_END
        if isinstance(found, Head):
            return (_top(found) + data).encode()
        if isinstance(found, Tail):
            return ("</ol>\n" + data).encode()
        return data.encode()

    def end(self) -> bytes:
        """Return the end of the page."""
        return b"</html>\n"


def machine_lines(text: str) -> Iterator[bytes]:
    """Yield the lines that stand in a page's data blocks: all but the readable frames."""
    for match in _DATA_BLOCK.finditer(text):
        yield match.group(1).encode() + b"\n"


def _top(head: Head) -> str:
    facts = {
        "Who": head.identity,
        "Endpoint": f"{head.endpoint} ({head.protocol})",
        "Why": head.reason,
        "Grant": str(head.grant),
        "From": head.client,
        "Began": f"{head.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "Exported": f"{head.exported_at:%Y-%m-%d %H:%M:%S} UTC by {head.exported_by}",
    }
    if not head.closed:
        facts["Note"] = "the recording had not ended when it was exported"
    shown = "".join(f"<dt>{name}</dt><dd>{_safe(text)}</dd>\n" for name, text in facts.items())
    return _TOP.format(title=f"Session {head.session}", facts=shown)


def _frame(told: dict[str, Any]) -> str:
    kind = told["kind"]
    time = _safe(str(told["time"])[:23].replace("T", " "))
    if kind == "unit":
        place = f'<b>{told["number"]}</b> <span class="{told["verdict"]}">{told["verdict"]}</span>'
        body = f"{place} {_safe(told['rule'])}: {_safe(told['reason'])}{_pre(_unit_text(told))}"
        if told["values"]:
            body += _pre(", ".join(_text(value) for value in told["values"]))
    elif kind == "answer":
        error = f" {told['error_code']} {told['error_message']}".rstrip()
        rows = "" if told["rows"] is None else f", {counted(told['rows'], 'row')}"
        body = _safe(f"{told['number']} → {told['tag']}{rows}, {told['nanoseconds'] / 1e6:.3f} ms{error}")
    elif kind == "output":
        body = f"{told['number']} output{_pre(_text(told['data']))}"
    elif kind == "event":
        body = _safe(f"{told['event']}: {told['text']}")
    elif kind == "ended":
        by = f" by {told['by']}" if told["by"] else ""
        body = _safe(f"ended ({told['cause']}){by}: {told['message']}")
    else:
        body = _safe(kind) + _pre(msgspec.json.encode(told).decode())
    return f"<li><time>{time}</time> {body}\n"


def _unit_text(told: dict[str, Any]) -> str:
    if told["text"] is None:
        return f"(as unit {told['repeats']})"
    return _text(told["text"])


def _text(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, dict):
        return f"base64:{value['base64']}"
    return str(value)


def _pre(text: str) -> str:
    return f"<pre>{html.escape(display(text, multiline=True))}</pre>"


def _safe(text: str) -> str:
    return html.escape(display(text))

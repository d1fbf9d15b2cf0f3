"""Secrets in captured statements, found and replaced by placeholders before anything is stored or pushed.

A placeholder (``:'secret_s7u3_1'``: the first of session 7, unit 3) is psql's syntax for a variable: it takes
its value at deployment, and where nobody gives one the statement fails instead of setting a wrong password.
The sealed recording keeps the value.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from gateway.changes.pieces import Apart, Piece, Pieces
from gateway.judge.postgres.tokens import TokenKind

# Published shapes of credentials, each with the prefix or frame that its issuer gave it for scanners. Every
# repetition is bounded: a hostile text of a megabyte must not take a square of its length.
_SHAPES = re.compile(
    r"""
    \b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b                            # AWS key ids
  | \bgh[pousr]_[A-Za-z0-9]{30,255}\b | \bgithub_pat_\w{40,255}\b           # GitHub
  | \bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-[\w-]{20,255}                         # GitLab
  | \bxox[abeoprs]-[\w-]{10,255}                                            # Slack
  | \bhttps://hooks\.slack\.com/services/[\w/]{20,100}
  | \b[rs]k_(?:live|test)_\w{16,255}\b | \bwhsec_\w{20,255}\b               # Stripe
  | \bAIza[\w-]{35}\b | \bya29\.[\w-]{20,255}                               # Google
  | \bnpm_\w{36}\b | \bpypi-[\w-]{50,255} | \bdckr_pat_[\w-]{20,255}
  | \bSG\.[\w-]{16,64}\.[\w-]{16,64}                                        # SendGrid
  | \bsk-(?:ant-|proj-)?[\w-]{24,255}                                       # model vendors
  | \bgg[dkmj]_[\w-]{16,255}                                                # this gateway's own tokens
  | \beyJ[\w-]{8,400}\.eyJ[\w-]{8,400}                                      # JSON web tokens
  | -----BEGIN[ A-Z0-9]{0,30}PRIVATE[ ]KEY-----                           # and what it begins
    (?:(?:\s{0,20}[A-Z][A-Za-z-]{1,20}:[^\n]{0,100}\n){0,5}[A-Za-z0-9+/=\s\\]{0,20000}(?=-----END))?
  | \bAGE-SECRET-KEY-1[A-Z0-9]{50,80}
  | \$2[aby]\$\d\d\$[./A-Za-z0-9]{53} | \$argon2(?:id|i|d)\$\S{20,255}      # password hashes
  | \bSCRAM-SHA-256\$\d{1,9}:\S{20,255} | \bmd5[0-9a-f]{32}\b
  | \b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,100}:[^\s/@]{1,200}@              # credentials in a URL
  | (?i:(?<![a-z0-9])(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token)"?
    \s{0,9}[=:]\s{0,9}"?(?!\$[{(]|\[secret\])[^\s;,"]{4,255})
    """,
    re.VERBOSE,
)
_NAMED = re.compile(
    r"(?i)(?:^|[_\W])(?:(?:password|passwd|pwd|passphrase|pass|pin_?code)(?:_?(?:hash|digest|salt|enc|encrypted))?|"
    r"secret(?:_?(?:key|value|token|access_?key))?|(?:api|access|private|signing|encryption|auth|session)_?key|"
    r"(?:\w+_)?tokens?|credentials?|otp_?secret|totp)$"
)
_LONGEST_ENDING = 256
"""Characters at a name's end that say what it is for; looking at more takes a square of their number."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RANDOM = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
_RANDOM_BITS = 4.3
_RANDOM_CHANGES = 0.4
_SHORT = 5
_LONGEST_EXPRESSION = 64
_LONGEST_NAME = 6
_ENDS_EXPRESSION = frozenset(
    {"WHERE", "FROM", "RETURNING", "AND", "OR", "SET", "VALUES", "ON", "LIMIT", "ORDER"}
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A statement without its secrets.

    Attributes:
        pieces: the statement, placeholders in the place of secrets.
        names: the placeholders' names, in order.
    """

    pieces: Pieces
    names: tuple[str, ...]


def redact(pieces: Pieces, *, stem: str) -> Redacted:
    """Replace what looks like a secret by placeholders.

    Args:
        pieces: the statement with its values in place.
        stem: beginning of the placeholders' names, so that the units of one file don't share them.
    """
    marked = _named_by_their_place(pieces)
    names: list[str] = []
    result: list[Piece] = []
    for at, piece in enumerate(pieces):
        if piece.kind is TokenKind.STRING and (at in marked or holds_secret(piece.text)):
            names.append(f"{stem}{len(names) + 1}")
            result.append(Piece(Apart.PLACEHOLDER, f":'{names[-1]}'", piece.value))
        elif piece.kind in (TokenKind.COMMENT, TokenKind.QUOTED):
            result.append(Piece(piece.kind, _SHAPES.sub("[secret]", piece.text), piece.value))
        else:
            result.append(piece)
    return Redacted(tuple(result), tuple(names))


def holds_secret(text: str) -> bool:
    """Whether a text has the published shape of a credential, or reads like a random key."""
    return bool(_SHAPES.search(text)) or any(_random(found.group()) for found in _RANDOM.finditer(text))


def names_secret(name: str) -> bool:
    """Whether a name, such as one of the environment, is one for something secret."""
    return bool(_NAMED.search(_CAMEL.sub("_", name[-_LONGEST_ENDING:])))


def without_secrets(text: str) -> str:
    """Return free text, such as a reason, with everything of a credential's shape cut out."""
    return _SHAPES.sub("[secret]", text)


def _random(run: str) -> bool:
    """Whether a run of characters is a key, by its mixture: no words, path, digest or UUID reaches it."""
    kinds = [
        "a" if each.islower() else "A" if each.isupper() else "0" if each.isdigit() else "-" for each in run
    ]
    if not {"a", "A", "0"} <= set(kinds):
        return False
    changes = sum(one != two for one, two in pairwise(kinds)) / (len(run) - 1)
    shares = [count / len(run) for count in Counter(run).values()]
    return changes >= _RANDOM_CHANGES and -sum(share * math.log2(share) for share in shares) >= _RANDOM_BITS


def _secret_name(piece: Piece) -> bool:
    """Whether a word or quoted identifier names something secret."""
    if piece.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        return False
    return names_secret(piece.text.strip('"'))


def _named_by_their_place(pieces: Pieces) -> set[int]:
    """Return the places of strings where a secret belongs: ``password = '…'``, ``PASSWORD '…'``, columns."""
    loud = [(at, piece) for at, piece in enumerate(pieces) if not piece.quiet]
    marked: set[int] = set()
    for index, (_, piece) in enumerate(loud[:-1]):
        if not _secret_name(piece):
            continue
        following = loud[index + 1][1]
        if following.kind is TokenKind.STRING and len(following.text) > len("''"):
            marked.add(loud[index + 1][0])
        elif following.text in ("=", ":=", "=>", "<>", "!=") or following.word == "TO":
            marked |= _expression_strings(loud[index + 2 : index + 2 + _LONGEST_EXPRESSION])
    return marked | _inserted(loud)


def _expression_strings(loud: list[tuple[int, Piece]]) -> set[int]:
    """Return the places of the strings in the expression that begins here."""
    found: set[int] = set()
    depth = 0
    for at, piece in loud:
        depth += (piece.text in ("(", "[")) - (piece.text in (")", "]"))
        if depth < 0 or (depth == 0 and (piece.text in (",", ";") or piece.word in _ENDS_EXPRESSION)):
            break
        if piece.kind is TokenKind.STRING and len(piece.text) > (_SHORT + 1 if depth else 2):
            found.add(at)
    return found


def _inserted(loud: list[tuple[int, Piece]]) -> set[int]:
    """Return the places of the strings in secret columns of ``INSERT INTO t (columns) VALUES (…), (…)``."""
    marked: set[int] = set()
    index = 0
    while index < len(loud):
        if loud[index][1].word != "INTO":
            index += 1
            continue
        index = _opening(loud, index + 1, _LONGEST_NAME)
        columns, index = _groups(loud, index)
        secret = {at for at, column in enumerate(columns) if len(column) == 1 and _secret_name(column[0][1])}
        if not secret or index >= len(loud) or loud[index][1].word not in ("VALUES", "OVERRIDING"):
            continue
        index = _opening(loud, index, _LONGEST_NAME)
        while index < len(loud) and loud[index][1].text == "(":
            values, index = _groups(loud, index)
            chosen = [value for number, value in enumerate(values) if number in secret]
            marked |= {place for value in chosen for place in _expression_strings(value)}
            index += index < len(loud) and loud[index][1].text == ","
    return marked


def _opening(loud: list[tuple[int, Piece]], start: int, within: int) -> int:
    """Return the place of the parenthesis that opens within so many pieces, else the last place looked at."""
    for at in range(start, min(start + within, len(loud))):
        if loud[at][1].text == "(":
            return at
    return min(start + within, len(loud))


def _groups(loud: list[tuple[int, Piece]], opening: int) -> tuple[list[list[tuple[int, Piece]]], int]:
    """Split the parentheses that open here at their commas; return the groups and the place behind."""
    groups: list[list[tuple[int, Piece]]] = [[]]
    depth = 0
    if opening >= len(loud) or loud[opening][1].text != "(":
        return [], opening
    for index in range(opening, len(loud)):
        text = loud[index][1].text
        depth += (text in ("(", "[")) - (text in (")", "]"))
        if depth == 0:
            return groups, index + 1
        if text == "," and depth == 1:
            groups.append([])
        elif not (text == "(" and depth == 1):
            groups[-1].append(loud[index])
    return groups, len(loud)

"""ip and nft: what shows, by their own grammars; ip's words may be any beginning of what they mean."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import No, sure, table

# In the order in which ip compares them: the first that begins with what was written is meant.
_OPTIONS: Final = (
    ("loops", 1), ("family", 1), ("4", 0), ("6", 0), ("0", 0), ("M", 0), ("B", 0), ("human-readable", 0),
    ("iec", 0), ("statistics", 0), ("details", 0), ("resolve", 0), ("oneline", 0), ("timestamp", 0),
    ("tshort", 0),
    ("Version", 0), ("force", -1), ("batch", -1), ("brief", 0), ("json", 0), ("rcvbuf", 1), ("color", 0),
    ("help", 0),
    ("netns", 1), ("Numeric", 0), ("all", 0), ("pretty", 0), ("echo", -1),
)  # fmt: skip
_OBJECTS: Final = (
    "address", "addrlabel", "maddress", "route", "rule", "neighbor", "neighbour", "ntable", "ntbl",
    "link", "l2tp", "fou", "ila", "macsec", "tunnel", "tunl", "tuntap", "tap", "token", "tcpmetrics",
    "tcp_metrics", "monitor", "xfrm", "mroute", "mrule", "netns", "netconf", "vrf", "sr", "nexthop",
    "mptcp", "ioam", "stats", "help",
)  # fmt: skip
_SHOWS: Final = ("show", "list", "lst", "ls")
_MORE: Final = {
    "route": ("get", "showdump"),
    "neighbor": ("get",),
    "neighbour": ("get",),
    "nexthop": ("get",),
    "netns": ("list-id", "identify", "pids"),
    "vrf": ("identify", "pids"),
    "token": ("get",),
    "link": ("xstats", "afstats", "help"),
}
_UNDER: Final = {
    "xfrm": ("state", "policy"),
    "mptcp": ("endpoint", "limits"),
    "l2tp": ("show",),
    "ioam": ("namespace", "schema"),
    "sr": ("tunsrc", "hmac"),
}
_WORD: Final = re.compile(r"[A-Za-z0-9_.:/@%+,*-]+")
_FAMILY: Final = ("inet", "inet6", "link", "bridge", "mpls", "any")


def judge_ip(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``ip …``. Source: iproute2's ip.c and ip*.c, 4.0 to 6.15; busybox's ip."""
    head, rest = _options(argv[1:])
    if not rest:
        return reads((*argv[:1], *head), "ip only prints how it is used.")
    word = sure("ip", rest[0], "the object")
    thing = next((each for each in _OBJECTS if each.startswith(word)), "")
    if not thing or not word:
        raise stop("ip", "object", f"ip {word} is not known.")
    head, rest = (*argv[:1], *head, Argument(thing)), rest[1:]
    verb = sure("ip", rest[0], "what to do") if rest else ""
    if thing in ("netns", "vrf") and len(verb) > 1 and "exec".startswith(verb):
        return _inside(head, rest[1:], again)
    if thing == "monitor":
        _check_words(rest)
        return reads((*head, *rest), "ip monitor only tells what changes.", rule="shell.ip.read")
    if thing in _UNDER and verb:
        under = next((each for each in _UNDER[thing] if each.startswith(verb)), "")
        if not under:
            raise stop("ip", "verb", f"ip {thing} {verb} is not known to read.")
        head, rest = (*head, Argument(under)), rest[1:]
        verb = sure("ip", rest[0], "what to do") if rest else ""
    return _shown(thing, verb, head, rest)


def _shown(thing: str, verb: str, head: tuple[Argument, ...], rest: tuple[Argument, ...]) -> Finding:
    if verb:
        # One letter could also be set, save or start something.
        known = (*_SHOWS, *_MORE.get(thing, ()), "help", *(("count",) if thing == "xfrm" else ()))
        meant = next(
            (each for each in known if each.startswith(verb) and (len(verb) > 1 or verb in "lh")), ""
        )
        if (
            not meant
            and verb == "s"
            and thing in ("address", "route", "rule", "neighbor", "neighbour", "maddress")
        ):
            meant = "show"
        if not meant and verb == "g" and thing == "route":
            meant = "get"
        if not meant and head[-1].text != "show":
            raise stop("ip", "change", f"ip {thing} {verb} changes the network.", Effect.CHANGES_SYSTEM)
        rest = (Argument(meant), *rest[1:]) if meant else rest
    _check_words(rest)
    return reads((*head, *rest), f"ip {thing} only shows.", rule="shell.ip.read")


def _options(words: tuple[Argument, ...]) -> tuple[tuple[Argument, ...], tuple[Argument, ...]]:
    made: list[Argument] = []
    rest = list(reversed(words))
    while rest and rest[-1].known_start.startswith("-"):
        word = sure("ip", rest.pop(), "an option")
        name, _, value = word.lstrip("-").partition("=")
        option, takes = next((each for each in _OPTIONS if name and each[0].startswith(name)), ("", -1))
        if name in ("h", "stats", "human"):
            option, takes = {"h": "human-readable", "stats": "statistics", "human": "human-readable"}[name], 0
        if takes < 0:
            raise stop("ip", "option", f"ip: the option {word} is not known to read.")
        made.append(Argument(f"-{option}={value}" if value and option == "color" else f"-{option}"))
        if takes:
            if not rest or not _WORD.fullmatch(sure("ip", rest[-1], "an option's value")):
                raise stop("ip", "option", f"ip {word} needs a value.")
            made.append(rest.pop())
        if option == "family" and made[-1].text not in _FAMILY:
            raise stop("ip", "option", "ip: that family is not known.")
    return tuple(made), tuple(reversed(rest))


def _check_words(words: tuple[Argument, ...]) -> None:
    for before, word in zip((Argument(""), *words), words, strict=False):
        if word.text is not None and not _WORD.fullmatch(word.text):
            raise stop("ip", "word", f"ip: {word.text} is not understood.")
        if before.text == "type" and "/" in (word.text or "/"):
            raise stop("ip", "word", "ip: the type must be a plain word.")
        if before.text == "file":
            raise stop("ip", "word", "ip: reading from a file is not judged.")


def _inside(head: tuple[Argument, ...], words: tuple[Argument, ...], again: Again) -> Finding:
    if any(word.text == "-all" for word in head):
        raise stop("ip", "exec", "ip -all … exec takes its first word for the command.")
    if (
        len(words) < 2
        or not _WORD.fullmatch(sure("ip", words[0], "the name"))
        or (words[0].text or "")[0] == "-"
    ):
        raise stop("ip", "exec", "ip … exec needs a name and a command.")
    inner = unless_allowed(again.unguarded().argv(words[1:]))
    return reads(
        (*head, *literals("exec"), words[0], *inner.argv),
        inner.verdict.reason,
        effect=inner.effect,
        profile=inner.profile,
        nested=(inner,),
    )


NFT: Final = table(
    "-h --help  -v --version  -V  -a --handle  -s --stateless  -t --terse  -S --service  "
    "-N --reversedns  -u --guid",
    "-n --numeric  -y --numeric-priority  -p --numeric-protocol  -T --numeric-time  -j --json",
    no=(
        No("-f= --file=  -I= --includepath=  -D= --define=", "file", "runs what a file says", Effect.UNKNOWN),
        No("-i --interactive", "door", "takes commands from its input", Effect.OPENS_DOOR),
        No(
            "-e --echo  -c --check  -o --optimize  -d= --debug=",
            "unknown-option",
            "is not judged",
            Effect.UNKNOWN,
        ),
    ),
)
_LISTS: Final = re.compile(
    r"(list|describe|monitor|get element)( +[A-Za-z0-9_.@:/-]+)*( +\{[A-Za-z0-9_.,:/ -]*\})?"
)


def judge_nft(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``nft list …``: all its words are one text, in which ``;`` would begin another command.

    Source: nft(8).
    """
    split = NFT.split("nft", argv[1:])
    given = NFT.emit(split.given)
    if any(split.has(each) for each in ("-h", "-v", "-V")):
        return reads((*argv[:1], *given), "nft only prints something about itself.")
    text = " ".join(sure("nft", word, "the command") for word in split.operands)
    if not _LISTS.fullmatch(text):
        raise stop("nft", "change", "nft changes filters with anything but list.", Effect.CHANGES_SYSTEM)
    return reads((*argv[:1], *given, Argument(text)), "nft only lists filters.", rule="shell.nft.read")

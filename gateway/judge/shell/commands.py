"""``policies/catalogue/shell/*.toml`` → what is known of every command: its options, operands and effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from gateway.judge.shell.finding import Effect

Becomes = Literal[
    "file",
    "package",
    "service",
    "account",
    "schedule",
    "settings",
    "container",
    "manifest",
    "data",
    "command",
]
"""Which sort of patch carries a change; ``command``: none is known, a person turns the command into code."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of a catalogue file; keys are written with dashes."""


class Denied(_Table, frozen=True, kw_only=True):
    """Options, or further operands, with which a command is no reader any more.

    Attributes:
        options: as in :attr:`Form.read`; empty where it speaks of operands past those of the form. An option
            that stands in both reads with values that fit the former, and is denied with others.
        effect: what the command does then; ``stateful-read``: it still reads, and leaves a trace.
        rule: last part of the verdict's rule.
        reason: what it does, to go after the option's name.
        becomes: what carries it where it is a change.
    """

    options: tuple[str, ...] = ()
    effect: Effect
    rule: str
    reason: str
    becomes: Becomes = "command"


class Form(_Table, frozen=True, kw_only=True):
    """One command, or one subcommand of a command.

    Attributes:
        effect: what it does with the options of ``read`` and the operands of ``operands``.
        rule: last part of the verdict's rule where that is no read; empty: the effect's name.
        reason: one clause that goes after the command's name where that is no read.
        becomes: what carries it where it is a change.
        profile: kernel-guard profile it runs under: ``plain``, ``procs``, ``bus``, ``engine`` or ``net``.
        style: how options are written. ``gnu``: bundles of short ones, long ones with two dashes, unique
            abbreviations of those. ``exact``: the same without abbreviations. ``posix``: short ones only.
            ``single``: words with one dash or two, never bundled (openssl, java, go programs).
            ``keyword``: options are what ``read`` names, in any place: ``if=path`` is written attached (dd),
            ``dev:text`` takes the next word (ip), ``up`` stands alone.
            ``apart``: bundles, no abbreviations, and the value of a short option is always the next word,
            digits right behind its letter aside (tree). ``none``: every word is an operand (echo).
        ends: whether ``--`` ends the options; else words that expand get ``./`` before a leading wildcard or
            are refused.
        marks: option that takes an operand for what it is, put before one whose beginning is not known:
            ``-q`` of dig, which has no ``--``.
        first: whether options end at the first operand, as for a command that takes a command.
        counts: whether ``-5`` or ``+5`` is a number (head, tail, nice).
        dashless: whether ``first`` or ``any`` operand made of known short options alone is a bundle of them
            without its dash (``tar tf``, ``ps aux``).
        read: options that keep it a reader, synonyms in one string: ``-b --ignore-leading-blanks``. A value
            follows ``=``: ``-k= --key=`` (needed), ``--color=?`` (optional, attached only). What it must be
            stands after that: ``-f=path``, ``-n=number``, ``--sort=word(name|size)``, ``-d=literal``; nothing
            or ``text``: anything. Of an optional value likewise: ``--color=?word(always|never)``.
            ``-n=??match([0-9]+)``: optional, attached or the next word where that one fits
            (``journalctl -b -1``). Blanks stand escaped in an expression.
        denied: options with which it is none.
        operands: in order, each a kind and how many: ``path`` one, ``path?`` at most one, ``path*`` any
            number, ``path+`` at least one. Kinds: ``text``, ``path``, ``number``, ``literal``, ``host``,
            ``word(a|b)``, ``match(REGEX)`` a literal that the expression matches in full, ``assignment``
            (``NAME=value``), ``entry`` a path that is looked at without opening it for its content, or a
            device that is meant (``ls``, ``stat``, ``lsblk``, ``blkid``), while ``path`` is opened and read
            and so is no device; ``path(@)`` one that begins with none of these characters (binutils take
            options from ``@file``), ``shell`` a line of shell,
            ``command`` the rest is a command that is judged in turn. ``text unless -e -f``: the operand is
            absent where one of those options is given (grep's pattern, awk's program).
        beyond: what more operands than those do, or ones that don't fit (``date 0101``, ``sysctl a=1``,
            ``service x restart``); None: not known, refused.
        subcommands: first operand → its form; options of this form hold before it, and after it as well
            where ``inherits`` says so. A key may name several, apart by spaces: ``"status show cat"``. With
            subcommands, ``operands`` speaks of the bare command.
        inherits: whether subcommands take this form's options too. They always take its style where they name
            none, and what ``ends`` denies.
        judge: name of the program in ``judge/shell/nested`` that judges the arguments instead.
        adds: arguments put right behind the command's name, such as hardening flags.
        environment: variables set for it where there is a terminal, such as ``LESSSECURE=1`` for its pager.
        terminal: whether it is a full-screen program: refused without a terminal where it needs one.
        needs-option: at least one of these options must be given for it to be a reader (``gzip -c``,
            ``fdisk -l``).
        bare: whether it is a reader without those too where it has no operand (``gzip`` in a pipeline).
        otherwise: what it does without those, known options or not; None: not known, refused.
        clashes: options that take each other's place: ``-t -d`` reads with either, and with both is taken for
            ``otherwise`` (``xz -t -d`` decompresses).
    """

    effect: Effect = Effect.READS
    rule: str = ""
    reason: str = ""
    becomes: Becomes = "command"
    profile: Literal["plain", "procs", "bus", "engine", "net"] = "plain"
    style: Literal["gnu", "exact", "posix", "single", "keyword", "apart", "none"] = "gnu"
    ends: bool = True
    marks: str = ""
    first: bool = False
    counts: bool = False
    dashless: Literal["", "first", "any"] = ""
    read: tuple[str, ...] = ()
    denied: tuple[Denied, ...] = ()
    operands: tuple[str, ...] = ()
    beyond: Denied | None = None
    subcommands: Mapping[str, Form] = msgspec.field(default_factory=dict)
    inherits: bool = True
    judge: str = ""
    adds: tuple[str, ...] = ()
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)
    terminal: bool = False
    needs_option: tuple[str, ...] = ()
    bare: bool = False
    otherwise: Denied | None = None
    clashes: tuple[str, ...] = ()


class Command(Form, frozen=True, kw_only=True):
    """A command of the catalogue.

    Attributes:
        names: what it is called: ``["egrep", "fgrep"]`` where several are the same program.
        paths: absolute paths under which it may be called too; empty: /bin, /usr/bin, /sbin, /usr/sbin,
            /usr/local/bin, /usr/local/sbin and the name.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...] = ()


class CatalogueFile(_Table, frozen=True, kw_only=True):
    """One file of the folder.

    Attributes:
        command: its commands.
    """

    command: tuple[Command, ...]

"""awk's words: those that all awks know, and those that only some do."""

from __future__ import annotations

from gateway.judge.shell.programs.program import words

KEYWORDS = words("""
    BEGIN END BEGINFILE ENDFILE function func if else while for do break continue next nextfile exit return
    delete in getline print printf switch case default
""")
"""Words of the grammar, of any awk: a variable of such a name is read differently by another awk."""

POSIX_FUNCTIONS = words("""
    atan2 cos sin exp log sqrt int rand srand gsub index length match split sprintf sub substr tolower toupper
    close fflush system
""")

FUNCTIONS = POSIX_FUNCTIONS | words("""
    gensub patsplit strtonum asort asorti systime mktime strftime and or xor compl lshift rshift isarray
    typeof mkbool
""")
"""Functions that are known: POSIX's, and gawk's, of which mawk and busybox have some."""

OTHER_FUNCTIONS = words("bindtextdomain dcgettext dcngettext intdiv intdiv0 stopme adump")
"""Functions of gawk that are not read: catalogues of messages, debugging."""

TARGETS = {"sub": 2, "gsub": 2}
"""Functions that assign to an argument, and which: a number from 0."""

ARRAYS = frozenset({"ARGV", "ENVIRON", "PROCINFO"})
"""Arrays whose elements decide what awk opens or how it behaves."""

MIRRORS = frozenset({"SYMTAB", "FUNCTAB"})
"""gawk's arrays that are other names of all variables and functions."""

SORT_ORDERS = frozenset({"", "unsorted", "@unsorted"}) | {
    f"@{what}_{order}"
    for what in ("ind_str", "ind_num", "val_type", "val_str", "val_num")
    for order in ("asc", "desc")
}
"""Orders of PROCINFO["sorted_in"] that gawk has; any other is the name of a function that it calls."""

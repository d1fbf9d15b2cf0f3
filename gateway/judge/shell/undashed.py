"""Words rebuilt so that none of what they become can be taken for an option, where ``--`` ends none."""

from __future__ import annotations

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.tree import Parameter, Text, Variable, Wild, Word


def undashed(argument: Argument) -> Argument | None:
    """The argument as words none of which begins with a dash.

    ``*.zip`` becomes ``./*.zip``; ``$x`` becomes ``"${x##-*}"``, which is empty where its value begins so.

    Args:
        argument: one that expands.

    Returns:
        None where neither can be said of it.
    """
    if not isinstance(argument.word, Word):
        return None
    match argument.word.parts:
        case (Wild(), *_) if argument.many:
            return Argument(None, "./", many=True, word=Word((Text("./"), *argument.word.parts)))
        case (Variable(name),) if name.isidentifier():
            left = Parameter(name, "##", (Text("-"), Wild("*")), quoted=True)
            return Argument(None, word=Word((left,)))
    return None

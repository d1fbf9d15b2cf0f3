"""Arguments are taken apart as the programs themselves do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.stop import Stop
from gateway.judge.shell.nested.table import No, Table, options, single, sure, table

NO = (No("-w --write  -o= --output=", "write", "writes", Effect.WRITES_FILE),)
GNU = table("-a --all  -n= --number=number  -c=? --color=?  --alpha  --word=word(x|y)", no=NO)
PFLAG = table("-a --all  -n= --number=  -f= --filter=", no=NO, style="pflag")


def put_down(options_: Table, *words: str) -> list[str | None]:
    split = options_.split("x", literals(*words))
    return [word.text for word in (*options_.emit(split.given), *split.operands)]


def refusal(options_: Table, *words: Argument | str) -> str:
    given_ = tuple(word if isinstance(word, Argument) else Argument(word) for word in words)
    with pytest.raises(Stop) as caught:
        options_.split("x", given_)
    return caught.value.finding.verdict.rule


def test_bundles_values_and_abbreviations_are_put_down_in_one_way() -> None:
    assert put_down(GNU, "-an5", "f", "--num=6", "--colo", "-cauto") == [
        *("-a", "-n", "5", "--number=6", "--color", "-cauto", "f"),
    ]


def test_an_abbreviation_of_two_options_is_none() -> None:
    assert refusal(GNU, "--al") == "shell.x.unknown-option"
    assert refusal(PFLAG, "--numb=1") == "shell.x.unknown-option"


def test_what_writes_is_a_change_however_it_is_spelled() -> None:
    for word in ("-w", "-aw", "--write", "--wri", "-of", "--out=f", "--output"):
        with pytest.raises(Stop) as caught:
            GNU.split("x", literals(word, "f"))
        assert caught.value.finding.effect is Effect.WRITES_FILE, word


def test_letters_behind_a_flag_of_go_are_flags() -> None:
    with pytest.raises(Stop) as caught:
        PFLAG.split("x", literals("-aw"))
    assert caught.value.finding.effect is Effect.WRITES_FILE
    assert put_down(PFLAG, "-a=false", "-n=5", "--all=true") == ["-a=false", "-n", "5", "--all=true"]
    with pytest.raises(ValueError, match="flags of their own"):
        table("-a=?", style="pflag")


def test_a_word_that_may_become_an_option_stays_an_operand_or_is_refused() -> None:
    opened = Argument(None, many=True)
    assert GNU.split("x", (opened,)).operands == (opened,)
    assert refusal(GNU, Argument(None, "-")) == "shell.x.open-option"
    assert refusal(GNU, Argument(None, "-n")) == "shell.x.open-option"
    assert refusal(GNU, Argument(None, "--num=")) == "shell.x.unknown-option"
    assert refusal(GNU, Argument(None, "--nu=", many=True)) == "shell.x.open-option"


def test_a_value_must_be_of_its_kind() -> None:
    assert refusal(GNU, "--word=z") == "shell.x.option-value"
    assert refusal(GNU, "-n", "x1") == "shell.x.option-value"
    assert refusal(GNU, "-n") == "shell.x.option-value"
    assert refusal(GNU, "--all=1") == "shell.x.option-value"


def test_a_value_of_a_joined_option_that_expands_stands_behind_its_sign() -> None:
    joined = table("--format=", style="joined")
    assert refusal(joined, "--format", Argument(None, "x")) == "shell.x.open-option"
    word = Argument(None, "--format=")
    assert joined.emit(joined.split("x", (word,)).given) == (word,)


def test_a_value_of_an_option_apart_is_never_attached() -> None:
    apart = table("-m= --max-time=number", style="apart")
    assert refusal(apart, "--max-time=5") == "shell.x.unknown-option"
    assert put_down(apart, "--max-time", "5", "-m6") == ["--max-time", "5", "-m", "6"]


def test_options_that_no_program_has_can_not_be_written_down() -> None:
    with pytest.raises(ValueError, match="no option"):
        options("--mtime=--owner=")
    with pytest.raises(ValueError, match="no option"):
        options("-n=nummer")


def test_what_must_be_known_is_refused_where_it_is_not() -> None:
    assert sure("x", Argument("y"), "it") == "y"
    with pytest.raises(Stop):
        sure("x", Argument(None, "y"), "it")
    with pytest.raises(Stop):
        single("x", Argument(None, many=True))


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(["-a", "-w", "-n", "5", "--", "-aw", "--write", "--all", "-o", "f", "-", "--wr"])
    )
)
def test_nothing_that_writes_is_put_down_as_an_option(words: list[str]) -> None:
    try:
        split = GNU.split("x", literals(*words))
    except Stop:
        return
    assert not {"-w", "-o"} & {name for each in split.given for name in each.option.names}

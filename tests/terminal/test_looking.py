"""Where a governed shell stands after a line, and what a folder holds, whatever it looks at."""

from __future__ import annotations

from gateway.domain.errors import GlassgateError, UpstreamUnavailable
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.judgement import ShellJudgement
from gateway.terminal.looking import moved, names_in
from gateway.terminal.shell import Place

ALLOWED = Verdict(Decision.ALLOW, "x", "It reads.")
PLACE = Place("/app", {"a": "1", "b": "2"}, 0)


class Machine:
    """Answers the shell's own questions."""

    def __init__(self, status: int = 0, printed: bytes = b"", *, away: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        self.told: list[GlassgateError] = []
        self._answer = status, printed
        self._away = away

    async def ask(self, line: str, folder: str) -> tuple[int, bytes]:
        self.asked.append((line, folder))
        if self._away:
            raise UpstreamUnavailable("it is away")
        return self._answer

    def tell(self, error: GlassgateError) -> int:
        self.told.append(error)
        return 69


async def test_variables_are_held_and_forgotten() -> None:
    judged = ShellJudgement(ALLOWED, variables={"c": "3"}, forgotten=("b",))
    machine = Machine()
    place = await moved(PLACE, judged, 7, machine.ask, machine.tell)
    assert place == Place("/app", {"a": "1", "c": "3"}, 7)
    assert not machine.asked


async def test_a_folder_is_entered_where_it_can_be() -> None:
    judged = ShellJudgement(ALLOWED, folder="/it's here")
    machine = Machine()
    assert (await moved(PLACE, judged, 0, machine.ask, machine.tell)).folder == "/it's here"
    assert machine.asked == [("cd -- '/it'\"'\"'s here' && pwd", "/app")]
    closed = Machine(1)
    assert (await moved(PLACE, judged, 0, closed.ask, closed.tell)).folder == "/app"


async def test_where_it_can_not_be_asked_the_client_is_told() -> None:
    machine = Machine(away=True)
    place = await moved(PLACE, ShellJudgement(ALLOWED, folder="/x"), 0, machine.ask, machine.tell)
    assert (place.folder, place.status) == ("/app", 69)
    assert [error.message for error in machine.told] == ["it is away"]


async def test_names_that_can_be_shown_are_listed() -> None:
    machine = Machine(0, b"one\ntwo/\nbad\x1bname\n\xff\n")
    assert await names_in("my folder", PLACE, machine.ask) == ("one", "two/", "\ufffd")
    assert machine.asked == [("ls -1Ap -- 'my folder'", "/app")]
    assert await names_in("x", PLACE, Machine(away=True).ask) == ()

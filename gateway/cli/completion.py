"""completion: the script that makes a shell complete commands, options and names of endpoints."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.domain.errors import InvalidInput

SHELLS = ("bash", "zsh", "fish", "powershell")


def completion(
    shell: Annotated[str, typer.Argument(help="bash, zsh, fish or powershell.")],
) -> None:
    """Print the completion script of your shell.

    Example:
      source <(glassgate completion bash)
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in SHELLS:
        raise InvalidInput(f"{shell!r} is no shell that can be completed", hint=", ".join(SHELLS))
    print(get_completion_script(prog_name="glassgate", complete_var="_GLASSGATE_COMPLETE", shell=shell))

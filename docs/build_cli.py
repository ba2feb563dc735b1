"""Write docs/reference/cli.md from the commands themselves, so that no option can go undocumented.

In: `saiten.cli.main`. Out: the page, byte for byte the same for the same code. Run `python docs/build_cli.py` after a
change of the command line; tests/test_docs.py fails until it has been run.
"""

from __future__ import annotations

from pathlib import Path

import click

from saiten.cli import main

PAGE = Path(__file__).parent / "reference" / "cli.md"
_WIDTH = 100
_INTRODUCTION = """\
# The command line

<!-- Written by docs/build_cli.py from the code: change the help texts there, not this page. -->

Exit codes: `0` done; `1` done, but something needs a look; `2` yours to mend (one sentence says what, one what to do);
`3` a fault of Saiten (with a traceback to report).
"""


def page() -> str:
    """Return the page: the group, then every command in the order of `saiten --help`."""
    # With the group's own settings: click remembers the help option under the first names that it is asked for.
    settings = main.context_settings
    context = click.Context(main, info_name="saiten", terminal_width=_WIDTH, max_content_width=_WIDTH, **settings)
    parts = [_INTRODUCTION, _section("saiten", main.get_help(context))]
    parts.extend(_commands(main, context))
    return "\n".join(parts)


def _commands(group: click.Group, parent: click.Context) -> list[str]:
    parts = []
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH)
        parts.append(_section(context.command_path, command.get_help(context)))
        if isinstance(command, click.Group):
            parts.extend(_commands(command, context))
    return parts


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text.rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

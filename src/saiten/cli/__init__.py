"""The command line: one group, whose commands are imported only when they are called.

In: `sys.argv`. Out: exit codes (0 done, 1 done but something needs a look, 2 yours to mend, 3 ours to mend).
A new command is one module that holds a click command of the same name, and one line in `COMMANDS`.
"""

from __future__ import annotations

import traceback
from importlib import import_module
from typing import Any, NamedTuple

import click

from saiten.errors import UserError

REPORT_ADDRESS = "the project's issue tracker"


class _Entry(NamedTuple):
    module: str
    """module that holds the command, as an attribute named `command`"""
    help: str
    """one line for `saiten --help`, here so that the listing imports nothing"""


COMMANDS: dict[str, _Entry] = {
    "import": _Entry("saiten.cli.import_", "Take over an Otter Assign notebook, or an old nbgrader course."),
    "build": _Entry("saiten.cli.build", "Make release, solutions and autograder from the source notebooks."),
    "check": _Entry("saiten.cli.check", "Prove an assignment: reference, release, planted answers, mutants."),
    "release": _Entry("saiten.cli.release", "Give an assignment to students through the exchange."),
    "collect": _Entry("saiten.cli.collect", "Bring in what students handed in: nbgrader's exchange, a zip of an LMS."),
    "grade": _Entry("saiten.cli.grade", "Mark what was handed in; fill the gradebook and autograded/."),
    "feedback": _Entry("saiten.cli.feedback", "Write what students read: one page for each marked notebook."),
    "schedule": _Entry("saiten.cli.schedule", "Release, collect, mark and hand out what is due: for cron."),
    "report": _Entry("saiten.cli.report", "Write what staff want to know of a marked class: pages and CSV files."),
    "export": _Entry("saiten.cli.export", "Write marks for Canvas, Moodle or a spreadsheet, and a final grade."),
    "similar": _Entry("saiten.cli.similar", "Find submissions that are more alike than the class explains."),
    "log": _Entry("saiten.cli.log", "Show how a mark came about: when, by whom, with which tests."),
    "ledger": _Entry("saiten.cli.ledger", "Let go of results that nothing needs any more."),
    "serve": _Entry("saiten.cli.serve", "Mark on JupyterHub as students hand in, and show it on pages."),
    "hub": _Entry("saiten.cli.hub", "Try a course out on a JupyterHub of your own, with a made-up class."),
    "doctor": _Entry("saiten.cli.doctor", "Try what keeps students' code in; show versions, data, GPU."),
    "sample": _Entry("saiten.cli.sample", "Make a sample class, to try a course out."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by `COMMANDS` and imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table, which is the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None if there is no such."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone: `--help` imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn the two kinds of errors into what their reader needs."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
            from saiten.sanitise import for_terminal

            # names of students' folders and files may stand in them
            click.echo(for_terminal(error.message), err=True)
            if error.next_step:
                click.echo(for_terminal(error.next_step), err=True)
            ctx.exit(2)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception:
            from saiten.sanitise import for_terminal

            click.echo(for_terminal(traceback.format_exc()), err=True)
            click.secho("This is a fault of Saiten: please report it ", fg="red", bold=True, nl=False, err=True)
            click.echo(f"to {REPORT_ADDRESS}, with the lines above.", err=True)
            ctx.exit(3)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="saiten", prog_name="saiten")
def main() -> None:
    """Saiten (採点) turns instructor notebooks into student releases and marks what comes back.

    It works on any nbgrader course: it reads nbgrader_config.py and nbgrader's folders, and writes nbgrader's
    gradebook.

    \b
    Examples:
      saiten build 01-regularization
      saiten build --course ~/my-nbgrader-course ps1
    """

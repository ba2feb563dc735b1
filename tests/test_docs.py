"""Are the documents in step with the code, with each other, and with what is on disk?"""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from saiten.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("*/README.md")])
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s#]+)(?:#[^)]*)?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def commands(group: click.Group, name: str = "saiten") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name."""
    context = click.Context(group, info_name=name)
    yield name, group
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {each}")
        else:
            yield f"{name} {each}", command


def test_the_command_line_page_is_built_from_the_code() -> None:
    """Does docs/reference/cli.md hold what `--help` says today?"""
    page = runpy.run_path(str(DOCS / "build_cli.py"))["page"]()
    kept = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert kept == page, "the command line changed: run `python docs/build_cli.py`"


def test_every_option_is_explained() -> None:
    """Does every option of every command have a help text, and every command a first sentence?"""
    silent = [
        f"{name} {'/'.join(parameter.opts)}"
        for name, command in commands(main)
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert silent == []
    assert [name for name, command in commands(main) if not (command.help or "").strip()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Does every relative link of a page name a file or folder of the repository?"""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [match["target"] for match in LINK.finditer(text) if "://" not in match["target"]]
    lost = [target for target in targets if not (page.parent / target).exists()]
    assert lost == []


def test_the_index_names_every_page() -> None:
    """Can every page of docs/ be reached from its index?"""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / match["target"]).resolve() for match in LINK.finditer(index) if "://" not in match["target"]}
    pages = {page.resolve() for page in DOCS.rglob("*.md")} - {(DOCS / "README.md").resolve()}
    assert sorted(str(page.relative_to(DOCS)) for page in pages - linked) == []


def test_the_two_readmes_say_the_same() -> None:
    """Do README.md and README.ja.md have the same sections, the same commands and the same links?"""
    english, japanese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ja.md"))
    assert _headings(english) == _headings(japanese)
    assert _commands(english) == _commands(japanese)
    other = {"README.md", "README.ja.md"}
    assert _targets(english) - other == _targets(japanese) - other


def _headings(text: str) -> list[int]:
    return [len(line) - len(line.lstrip("#")) for line in FENCE.sub("", text).splitlines() if line.startswith("#")]


def _commands(text: str) -> list[str]:
    lines = [line.split("#")[0].strip() for block in FENCE.findall(text) for line in block.splitlines()[1:-1]]
    return [line for line in lines if line.startswith(("make ", "saiten ", "git ", "cd ", "nbgrader "))]


def _targets(text: str) -> set[str]:
    return {match["target"] for match in LINK.finditer(text)}

"""Do the pages about similar work hold in a real browser: readable by everybody, dead to every attack on staff?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from test_pages_in_a_browser import ATTACKS, DEVICES, TAKEN

from course_samples import cell, make_course, notebook_json, solution, written
from saiten.build import make_bundle
from saiten.course import Assignment
from saiten.grading.reference import ReferenceCell
from saiten.similar import write_similar

pytestmark = pytest.mark.system

CODE = """\
def ridge(X, y, strength):
    # 罰則は切片にかけない
    A = X.T @ X + strength * np.eye(X.shape[1])
    A[0, 0] -= strength
    for step in range(3):
        w = np.linalg.solve(A, X.T @ y)
        if abs(w).max() < 1e-9 or step % 2 == 1:
            w = w * 0.5 + 0.25
    return w
"""
ESSAY = (
    "訓練データの誤差は次数とともに小さくなりますが、検証データの誤差は途中から大きくなりました。これは過剰適合です。"
    "次数が高いと曲線が点の間で大きく振れてしまうので、罰則を加えて係数を小さくするとよいと考えました。"
)
WANTED = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def own(number: int) -> str:
    """An answer like no other's."""
    lines = [f"    x = (x ** {number + 3 * at} - {7 * number}) @ x[{number}:{at}] % {at + 11}" for at in range(9)]
    return "\n".join(["def ridge(x):", *lines, "    return x"])


def write_class(root: Path, attacks: Sequence[str] = ()) -> Path:
    """Pages of a class: a copied pair this year, one of last year, broken notebooks; attacks stand in ids and texts."""
    cells = [
        cell("markdown", "# リッジ回帰 / Ridge regression"),
        solution("ridge", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"),
        written("why", "YOUR ANSWER HERE", 2),
    ]
    toml = '[title]\nja = "リッジ <回帰>"\nen = "Ridge <regression>"\n'
    assignment = make_course(root / "now", {"n1": cells}, toml=toml)
    names = [attack.replace("/", "∕")[:80] for attack in attacks] or ["", ""]  # a folder's name holds no slash
    course, every = assignment.course.root, "\n".join(attacks)
    hand_in(course, f"student-001{names[0]}", CODE + every, ESSAY + every)
    hand_in(course, f"student-002{names[1]}", f"{every}\n{CODE.replace('step', 'k')}", f"まず。{ESSAY}{every}")
    for at in range(3, 6):
        hand_in(course, f"student-{at:03}", own(at), f"答え {at} " * at)
    for name in names[2:] or [""]:
        (hand_in(course, f"student-009{name}", "", "") / "n1.ipynb").write_bytes(b"{")
    hand_in(root / "2025", "student-801", CODE.replace("strength", "c"), "")
    return pages(assignment, root / "2025")


def hand_in(root: Path, student: str, code: str, essay: str) -> Path:
    """Hand in an answer."""
    folder = root / "submitted" / student / "a1"
    folder.mkdir(parents=True)
    (folder / "n1.ipynb").write_text(notebook_json([solution("ridge", code), written("why", essay)]), encoding="utf-8")
    return folder


def pages(assignment: Assignment, last_year: Path) -> Path:
    """Compare; nothing is run."""
    bundle = make_bundle(assignment, run=lambda cells, **_: [ReferenceCell() for _ in cells])
    return write_similar(assignment.course, assignment, bundle, [last_year], 50).page.parent


def open_file(browser: Browser, path: Path, *, script: bool = True, **options: Any) -> tuple[Tab, list[str]]:
    """Open a page; also the list of what it asked the network for."""
    tab = browser.new_context(java_script_enabled=script, **options).new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    return tab, asked


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages without an attack."""
    return write_class(tmp_path_factory.mktemp("honest"))


def test_attacks_on_the_reader_are_dead(browser: Browser, tmp_path: Path) -> None:
    """Does nothing that a student wrote, nor an id, run, cover the page, or call out?"""
    folder = write_class(tmp_path, ATTACKS)
    unwanted = "iframe, main script, link, main svg, main style, main img, object, embed, form"
    for name in ("index.html", "pair-001.html"):
        tab, asked = open_file(browser, folder / name)
        assert tab.title() != "taken"
        assert tab.locator("main").is_visible()
        shown = tab.locator("main").inner_text()
        wanted = [attack.replace("/", "∕")[:80] for attack in ATTACKS] if name == "index.html" else ATTACKS
        assert [attack for attack in wanted if squeezed(attack) not in squeezed(shown)] == [], "each is there, as text"
        assert tab.locator(unwanted).count() == 0
        targets = {each.get_attribute("href") or "" for each in tab.locator("a").all()}
        assert all(target.startswith(("pair-0", "index.html", "pairs.csv")) for target in targets), targets
        assert asked == [tab.url]
        tab.context.close()


def squeezed(text: str) -> str:
    """Without white space: a page folds it."""
    return "".join(text.split())


def test_the_attack_would_work(browser: Browser, tmp_path: Path) -> None:
    """Can the test above fail: does the same text, not escaped, change the title?"""
    page = tmp_path / "bare.html"
    page.write_text(f"<title>bare</title><script>{TAKEN}</script>", encoding="utf-8")
    tab, _ = open_file(browser, page)
    tab.wait_for_function("document.title == 'taken'")
    tab.context.close()


@pytest.mark.parametrize("name", ["index.html", "pair-001.html"])
@pytest.mark.parametrize(("device", "scheme"), [("phone", "dark"), ("desk", "light")])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_everybody_can_read_it(
    browser: Browser, honest: Path, name: str, device: str, scheme: Any, language: str
) -> None:
    """Does axe-core (WCAG 2.2 AA) find nothing, does nothing overflow, in both languages, light and dark?"""
    tab, _ = open_file(browser, honest / name, viewport=DEVICES[device], color_scheme=scheme)
    tab.locator(f"#show-{language}").check()
    other = {"ja": "en", "en": "ja"}[language]
    assert tab.locator(f".in-{other}:visible").count() == 0
    assert tab.locator(f".in-{language}:visible").count() > 8
    found = Axe().run(tab, options={"runOnly": {"type": "tag", "values": WANTED}})
    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= DEVICES[device]["width"]
    tab.context.close()


def test_axe_finds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """Can the test above fail?"""
    page = tmp_path / "bare.html"
    page.write_text("<img src=x><p style='color:#eee'>pale</p>", encoding="utf-8")
    tab, _ = open_file(browser, page)
    assert {each["id"] for each in Axe().run(tab).response["violations"]} >= {"image-alt", "color-contrast"}
    tab.context.close()


def test_one_can_go_through_the_pairs_without_scripts(browser: Browser, honest: Path) -> None:
    """With scripts off, do links lead through the pairs and back, and are passages marked on both sides?"""
    tab, _ = open_file(browser, honest / "index.html", script=False)
    assert tab.locator("#pairs tbody tr").count() == 3
    assert "2025" in tab.locator("#pairs tbody").inner_text()
    tab.locator("#pairs a").first.click()
    assert tab.url.endswith("pair-001.html")
    sides = tab.locator(".part").first.locator(".side")
    assert sides.count() == 2
    assert [each.locator("mark b").first.inner_text().split()[-1] for each in sides.all()] == ["1", "1"]
    assert tab.locator(".caution").is_visible()
    for target in ("pair-002.html", "pair-003.html"):
        tab.locator(f".ways a[href='{target}']").click()
        assert tab.url.endswith(target)
    tab.locator(".ways a[href='index.html']").click()
    assert tab.url.endswith("index.html")
    tab.context.close()

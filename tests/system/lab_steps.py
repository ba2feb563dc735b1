"""What a student and staff do by hand on a hub: log in, fetch, validate, submit, fetch feedback, mark in formgrader.

In: a page of a real browser and a hub's address. Out: clicks, and what was seen. Selectors are those of JupyterLab 4,
nbgrader's Assignment List and formgrader.
"""

from __future__ import annotations

from playwright.sync_api import Page

SPAWN_SECONDS = 180
"""as the hub's configuration has it"""
VALIDATE_SECONDS = 240
"""nbgrader runs the whole notebook in a kernel"""


def log_in(page: Page, hub: str, user: str, password: str, then: str = "/hub/home") -> None:
    """Log in and go to a page of the hub."""
    page.goto(f"{hub}/hub/login?next={then}")
    page.fill("#username_input", user)
    page.fill("#password_input", password)
    page.click("#login_submit")


class AssignmentList:
    """nbgrader's Assignment List in a student's JupyterLab.

    Args:
        page: of a browser context of the student's own.
        hub: address, without a slash at its end.
        user, password: the student's.
    """

    def __init__(self, page: Page, hub: str, user: str, password: str) -> None:
        self.page = page
        log_in(page, hub, user, password, "/hub/spawn")
        page.wait_for_url(f"**/user/{user}/**", timeout=SPAWN_SECONDS * 1000)
        self.open()

    def open(self) -> None:
        """Open the list from the menu."""
        self.page.click('.lm-MenuBar-itemLabel:has-text("Nbgrader")', timeout=SPAWN_SECONDS * 1000)
        self.page.click('.lm-Menu-itemLabel:has-text("Assignment List")')
        self.page.wait_for_selector("#released_assignments_list")

    def refresh(self) -> None:
        """Have the lists read again."""
        self.page.click("#refresh_assignments_list")
        self.page.wait_for_selector("#submitted_assignments_list_loading", state="hidden")

    def fetch(self, assignment: str) -> None:
        """Get the release."""
        row = self.page.locator("#released_assignments_list .list_item", has_text=assignment)
        row.get_by_role("button", name="Fetch").click()
        self.page.locator("#fetched_assignments_list").get_by_role("button", name="Submit").first.wait_for()

    def validate(self, assignment: str, notebook: str) -> str:
        """Press Validate; return what the dialog says."""
        fetched = self.page.locator("#fetched_assignments_list")
        button = fetched.get_by_role("button", name="Validate")
        if not button.is_visible():
            fetched.get_by_role("button", name=assignment).click()
        fetched.locator(".nested_list_item", has_text=notebook).get_by_role("button", name="Validate").click()
        dialog = self.page.locator(".jp-Dialog")
        dialog.wait_for(timeout=VALIDATE_SECONDS * 1000)
        said = dialog.inner_text()
        dialog.get_by_role("button").last.click()
        dialog.wait_for(state="detached")
        return said

    def submit(self, assignment: str) -> None:
        """Press Submit, and see the hand-in in the list."""
        handed_in = self.page.locator("#submitted_assignments_list .list_item", has_text="UTC")
        before = handed_in.count()
        row = self.page.locator("#fetched_assignments_list .list_item", has_text=assignment).first
        row.get_by_role("button", name="Submit").click()
        handed_in.nth(before).wait_for()

    def fetch_feedback(self, assignment: str) -> None:
        """Press Fetch Feedback, until there is some to be looked at."""
        row = self.page.locator("#submitted_assignments_list .list_item", has_text=assignment).first
        row.get_by_role("button", name="Fetch Feedback").click()
        self.page.get_by_role("link", name="view feedback").or_(
            self.page.get_by_text("(view feedback)")
        ).first.wait_for()

"""What tests do with a page: look at it with axe in every view, click, type and tab through it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.remote.webelement import WebElement

    from tests.browser.conftest import Browser

AXE = Path(__file__).parent / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SEEN = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
"""Rules about what colours and widths change; all others say the same in every view of a page."""
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: arguments[0], resultTypes: ["violations"]})
  .then((found) => done(found.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))])),
        (error) => done([["axe failed", String(error)]]));
"""
VIEWS = [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")]
NARROWEST = 360


def css(browser: Browser, selector: str) -> WebElement:
    return browser.driver.find_element("css selector", selector)


def load_axe(browser: Browser) -> None:
    """Bring axe into the page, as a script of the debugger, which no policy of the page concerns."""
    browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})


def axe(browser: Browser, rules: dict[str, Any] | None = None) -> list[Any]:
    """What axe finds wrong with the page as it is seen now: by all rules, unless some are named."""
    found: list[Any] = browser.driver.execute_async_script(RUN, rules or {"type": "tag", "values": TAGS})
    return found


def look_for_faults(browser: Browser, name: str) -> None:
    """Look at a page in every view, with everything unfolded."""
    load_axe(browser)
    browser.driver.execute_script(
        "document.querySelectorAll('details').forEach((one) => { one.open = true })"
    )
    for place, (width, theme) in enumerate(VIEWS):
        browser.look(width=width, theme=theme)
        rules = {"type": "rule", "values": SEEN} if place > 1 else None
        assert axe(browser, rules) == [], (name, width, theme)


def go(browser: Browser, element: WebElement) -> None:
    """Click on what leads to another page, and wait for that page."""
    leave(browser, element.click)


def leave(browser: Browser, act: Callable[[], None]) -> None:
    """Do what leads to another page, and wait until that has come."""
    from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    before = css(browser, "html")

    def gone(_driver: object) -> bool:
        try:
            before.is_enabled()
        except StaleElementReferenceException:
            return True
        except WebDriverException as error:
            # What the driver says while one document makes room for the next.
            if "does not belong to the document" not in str(error):
                raise
            return True
        return False

    act()
    wait = WebDriverWait(browser.driver, 30)
    wait.until(gone)
    wait.until(lambda driver: driver.find_elements("css selector", "footer"))


def fill(browser: Browser, area: WebElement, text: str) -> None:
    browser.driver.execute_script("arguments[0].value = arguments[1]", area, text)


def focus(browser: Browser) -> WebElement:
    found: WebElement = browser.driver.switch_to.active_element
    return found


def press(browser: Browser, key: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(browser.driver).send_keys(getattr(Keys, key.upper())).perform()


def tab_to(browser: Browser, selector: str, most: int = 60) -> None:
    """Go on with the tabulator until an element has the focus, which must then be seen."""
    wanted = css(browser, selector)
    for _ in range(most):
        press(browser, "Tab")
        if focus(browser) == wanted:
            assert wanted.value_of_css_property("outline-style") != "none"
            return
    raise AssertionError(f"the tabulator does not reach {selector}")

"""The pages in headless Chromium: what a reader sees equals what the API says."""

from __future__ import annotations

import re
import time
from decimal import Decimal

import pytest

from dashboard import money

pytestmark = pytest.mark.browser

#: The page is drawn: the script has ended, every chart has its lines, and there is a heading or an empty state.
DRAWN = """
const app = document.querySelector('[data-testid="stApp"]');
return !!app && app.getAttribute('data-test-script-state') === 'notRunning' && !document.querySelector('[data-testid="stSkeleton"]')
  && !!document.querySelector('.sl-head, .sl-empty')
  && [...document.querySelectorAll('[data-testid="stPlotlyChart"]')].every(chart => chart.querySelector('.main-svg'));
"""
STATE = """
const app = document.querySelector('[data-testid="stApp"]');
return [location.href, app && app.getAttribute('data-test-script-state'), document.querySelectorAll('[data-testid="stSkeleton"]').length];
"""


class Page:
    """One page in the browser."""

    def __init__(self, browser, address: str) -> None:
        self.browser, self.address = browser, address

    def open(self, path: str) -> None:
        self.browser.get(f"http://{self.address}{path}")
        self.drawn()

    def drawn(self, wait_s: float = 60) -> None:
        deadline, calm = time.monotonic() + wait_s, 0
        while calm < 3:
            calm = calm + 1 if self.browser.execute_script(DRAWN) else 0
            assert time.monotonic() < deadline, (self.browser.execute_script(STATE), self.text()[:1000])
            time.sleep(0.1)

    def text(self) -> str:
        return self.browser.execute_script("return document.body.innerText")

    def waits_for(self, words: str, wait_s: float = 60) -> None:
        deadline = time.monotonic() + wait_s
        while words not in self.text():
            assert time.monotonic() < deadline, self.text()[:1000]
            time.sleep(0.1)

    def press(self, label: str) -> None:
        """Click the button of this label."""
        self.waits_for(label)
        self.browser.execute_script("[...document.querySelectorAll('button')].find(one => one.innerText.trim() === arguments[0]).click()", label)

    def card(self, name: str) -> tuple[str, str]:
        """(figure, tooltip) of a card."""
        found = self.browser.execute_script(
            f"""const card = document.querySelector('[data-card="{name}"]'); return [card.querySelector('.sl-value').innerText, card.title]"""
        )
        return found[0], found[1]

    def table(self, key: str) -> list[dict[str, str]]:
        """Rows of a table, cells by column; the foot is the last row."""
        return self.browser.execute_script(
            f"""return [...document.querySelectorAll('[data-table="{key}"] tbody tr, [data-table="{key}"] tfoot tr')].map(
                row => Object.fromEntries([...row.cells].map(cell => [cell.dataset.column, cell.innerText.trim()])))"""
        )

    def outside(self) -> list[str]:
        """Addresses that the page loaded from anywhere but here."""
        names = self.browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        return [name for name in names if not name.startswith((f"http://{self.address}/", "data:", "blob:"))]

    def errors(self) -> list[str]:
        """Severe lines of the console."""
        return [line["message"] for line in self.browser.get_log("browser") if line["level"] == "SEVERE"]


@pytest.fixture
def page(browser, instance) -> Page:
    return Page(browser, instance.address)


def test_the_spend_page_shows_the_apis_numbers(page: Page, instance):
    page.open("/?since=30d")
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 29 * 86_400))
    report = instance.get(f"/api/v1/spend?since={since}&until=now&by=app,team,model_tier").body
    shown, exact = page.card("spend")
    assert exact == f"${report['total']['cost_usd']}"
    assert shown == money.usd(Decimal(report["total"]["cost_usd"]), compact=True)
    assert page.card("requests")[1] == str(report["total"]["calls"])
    assert page.card("unpriced")[0] == str(report["coverage"]["unpriced_calls"] + report["coverage"]["partial_calls"])
    assert page.card("without-usage")[0] == str(report["coverage"]["usage_missing"])
    *rows, foot = page.table("spend")
    told = {(row["app"], row["team"], row["model_tier"]): money.usd(Decimal(row["cost_usd"])) for row in report["rows"]}
    assert {(row["app"], row["team"], row["model_tier"].replace("(not told)", "")): row["cost_usd"] for row in rows} == told
    assert foot["cost_usd"] == money.usd(Decimal(report["total"]["cost_usd"]))
    assert re.search(r"Complete up to \d\d:\d\d:\d\d UTC", page.text())


def test_a_filter_in_the_address_narrows_every_figure(page: Page, instance):
    page.open("/?since=7d&team=growth")
    assert {row["app"] for row in page.table("spend")[:-1]} == {"copilot"}
    assert page.card("requests")[1] == "8"


@pytest.mark.parametrize("path", ["/", "/calls", "/reliability", "/quality", "/releases", "/alerts", "/data-health"])
def test_a_page_finds_no_script_late(page: Page, instance, path: str):
    page.open(f"{path}?since=30d")
    named = set(re.findall(r'static/js/[^"]+', instance.get(path).body))
    loaded = page.browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert {name.split("/static/js/")[1] for name in loaded if "/static/js/" in name} <= {name.removeprefix("static/js/") for name in named}


@pytest.mark.parametrize("path", ["/", "/calls", "/reliability", "/quality", "/releases", "/alerts", "/data-health"])
def test_every_page_draws_without_errors_and_without_the_internet(page: Page, path: str):
    page.browser.get_log("browser")
    page.open(f"{path}?since=30d")
    assert "UTC" in page.text()
    assert "Traceback" not in page.text()
    assert not page.browser.find_elements("css selector", '[data-testid="stException"]')
    assert page.outside() == []
    assert page.errors() == []


def test_the_quality_page_of_judged_answers_none_of_which_is_flagged(page: Page):
    deadline = time.monotonic() + 120
    while True:  # the detectors take some seconds
        page.open("/quality?since=30d")
        if page.browser.find_elements("css selector", '[data-table="quality"]'):
            break
        assert time.monotonic() < deadline, page.text()
        time.sleep(3)
    assert not page.browser.find_elements("css selector", '[data-testid="stException"]')
    assert not page.browser.find_elements("css selector", '[data-table="worst"]')


def test_a_trace_shows_its_tree_its_cost_once_and_redacted_text(page: Page, instance):
    call = instance.get("/api/v1/calls?limit=1&app=copilot").body["rows"][0]
    page.open(f"/calls?trace={call['trace_id']}&span={call['span_id']}")
    spans = page.browser.execute_script("return [...document.querySelectorAll('[data-span]')].map(row => [row.dataset.span, row.innerText])")
    assert [span for span, _ in spans][-1] == call["span_id"]
    cost = money.usd(Decimal(call["cost_usd"]))
    assert sum(cost in text for _, text in spans) == 1
    assert page.card("cost")[0] == cost
    assert "left the depot" in page.text()
    assert "jo@example.com" not in page.text()


def test_choosing_a_row_of_the_calls_opens_its_trace_and_leads_back_to_the_same_choice(page: Page):
    page.open("/calls?since=30d&team=care&team=growth")
    shown = page.table("calls")
    assert {row["team"] for row in shown} == {"care", "growth"}
    page.browser.find_element("css selector", '[data-table="calls"] tbody a').click()
    deadline = time.monotonic() + 30
    while "trace=" not in page.browser.current_url:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    page.drawn()
    assert page.browser.find_elements("css selector", "[data-span]")
    next(button for button in page.browser.find_elements("css selector", "button") if "All calls" in button.text).click()
    while "trace=" in page.browser.current_url:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    page.drawn()
    assert {row["team"] for row in page.table("calls")} == {"care", "growth"}


def test_calls_are_ordered_by_what_they_cost_or_took(page: Page):
    page.open("/calls?since=30d&order=Most+expensive")
    rows = page.table("calls")
    assert ("Of the latest 100 calls" in page.text()) == (len(rows) == 100)
    costs = [Decimal(row["cost"].removeprefix("$")) for row in rows if row["cost"].startswith("$")]
    assert len(costs) > 10
    assert costs == sorted(costs, reverse=True)


def test_a_chart_shows_bars_and_their_figures_when_pointed_at(page: Page, instance):
    page.open("/?since=7d")
    bars = page.browser.find_elements("css selector", ".js-plotly-plot .bars .point path")
    tallest = max(bars, key=lambda bar: bar.size["height"])
    assert tallest.size["height"] > 50
    from selenium.webdriver import ActionChains

    ActionChains(page.browser).move_to_element(tallest).perform()
    deadline = time.monotonic() + 10
    while not (told := [line.text for line in page.browser.find_elements("css selector", ".hoverlayer .legendtext")]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert any("$" in line for line in told)


AGAIN = """
const [change, done] = [arguments[0], arguments[arguments.length - 1]], box = document.querySelector('.js-plotly-plot');
let drawn = 0;
box.on('plotly_afterplot', () => drawn++);
const data = structuredClone(box.data), layout = {...structuredClone(box.layout), ...change};
Plotly.react(box, {data, layout, config: {displayModeBar: false}})
  .then(() => Plotly.react(box, {data: structuredClone(data), layout: structuredClone(layout), config: {displayModeBar: false}}))
  .then(() => done([drawn, box.getBoundingClientRect().width]));
"""


def test_a_chart_is_drawn_as_wide_as_its_place_and_again_only_when_something_differs(page: Page):
    page.open("/?since=7d")
    place = page.browser.find_element("css selector", '[data-testid="stPlotlyChart"]').size["width"]
    first, width = page.browser.execute_async_script(AGAIN, {})  # the configuration differs from Streamlit's
    assert width == pytest.approx(place, abs=1)
    assert first == 1
    assert page.browser.execute_async_script(AGAIN, {})[0] == 0
    assert page.browser.execute_async_script(AGAIN, {"height": 280})[0] == 1


def test_filters_open_on_demand_and_stay_open_where_the_address_has_some(page: Page):
    boxes = ("css selector", '[data-testid="stMultiSelect"]')
    page.open("/?since=7d")
    assert not page.browser.find_elements(*boxes)
    next(button for button in page.browser.find_elements("css selector", "button") if "Filter" in button.text).click()
    deadline = time.monotonic() + 30
    while len(page.browser.find_elements(*boxes)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page.browser.find_element("css selector", '[data-testid="stMultiSelect"] input').send_keys("growth\n")
    while "team=growth" not in page.browser.current_url:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page.open(page.browser.current_url.removeprefix(f"http://{page.address}"))
    assert {row["team"] for row in page.table("spend")[:-1]} == {"growth"}
    assert "growth" in page.browser.find_element(*boxes).text


def test_an_unknown_model_is_named_on_the_health_page(page: Page):
    page.open("/data-health?since=7d")
    assert {row["model"] for row in page.table("unpriced")} >= {"mystery-7b"}
    assert [row["app"] for row in page.table("missing")] == ["labs"]


def test_the_alerts_page_says_what_is_wrong_and_how_to_tell_a_budget(page: Page):
    page.open("/alerts")
    assert page.card("budgets-passed")[0] == page.card("firing")[0] == "0"
    assert "Nothing is wrong" in page.text()
    assert "limit_usd" in page.text()
    assert page.errors() == []


def test_choices_stay_in_the_address_across_pages(page: Page):
    page.open("/?since=7d&team=care")
    page.browser.find_element("css selector", '[data-testid="stSidebarNav"] a[href*="reliability"]').click()
    deadline = time.monotonic() + 30
    while "Reliability" not in page.text() or "/reliability" not in page.browser.current_url:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    page.drawn()
    assert "team=care" in page.browser.current_url
    assert page.card("requests")[1] == "13"


def test_a_window_without_calls_says_what_to_do(page: Page):
    page.open("/?since=7d&app=labs&team=growth")
    assert "Choose a longer time range or fewer filters" in page.text()
    assert "Over time" not in page.text()


def test_an_empty_instance_names_the_variables_to_set(browser, empty):
    page = Page(browser, empty.address)
    page.open("/")
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{empty.addresses['otlp_http']}" in page.text()
    for path in ("/calls", "/reliability", "/quality", "/releases", "/data-health"):
        page.open(path)
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in page.text()
        assert not page.browser.find_elements("css selector", '[data-testid="stException"]')


def test_with_tokens_configured_a_reader_logs_in_once_and_sees_own_teams(browser, guarded):
    page = Page(browser, guarded.address)
    page.browser.get(f"http://{guarded.address}/?since=7d")
    assert "/login" in page.browser.current_url
    page.browser.find_element("name", "token").send_keys("wrong\n")
    deadline = time.monotonic() + 30
    while "not known" not in page.text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page.browser.find_element("name", "token").send_keys("viewer-secret\n")
    for _ in ("after logging in", "after reloading"):
        page.drawn()
        assert "since=7d" not in page.browser.current_url  # the default is not repeated in the address
        assert {row["team"] for row in page.table("spend")[:-1]} == {"care"}
        assert "viewer, role viewer, teams care" in page.text()
        page.browser.refresh()
    page.browser.get(f"http://{guarded.address}/logout")
    page.browser.get(f"http://{guarded.address}/")
    assert "/login" in page.browser.current_url


def test_people_log_in_with_their_organisations_account_and_are_who_the_policy_says(browser, signed_in, provider):
    page = Page(browser, signed_in.address)
    assert signed_in.get("/api/v1/spend").status == 401

    def log_in(**claims: object) -> None:
        provider.claims = claims
        page.open("/?since=30d")
        page.press("Log in with your organisation's account")

    log_in(email="ana@elsewhere.example", groups=["care-readers", "others"])
    page.waits_for("ana@elsewhere.example, role viewer, teams care")
    page.drawn()
    assert {row["team"] for row in page.table("spend")[:-1]} == {"care"}
    page.press("Log out")
    page.waits_for("Log in with an API token")
    log_in(email="ben@example.org", email_verified=True)
    page.waits_for("ben@example.org, role finance, all teams")
    page.press("Log out")
    page.waits_for("Log in with an API token")
    log_in(email="eve@example.org", email_verified=False)  # whoever she is, the provider does not know
    page.waits_for("eve@example.org, whose address the login provider has not verified, has no role here")
    assert "$" not in page.text()

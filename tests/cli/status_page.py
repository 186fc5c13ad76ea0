#!/usr/bin/env python3
"""Look at the status page as a person does.

    status_page.py shows URL      topics, partitions, groups, filter and sorting
    status_page.py fits URL       at 360 pixels nothing sticks out, in the dark
    status_page.py lasts URL      says "gone" when the broker does not answer,
                                  and goes on when it does again

For lasts it prints "seen" when the page was live, waits until it says that
the broker is gone, prints "gone", waits until it is live again.
"""
import sys

from browser import Browser

GROUP_NAMES = ("[...document.querySelectorAll('#groups-table > tbody td"
               ":first-child')].map((td) => td.textContent).join(' ')")
TOPIC_NAMES = ("[...document.querySelectorAll('#topics-table > tbody button"
               ".name')].map((b) => b.textContent).join(' ')")


def shows(browser, url):
    page = browser.open(url)
    page.wait("document.body.dataset.ready")
    assert page.evaluate("document.querySelector('#state').innerText") == "live"
    page.wait(f"({TOPIC_NAMES}).includes('orders')")
    # A chart has a line, and a row its numbers.
    page.wait("document.querySelector('#card-bytes_in .stroke')"
              ".getAttribute('d')?.startsWith('M')")
    page.wait("document.querySelector('#topics-table').innerText"
              ".includes('1,000')")
    page.wait("document.querySelector('#apis-table').innerText"
              ".includes('Produce')")
    page.wait("document.querySelector('#node').innerText.includes('commit')")

    page.evaluate("[...document.querySelectorAll('button.name')]"
                  ".find((b) => b.textContent === 'orders').click()")
    page.wait("document.querySelectorAll('#partitions-table tbody tr')"
              ".length === 3")
    assert page.evaluate("location.hash").startswith("#topic=")
    page.type("#topics-filter", "zzz")
    page.wait("!document.querySelector('#topics-empty').hidden")
    page.evaluate("document.querySelector('#topics-filter').select()")
    page.type("#topics-filter", "ord")
    page.wait(f"({TOPIC_NAMES}) === 'orders'")
    page.evaluate("document.querySelector('#topics-filter').select()")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Delete",
              windowsVirtualKeyCode=46)
    page.wait(f"({TOPIC_NAMES}).split(' ').length > 3")
    page.click("#topics-table th:first-child button")
    page.wait(f"({TOPIC_NAMES}).startsWith('__consumer_offsets a-')")
    page.click("#topics-table th:first-child button")
    page.wait(f"!({TOPIC_NAMES}).startsWith('__')")
    assert page.evaluate("document.querySelector('th[aria-sort]')"
                         ".getAttribute('aria-sort')") == "descending"
    groups(page)
    assert page.complaints() == [], page.complaints()


def groups(page):
    # The worst is first; what a name says is text, whatever it looks like.
    page.wait(f"({GROUP_NAMES}) === '<b>far</b> near'")
    assert not page.evaluate("document.querySelector('#groups-table b')")
    page.wait("document.querySelector('#groups-table').innerText"
              ".includes('Empty')")
    page.click("#groups-table th:first-child button")
    page.click("#groups-table th:first-child button")
    page.wait(f"({GROUP_NAMES}) === 'near <b>far</b>'")
    assert "gsort=-name" in page.evaluate("location.hash")
    page.type("#groups-filter", "FAR")
    page.wait(f"({GROUP_NAMES}) === '<b>far</b>'")


def fits(browser, url):
    page = browser.open(url, width=360, height=740, dark=True)
    page.wait("document.body.dataset.ready")
    page.wait(f"({TOPIC_NAMES}).includes('orders')")
    page.wait(f"({GROUP_NAMES}).includes('a.group')")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360, f"{wide} pixels wide"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(int(c) for c in ground[4:-1].split(","))
    assert light < 200, f"the dark is {ground}"


def lasts(browser, url):
    page = browser.open(url)
    page.wait("document.body.dataset.ready")
    print("seen", flush=True)
    page.wait("!document.querySelector('#gone').hidden")
    assert "does not answer" in page.evaluate(
        "document.querySelector('#gone').innerText")
    print("gone", flush=True)
    page.wait("document.querySelector('#gone').hidden")
    page.wait("document.querySelector('#state').innerText === 'live'")


def main():
    with Browser() as browser:
        {"shows": shows, "fits": fits, "lasts": lasts}[sys.argv[1]](
            browser, sys.argv[2])


if __name__ == "__main__":
    main()

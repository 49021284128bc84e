"""What the browser of the tests notices: without that, no page could fail."""

from pathlib import Path

from tests.servers.browser import RunningBrowser

PAGE = """<!doctype html><meta charset="utf-8"><title>t</title><link rel="stylesheet" href="https://a.example/x.css">
<p>text</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=" alt="">
<script>console.error("said"); console.log("whispered"); throw new Error("flew")</script>"""


async def test_a_page_that_complains_throws_and_asks_the_network_is_found_out(
    browser: RunningBrowser, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE, "utf-8")
    opened = await browser.open(file)
    assert await opened.page.inner_text("p") == "text"
    assert {"error: said", "thrown: flew"} < set(opened.complaints)
    assert not any("whispered" in complaint for complaint in opened.complaints)
    assert opened.requests == ["https://a.example/x.css"]


async def test_a_page_sees_the_colours_that_its_reader_likes(browser: RunningBrowser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><style>:root { color-scheme: light dark }</style>", "utf-8")
    asked = "matchMedia('(prefers-color-scheme: dark)').matches"
    assert await (await browser.open(file)).page.evaluate(asked) is False
    assert await (await browser.open(file, "dark")).page.evaluate(asked) is True

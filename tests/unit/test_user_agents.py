"""What user agents of the real world, and of nobody's, are judged to be."""

from hashlib import sha256

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st

from pipeline.simulation.devices import DECK, Device
from pipeline.user_agents import JUDGED_BY, MOST_CHARACTERS, NO_BOTS, judged, user_agent_rows
from tests.builders import facts, kept, numbered

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{WEBKIT} Chrome/131.0.0.0"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

PEOPLE = {
    f"{WINDOWS}) {CHROME} Safari/537.36": ("Chrome", "131.0", "Windows", "desktop"),
    f"{WINDOWS}) {CHROME} Safari/537.36 Edg/131.0.0.0": ("Edge", "131.0", "Windows", "desktop"),
    f"{WINDOWS}) {CHROME} Safari/537.36 OPR/116.0.0.0": ("Opera", "116.0", "Windows", "desktop"),
    f"{WINDOWS}; Xbox; Xbox One) {CHROME} Safari/537.36 Edge/44.18363": ("Edge", "44.18363", "Windows", "other"),
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Tablet PC 2.0)": ("IE", "9.0", "Windows", "desktop"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0": ("Firefox", "133.0", "Linux", "desktop"),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36": ("Chrome", "131.0", "Chrome OS", "desktop"),
    f"{MAC} {APPLE} Version/17.5 Safari/605.1.15": ("Safari", "17.5", "Mac OS X", "desktop"),
    f"{MAC} {WEBKIT} Slack/4.41.98 Chrome/130.0.0.0 Electron/33.0.1 Safari/537.36": (
        "Electron",
        "33.0",
        "Mac OS X",
        "desktop",
    ),
    f"{IPHONE} {APPLE} Version/17.5 Mobile/15E148 Safari/604.1": ("Mobile Safari", "17.5", "iOS", "mobile"),
    f"{IPHONE} {APPLE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1": (
        "Chrome Mobile iOS",
        "131.0",
        "iOS",
        "mobile",
    ),
    f"{IPHONE} {APPLE} Mobile/21F90 [FBAN/FBIOS;FBAV/470.0.0.40.107;FBDV/iPhone14,5]": (
        "Facebook",
        "470.0",
        "iOS",
        "mobile",
    ),
    f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {APPLE} Version/16.6 Mobile/15E148 Safari/604.1": (
        "Mobile Safari",
        "16.6",
        "iOS",
        "tablet",
    ),
    f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36": (
        "Chrome Mobile",
        "131.0",
        "Android",
        "mobile",
    ),
    f"Mozilla/5.0 (Linux; Android 14; SM-X710) {CHROME} Safari/537.36": ("Chrome", "131.0", "Android", "tablet"),
    f"Mozilla/5.0 (Linux; Android 9; CUBOT_X18) {CHROME} Mobile Safari/537.36": (
        "Chrome Mobile",
        "131.0",
        "Android",
        "mobile",
    ),
    f"Mozilla/5.0 (Linux; Android 12; KFTRWI) {WEBKIT} Silk/120.3.1 like Chrome/120.0 Safari/537.36": (
        "Amazon Silk",
        "120.3",
        "Android",
        "tablet",
    ),
    f"Mozilla/5.0 (Linux; Android 11; BRAVIA 4K UR2) {CHROME} Safari/537.36": ("Chrome", "131.0", "Android", "other"),
    "Mozilla/5.0 (Android 14; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0": (
        "Firefox Mobile",
        "133.0",
        "Android",
        "tablet",
    ),
    "Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5": (
        "Firefox Mobile",
        "48.0",
        "KaiOS",
        "mobile",
    ),
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {CHROME} Safari/537.36": ("Chrome", "131.0", "Web0S", "other"),
    f"Mozilla/5.0 (PlayStation; PlayStation 5/9.00) {APPLE} Version/15.4 Safari/605.1.15": (
        "Safari",
        "15.4",
        None,
        "other",
    ),
    "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UD1A.230803.041)": ("Android", "14", "Android", "mobile"),
    "MyApp/3.1 CFNetwork/1490.0.4 Darwin/23.1.0": ("MyApp", "3.1", "iOS", "mobile"),
    "okhttp/4.12.0": ("okhttp", "4.12", None, None),
    "hello": (None, None, None, None),
    "": (None, None, None, None),
}
"""What people's devices say, each with browser, its version, system and class of device."""

BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {CHROME} Mobile Safari/537.36 (compatible; Googlebot/2.1)",
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/129.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Pingdom.com_bot_version_1.4)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0)",
    "python-requests/2.32.3",
    "SomeNewSpider/0.1 (+https://example.com/spider)",
]


@pytest.mark.parametrize("user_agent", list(PEOPLE))
def test_peoples_browsers_and_devices_are_told(user_agent: str) -> None:
    digest = sha256(user_agent.encode()).digest()
    assert judged(user_agent) == (digest, *PEOPLE[user_agent], False, JUDGED_BY)


@pytest.mark.parametrize("user_agent", BOTS)
def test_bots_are_told(user_agent: str) -> None:
    assert judged(user_agent).is_bot


def test_every_example_of_the_list_of_bots_is_one_but_of_those_taken_off_it() -> None:
    examples = {(entry["pattern"], one) for entry in CRAWLER_USER_AGENTS_DATA for one in entry["instances"]}
    assert {pattern for pattern, user_agent in examples if not judged(user_agent).is_bot} == NO_BOTS


@pytest.mark.parametrize("device", sorted({*DECK}, key=str), ids=lambda device: device.user_agent)
def test_simulated_people_are_no_bots_and_have_the_devices_they_have(device: Device) -> None:
    row = judged(device.user_agent)
    assert (row.device_class, row.is_bot) == ("mobile" if device.kind == "phone" else device.kind, False)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=2 * MOST_CHARACTERS))
def test_any_text_is_judged(text: str) -> None:
    row = judged(text)
    assert row.digest == sha256(text.encode()).digest()
    assert row[1:] == judged(text[:MOST_CHARACTERS])[1:]


def test_what_is_beyond_the_most_characters_is_in_the_digest_alone() -> None:
    long = "x" * MOST_CHARACTERS
    assert not judged(f"{long} Googlebot").is_bot
    assert judged(f"{long[12:]} Googlebot").is_bot
    assert judged(long).digest != judged(f"{long}x").digest


def test_a_flush_has_a_row_for_each_user_agent_it_names_in_one_order() -> None:
    events = [kept(n, session_id=numbered(n % 2), facts=facts(user_agent=f"agent {n % 3}")) for n in range(9)]
    rows = user_agent_rows([*events, kept(9), kept(10, facts=facts(device_id="1"))])
    assert rows == sorted(judged(f"agent {n}") for n in range(3))

"""The devices of the simulated people: what their sizes, browsers and abilities are."""

from dataclasses import dataclass
from typing import Final

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_APPLE_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
_CHROME = "Chrome/131.0.0.0"
_WINDOWS_CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} {_CHROME} Safari/537.36"
_WINDOWS_EDGE = f"{_WINDOWS_CHROME} Edg/131.0.0.0"
_LINUX_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_MAC_SAFARI = f"{_MAC} {_APPLE_WEBKIT} Safari/605.1.15"
_MAC_CHROME = f"{_MAC} {_WEBKIT} {_CHROME} Safari/537.36"
_IPAD = f"Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) {_APPLE_WEBKIT} Mobile/15E148 Safari/604.1"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_APPLE_WEBKIT} Mobile/15E148 Safari/604.1"
_PIXEL = f"Mozilla/5.0 (Linux; Android 15; Pixel 8) {_WEBKIT} {_CHROME} Mobile Safari/537.36"
_GALAXY_TAB = f"Mozilla/5.0 (Linux; Android 14; SM-X710) {_WEBKIT} {_CHROME} Safari/537.36"


@dataclass(frozen=True, slots=True)
class Device:
    """A kind of device; widths and heights in CSS pixels.

    Attributes:
        kind: `desktop`, `tablet` or `phone`.
        user_agent: As its browser or application states it.
        screen: Width and height of the whole screen.
        viewport: Width and height of the part that shows the page.
        is_app: Whether it runs the shop's application: screens then, not pages.
    """

    kind: str
    user_agent: str
    screen: tuple[int, int]
    viewport: tuple[int, int]
    is_app: bool = False

    @property
    def has_pointer(self) -> bool:
        """Whether a pointer moves between clicks; a finger does not."""
        return self.kind == "desktop"


_FULL_HD = Device("desktop", _WINDOWS_CHROME, (1920, 1080), (1905, 945))
_LAPTOP = Device("desktop", _WINDOWS_EDGE, (1366, 768), (1349, 625))
_LINUX = Device("desktop", _LINUX_FIREFOX, (2560, 1440), (1280, 1252))
_MACBOOK = Device("desktop", _MAC_SAFARI, (1440, 900), (1440, 764))
_STUDIO = Device("desktop", _MAC_CHROME, (1728, 1117), (1728, 965))
_TABLET = Device("tablet", _IPAD, (820, 1180), (820, 1106))
_ANDROID_TABLET = Device("tablet", _GALAXY_TAB, (800, 1280), (800, 1156))
_PHONE = Device("phone", _IPHONE, (390, 844), (390, 664))
_ANDROID_PHONE = Device("phone", _PIXEL, (412, 915), (412, 785))
_IOS_APP = Device("phone", "HxiShop/4.18 (iPhone15,2; iOS 18.1)", (393, 852), (393, 759), is_app=True)
_ANDROID_APP = Device("phone", "HxiShop/4.18 (Pixel 8; Android 15)", (412, 915), (412, 839), is_app=True)

# A deck to draw from: 13 desktops, 2 tablets and 5 phones of 20, about how shops are visited.
DECK: Final = (
    *(_FULL_HD, _LAPTOP, _MACBOOK, _PHONE, _FULL_HD, _LAPTOP, _STUDIO, _IOS_APP, _FULL_HD, _TABLET),
    *(_LAPTOP, _LINUX, _ANDROID_PHONE, _FULL_HD, _MACBOOK, _ANDROID_APP, _FULL_HD, _STUDIO, _ANDROID_TABLET, _PHONE),
)

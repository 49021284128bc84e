"""The pages of the shop: what is on them, where each link leads, what each page asks of the servers."""

from typing import Final

from pipeline.simulation.parts import MENU, Page, Part, cards

_HOME = Page(
    name="Home",
    paths=("/",),
    queries=("utm_source=newsletter&utm_campaign=winter", "gclid=EAIaIQobChMI"),
    height=2600,
    parts=(
        *MENU,
        Part("hero-banner", "img", (0, 90, 12, 380)),
        Part("carousel-next", "stepper", (11.2, 500, 0.6, 60)),
        Part("category-shoes", "link", (0.2, 600, 3.6, 220), leads="listing", weight=3),
        Part("category-jackets", "link", (4.2, 600, 3.6, 220), leads="listing", weight=2),
        Part("category-bags", "link", (8.2, 600, 3.6, 220), leads="listing", weight=2),
        *cards(900, 2),
    ),
    loads=("/api/home", "/api/recommendations"),
)

_LISTING = Page(
    name="Category",
    paths=("/c/shoes", "/c/jackets", "/c/bags"),
    queries=("sort=price", "page=2", "color=black&size=42", "sort=new&page=3"),
    height=3200,
    parts=(
        *MENU,
        Part("filter-size", "button", (0.2, 100, 1.6, 36), calls="/api/products"),
        Part("filter-color", "button", (2.0, 100, 1.6, 36), calls="/api/products"),
        Part("sort-select", "button", (9.5, 100, 2.3, 36), calls="/api/products"),
        Part("result-count", "text", (5, 100, 2, 36)),
        *cards(180, 5),
        Part("page-next", "link", (5, 2200, 2, 48), leads="listing", weight=2),
    ),
    loads=("/api/products",),
)

_PRODUCT = Page(
    name="Product",
    paths=("/product/{n}",),
    queries=("ref=home", "ref=search", "variant=42"),
    height=2400,
    parts=(
        *MENU,
        Part("gallery-main", "img", (0.2, 100, 6, 520)),
        Part("gallery-thumb-2", "button", (0.2, 640, 1.2, 90)),
        Part("gallery-thumb-3", "button", (1.6, 640, 1.2, 90)),
        Part("price-label", "text", (7, 190, 2, 40)),
        Part("size-select", "button", (7, 260, 4.5, 44), calls="/api/products/:id/stock"),
        Part("qty-plus", "stepper", (7, 330, 0.6, 44)),
        Part("add-to-cart", "submit", (7, 400, 4.5, 56), calls="/api/cart/items"),
        Part("size-guide", "div", (7, 480, 2, 30)),
        Part("reviews-tab", "button", (0.2, 820, 2, 44), calls="/api/products/:id/reviews"),
        Part("buy-now", "link", (7, 540, 4.5, 56), leads="cart", weight=4),
        *cards(1500, 1),
    ),
    loads=("/api/products/:id", "/api/recommendations"),
    states_screen=True,
)

_CART = Page(
    name="Cart",
    paths=("/cart",),
    queries=("from=minicart",),
    height=1300,
    parts=(
        *MENU,
        Part("qty-plus", "stepper", (6, 160, 0.6, 40)),
        Part("qty-minus", "stepper", (5, 160, 0.6, 40)),
        Part("remove-item", "button", (10, 160, 1.4, 40), calls="/api/cart/items"),
        Part("promo-code", "input", (7, 420, 3, 44)),
        Part("promo-apply", "submit", (10.2, 420, 1.6, 44), calls="/api/cart/promo"),
        Part("cart-total", "text", (7, 500, 4.8, 40)),
        Part("checkout", "link", (7, 570, 4.8, 56), leads="checkout", weight=6),
        Part("continue-shopping", "link", (0.2, 570, 3, 44), leads="listing", weight=2),
    ),
    loads=("/api/cart",),
)

_CHECKOUT = Page(
    name="Checkout",
    paths=("/checkout",),
    queries=("step=address", "step=payment"),
    height=1500,
    parts=(
        *MENU,
        Part("full-name", "input", (1, 140, 5, 44)),
        Part("street", "input", (1, 220, 5, 44)),
        Part("city", "input", (1, 300, 3, 44)),
        Part("card-number", "input", (1, 420, 5, 44)),
        Part("secure-badge", "img", (7, 140, 2, 60)),
        Part("pay", "submit", (1, 540, 5, 56), calls="/api/orders"),
        Part("edit-cart", "link", (7, 540, 2, 44), leads="cart", weight=1),
        Part("order-done", "link", (7, 620, 4, 44), leads="home", weight=3),
    ),
    loads=("/api/cart", "/api/shipping"),
    states_screen=True,
)

_ACCOUNT = Page(
    name="Account",
    paths=("/account", "/account/orders"),
    queries=("reset_token=9f2c1e07", "email=someone%40example.com"),
    height=1400,
    parts=(
        *MENU,
        Part("login-email", "input", (3, 160, 5, 44)),
        Part("login-password", "input", (3, 240, 5, 44)),
        Part("login-submit", "submit", (3, 320, 5, 52), calls="/api/login"),
        Part("avatar", "img", (0.5, 160, 1.5, 120)),
        Part("order-again", "link", (3, 480, 4, 44), leads="product", weight=2),
    ),
    loads=("/api/account",),
)

_HELP = Page(
    name="Help",
    paths=("/help", "/help/returns", "/help/delivery"),
    queries=("topic=sizes",),
    height=2100,
    parts=(
        *MENU,
        Part("faq-returns", "button", (1, 160, 10, 48)),
        Part("faq-delivery", "button", (1, 220, 10, 48)),
        Part("faq-payment", "button", (1, 280, 10, 48)),
        Part("contact-text", "input", (1, 700, 6, 120)),
        Part("contact-send", "submit", (1, 850, 3, 48), calls="/api/contact"),
        Part("help-headline", "text", (1, 90, 6, 44)),
        Part("back-to-shop", "link", (8, 850, 3, 48), leads="home", weight=2),
    ),
    loads=("/api/help",),
)

_SEARCH = Page(
    name="Search",
    paths=("/search",),
    queries=("q=rain+jacket", "q=boots&size=41", "q=gift", "q=red%20bag"),
    height=2400,
    parts=(
        *MENU,
        Part("sort-select", "button", (9.5, 100, 2.3, 36), calls="/api/search"),
        Part("did-you-mean", "text", (0.2, 100, 4, 36)),
        *cards(180, 3),
        Part("page-next", "link", (5, 1500, 2, 48), leads="search", weight=1),
    ),
    loads=("/api/search",),
)

PAGES: Final = {
    "home": _HOME,
    "listing": _LISTING,
    "product": _PRODUCT,
    "cart": _CART,
    "checkout": _CHECKOUT,
    "account": _ACCOUNT,
    "help": _HELP,
    "search": _SEARCH,
}

"""What is found in free text however it is written, and what is left to be read."""

import pytest

from pipeline.masking import LONGEST_LOOKED_AT, mask

CARDS = [
    *(
        between.join(["4111", "1111", "1111", "1111"])
        for between in ["  ", "%20", "%2D", "%2d", "%C2%A0", " - ", "&nbsp;", "\\n", "\\u00a0"]
    ),
    *(
        between.join(["4111", "1111", "1111", "1111"])
        for between in " -._+\t\n\xa0\u2009\u202f\u2010\u2013\u2212\u200b"
    ),
    "\uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11",
    "4111 1111\t1111\u20131111",
    "3782 822463 10005",
    "3782-822463-10005",
    "3056 930902 5904",
    "6304 0000 0000 0000 000",
]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "around",
    ["{}", "a{}", "{}f", "2024 {}", "{} 12/26", "{} 12 26", "no. 7 {}, {}", "id_{}", "no.%20{}%20{}", "x=%22{}%22"],
)
def test_a_card_number_is_masked_however_it_is_grouped(card: str, around: str) -> None:
    assert mask(around.format(card, card)) == around.format("[card]", "[card]")


@pytest.mark.parametrize("between", [" ", "-", "%20", "\u2013"])
def test_a_card_oddly_grouped_is_masked_where_no_other_number_is_beside_it(between: str) -> None:
    card = between.join(["41"] + ["11"] * 7)
    assert mask(f"a {card}, {card}") == "a [card], [card]"
    assert mask(f"7 {card}") == f"7 {card}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a%201234567890", "a%20[digits]"),
        ("2024 41111111 11111111 12", "2024 [card] 12"),
        ("id123456789a", "id[digits]a"),
        ("abc123456789", "abc[digits]"),
        ("0x123456789", "0x[digits]"),
        ("abcdef12345678901234567890123456", "abcdef[digits]"),
        ("a1b2c3dd4111111111111111a1b2c3d4", "a1b2c3dd[card]a1b2c3d4"),
        ("4111111111111111.123456789", "[card].[digits]"),
        ("4111 1111 1111 1111 3 7 8 2 822463 10005", "[card] [card]"),
        ("123456789 1234567890", "[digits] [digits]"),
    ],
)
def test_long_numbers_beside_letters_and_other_numbers_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "507f1f77bcf86cd799439011",
        "0x507f1f77bcf86cd799439011",
        "9e107d9d372bb6826bd81d3542a419d6",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "550e8400-e29b-41d4-a716-446655440000",
        "192.168.100.100 104.100.100.1",
        "2024-01-05T12:30:45.123456Z",
        "52.520008, 13.404954",
        "1.123456789",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
        "matrix(1.25, 0, 0, 1.25, 100, 200)",
        "@handle, a@b, it's @ home",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0",
    ],
)
def test_ordinary_texts_are_left_as_they_are(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ann%2540b.example", "[email]"),
        ("ann\uff20b.example", "[email]"),
        ("ann&#64;b.example", "[email]"),
        ("ann&#x40;b.example", "[email]"),
        (r"ann\u0040b.example", "[email]"),
        ("ann@b%2Eexample", "[email]"),
        ("o'brien@b.example", "[email]"),
        ("'ann@b.example'", "'[email]'"),
        ('"ann bell"@b.example', "[email]"),
        ("ann@[192.0.2.1]", "[email]"),
        ("ann@[IPv6:2001:db8::1]", "[email]"),
        ("ann@bücher.example", "[email]"),
        ("a!b#c$d&e*f^g{h}|i~j`k@b.example", "[email]"),
        ("mailto:ann@b.example", "mailto:[email]"),
        ("email=ann@b.example", "email=[email]"),
        ("to%20ann%40b.example", "[email]"),
        ("%40ann@b.example", "%40[email]"),
        ("a&amp;ann@b.example", "a&amp;[email]"),
        ("<ann@b.example>,bob@b.example", "<[email]>,[email]"),
    ],
)
def test_an_address_is_masked_whole_however_it_is_written(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize("row", ["10 " * 20, "2024 4111 1111 1111 1111 99", "4111.1111.1111.1111"])
def test_in_a_very_long_text_a_row_of_numbers_is_masked_whole(row: str) -> None:
    text = "a" * LONGEST_LOOKED_AT + " "
    assert mask(text + row.strip() + " x") == text + "[digits] x"
    assert "[digits]" not in mask("a " + row.strip())

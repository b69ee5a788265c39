"""JSON and TOML of other people: every refusal is a ValueError, and what is written comes back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core import json_text, toml_text

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(categories=("L", "Cc", "Cf", "Cs"))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(categories=("L", "Cs", "Cc"))), inner),
    max_leaves=8,
)  # fmt: skip


@given(ANY)
def test_what_is_written_is_read_back_and_safe(value):
    """Exactly, whatever signs it holds; UTF-8 can hold the text, and no terminal obeys it."""
    text = json_text.written(value)
    assert json_text.parse(text) == value == json.loads(text)
    text.encode()
    assert not any(0x7F <= ord(sign) <= 0x9F or ord(sign) < 0x20 for sign in text)
    assert "\u202e" not in text


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "", "nan", b"\xff", "1" * 5000])
def test_json_that_cannot_be_read_is_a_value_error(text):
    """Nesting that overflows the reader, no JSON, no UTF-8, a number of thousands of digits."""
    with pytest.raises(ValueError, match=r"."):
        json_text.parse(text)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{b=" * 50_000, "a = 1" + "0" * 5000, "a", "\x00"])  # fmt: skip
def test_toml_that_cannot_be_read_is_a_value_error(text):
    """The same of TOML."""
    with pytest.raises(ValueError, match=r"."):
        toml_text.parse(text)


def test_encodable_says_what_utf8_can_hold():
    """Halves of pairs cannot be; whole signs beyond the first plane can."""
    assert json_text.encodable("plain")
    assert json_text.encodable("\U0001f600\u202e\x00")
    assert not json_text.encodable("a\ud83d")

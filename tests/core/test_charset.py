"""Text is read and written in any charset we know, large or small, as Python's codec does it at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.charset import decoded, encoded, utf_8

CODECS = [
    "iso2022_jp",
    "iso2022_kr",
    "iso2022_jp_2004",
    "hz",
    "euc_jis_2004",
    "cp932",
    "gb18030",
    "cp1252",
    "latin_1",
    "utf_7",
    "utf_16",
]
CHARACTERS = st.sampled_from(["a", "é", "日本", "か゚", "\r\n", "한국", "œ", "~", "æ̀"])


@given(st.lists(CHARACTERS, max_size=20), st.sampled_from(CODECS), st.binary(max_size=8), st.integers(1, 5))
@settings(max_examples=1000)
def test_the_length_of_a_step_changes_nothing(characters: list[str], codec: str, noise: bytes, step: int) -> None:
    def everything() -> tuple[bytes | None, str | None, str | None, bytes]:
        coded = encoded(text, codec)
        return coded, decoded(coded or b"", codec), decoded((coded or b"") + noise, codec), utf_8(text)

    text = "".join(characters)
    expected = everything()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.core.charset.STEP", step)
        assert everything() == expected

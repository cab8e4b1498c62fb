"""The words go before the last body close a browser would see, in time linear in the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from gateway.core.html import insertion_point, walked
from tests.support.timing import grows

TOKENS = [
    *(b"<!--", b"-->", b"--!>", b"<!-->", b"<style>", b"</style>", b"<title", b"</title>", b"<textarea>", b"</textarea >"),
    *(b"<script/", b"</script>", b'<a b="', b"<a c='", b'"', b"'", b"=", b">", b"<", b"/", b"!", b"--", b" x", b"<p>", b"</p>"),
    *(b"<br/>", b"<!", b"<?", b"</", b"<%", b"</body>", b"</BODY >", b"</html>", b"</body", b"</bodyx>"),
]


@pytest.mark.parametrize(
    ("page", "before"),
    [
        (b"<html><body>x</body></html>", b"</body></html>"),
        (b"<HTML><BODY>x</BODY ></HTML>", b"</BODY ></HTML>"),
        (b"<body>x</body><!-- </body> --></html>", b"</body><!-- </body> --></html>"),
        (b"<body>x<!-- </body> -->y", b""),
        (b"<body>x</body>y</body>", b"</body>"),
        (b"<body>x</html>", b"</html>"),
        (b"<p>x</p>", b""),
        (b"", b""),
        (b"<body><!--[if mso]></body><![endif]-->x</body>", b"</body>"),
        (b"<body><!--[if !mso]><!-->x</body><!--<![endif]-->", b"</body><!--<![endif]-->"),
        (b"<body><script>'</body>'</script>x", b""),
        (b"<body><textarea></body></textarea>x</body>", b"</body>"),
        (b"<style></body></style>x", b""),
        (b"<title></body></title>x", b""),
        (b"<body><a title='</body>'>x</a>", b""),
        (b'<body><a title="> </body>">x</a></body>', b"</body>"),
        (b"<body>x</bodyguard>y", b""),
        (b"<body>x</body", b"</body"),
        (b"<body>x<!-- never closed </body></html>", b"<!-- never closed </body></html>"),
        (b"<body>x<style>p{}</body></html>", b"<style>p{}</body></html>"),
        (b'<body>x<a href="y</body></html>', b'<a href="y</body></html>'),
        (b"<body>it's <% a > b %> </body>", b"</body>"),
        (b"<body>a < b</body >", b"</body >"),
        (b'<script></script x="</script></body>', b'<script></script x="</script></body>'),
        (b'<body>x<title="<a b="</body></html>', b'<title="<a b="</body></html>'),
    ],
)
def test_words_go_before_the_last_real_body_close(page: bytes, before: bytes) -> None:
    at = insertion_point(page)
    assert page[at:] == before
    assert walked(page) == at


@given(st.lists(st.sampled_from(TOKENS), max_size=16), st.booleans())
@settings(max_examples=1500)
def test_the_quick_way_and_the_walk_agree_on_any_soup(tokens: list[bytes], closed: bool) -> None:
    page = b"".join(tokens) + (b"</body></html>" if closed else b"")
    assert insertion_point(page) == walked(page)


@given(st.lists(st.sampled_from(TOKENS), max_size=12))
@settings(max_examples=1000)
def test_words_are_never_swallowed_by_what_stands_before_them(tokens: list[bytes]) -> None:
    page = b"<html><body><p>hello</p>" + b"".join(token for token in tokens if b"<?" not in token) + b"</body></html>"
    at = insertion_point(page)
    tree = LexborHTMLParser((page[:at] + b"<b id=words>here</b>" + page[at:]).decode())
    assert tree.css_first("b#words") is not None


@pytest.mark.parametrize(
    "hiding",
    [
        b"<script/--><!--<script/</script>",
        b"<script><!--<script></script>",
        b"<script><!-- <script></script> <script></script>",
        b"<SCRIPT><!--<Script ></script ></body>",
    ],
)
def test_a_script_hidden_in_a_script_hides_the_end_tag_as_in_a_browser(hiding: bytes) -> None:
    page = b"<html><body><p>hello</p>" + hiding + b"</body></html>"
    assert insertion_point(page) == page.index(hiding)


@pytest.mark.parametrize(
    "shown",
    [
        b"<script><!--</script>",
        b"<script><!--><script></script>",
        b"<script><!---><script></script>",
        b"<script><!--<script>--></script>",
        b"<script><!--<script></script></script>",
        b"<script><!--<scripts></script>",
        b"<script><script></script>",
    ],
)
def test_a_script_that_ends_hides_nothing_after_it(shown: bytes) -> None:
    page = b"<html><body><p>hello</p>" + shown + b"<p>there</p></body></html>"
    at = insertion_point(page)
    assert at == page.rindex(b"</body>")
    assert LexborHTMLParser((page[:at] + b"<b id=words>here</b>" + page[at:]).decode()).css_first("b#words") is not None


WORST = [
    *(
        b"<!--",
        b"</body",
        b"</body>",
        b"<body>",
        b'<a "',
        b'<a b="',
        b"<a b='>",
        b"<",
        b" ",
        b"<!-",
        b"<a =",
        b"-->",
        b"<!---",
        b"<!-- -->",
    ),
    *(
        b"<style>",
        b"<style",
        b"</style",
        b"<style></style ",
        b"<title></title>",
        b"<title x",
        b"<script/",
        b"\r\n",
        b"<td>\xc3\xa9</td>",
        b'</script x="',
        b"</script ",
        b"</script =",
    ),
]


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("atom", WORST)
@pytest.mark.parametrize("head", [b"", b"<script>"])
@pytest.mark.parametrize("tail", [b"", b"</body></html>", b'"</body></html>'])
def test_the_search_is_linear_on_its_worst_pages(atom: bytes, head: bytes, tail: bytes) -> None:
    def search(times: int) -> Callable[[], object]:
        return partial(insertion_point, head + atom * times + tail)

    grows(search, 40_000, 80_000, lambda small: 2.5 * small + 0.03)


@given(st.lists(st.sampled_from(TOKENS), max_size=12), st.integers(1, 9))
@settings(max_examples=1500)
def test_the_length_of_a_step_changes_nothing(tokens: list[bytes], step: int) -> None:
    page = b"".join(tokens)
    expected = walked(page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.core.html.STEP", step)
        assert walked(page) == expected

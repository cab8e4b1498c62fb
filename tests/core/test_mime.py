"""Structure has limits, and no message takes long to read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.core.mime import Fault, Malformed, Message, parse
from gateway.core.rewrite import Edit, rewrite
from tests.core.test_rewrite import TEXT, many, part
from tests.support.letters import HEAD, words
from tests.support.timing import grows, within


def test_the_limits_of_structure_hold() -> None:
    def parts(count: int) -> bytes:
        return HEAD + many("mixed", *[TEXT] * count) + b"\r\n"

    def nested(depth: int) -> bytes:
        opened = b"".join(b'Content-Type: multipart/mixed; boundary="n%d"\r\n\r\n--n%d\r\n' % (at, at) for at in range(depth))
        return HEAD + opened + TEXT + b"\r\n"

    assert isinstance(parse(parts(500)), Message)
    assert parse(parts(501)) == Malformed(Fault.PARTS)
    assert isinstance(parse(nested(50)), Message)
    assert parse(nested(51)) == Malformed(Fault.DEPTH)
    assert parse(nested(5000)) == Malformed(Fault.DEPTH)
    assert parse(HEAD + many("mixed", b"no colon\r\n\r\nx") + b"\r\n") == Malformed(Fault.PART_HEADER)
    assert parse(HEAD + many("mixed", b"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\nx") + b"\r\n") == Malformed(Fault.PART_HEADER)
    assert parse(HEAD + part('Content-Type: multipart/mixed; boundary="b "', b"--b \r\n\r\nx\r\n")) == Malformed(Fault.BOUNDARY)


WORST = {
    "boundaries": (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", b"\r\n--b\r\n"),
    "near boundaries": (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n", b"\r\n--bx"),
    "dashes": (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n", b"--"),
    "soft breaks": (b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", b"=\r\n"),
    "equals": (b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", b"="),
    "comments": (b"Content-Type: text/html\r\n\r\n", b"<!--"),
    "closers": (b"Content-Type: text/html\r\n\r\n", b"</body"),
    "spaces": (b"Content-Type: text/plain; format=flowed\r\n\r\n", b" "),
    "lines": (b"Content-Type: text/plain\r\n\r\n", b"\r\n"),
    "base64": (b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n", b"PCEtLQ==\r\n"),
    "odd base64": (b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n", b"PCEt\r\n\r\n"),
}


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("name", WORST)
def test_parse_and_rewrite_are_linear_on_their_worst_messages(name: str) -> None:
    head, atom = WORST[name]

    def relaying(size: int) -> Callable[[], None]:
        raw = HEAD + head + atom * (size // len(atom)) + b"\r\n"

        def relay() -> None:
            message = parse(raw)
            if isinstance(message, Message):
                rewrite(message, Edit((), frozenset(), words(), eight_bit=False))

        return relay

    grows(relaying, 1_000_000, 2_000_000, lambda small: 2.5 * small + 0.02)


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "field",
    [
        *(b"Content-Type: " + b" " * 30_000, b"Content-Type: a/b;" + b" ;" * 15_000, b'Content-Type: a/b; c="' + b'\\"' * 15_000),
        *(b"Content-Type: a/b" + b"; x=" * 8_000, b"Content-Type: " + b"a" * 30_000, b"Content-Type: a/b; " + b"a" * 30_000),
        *(b"X: " + b" \r\n a" * 900, b"Sender: " + b"(" * 30_000, b"Sender: " + b'"' * 29_999, b"Sender: " + b"<" * 30_000),
        b"Sender: " + b"a." * 15_000 + b"@",
    ],
)
def test_no_header_field_takes_long_to_read(field: bytes) -> None:
    within(0.05, lambda: parse(HEAD + field + b"\r\n\r\nx\r\n"))

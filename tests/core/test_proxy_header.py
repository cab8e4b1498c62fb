"""The PROXY header: read the same however it is cut, believed only when it is exactly what the specification says."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.core.proxy_header import (
    HEADER_LIMIT,
    LINE_LIMIT,
    SIGNATURE,
    HeaderFault,
    Incomplete,
    Introduced,
    listed,
    read_header,
)

V4 = IPv4Address("192.0.2.7").packed + IPv4Address("198.51.100.1").packed + b"\xdc\x04\x01\xbb"
V6 = IPv6Address("2001:db8::7").packed + IPv6Address("2001:db8::1").packed + b"\xdc\x04\x01\xbb"
UNIX = b"/run/client".ljust(108, b"\0") + b"/run/server".ljust(108, b"\0")
TLV = b"\x02\x00\x0bexample.com" + b"\x04\x00\x00" + b"\xe0\x00\x03abc"


def binary(command: int, family: int, block: bytes, version: int = 2) -> bytes:
    return SIGNATURE + bytes([version << 4 | command, family]) + len(block).to_bytes(2, "big") + block


LINES = [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 465\r\n", "192.0.2.7"),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    (b"PROXY TCP4 1.1.1.1 1.1.1.1 0 0\r\n", "1.1.1.1"),
    (b"PROXY TCP6 2001:db8::7 2001:DB8::1 56324 465\r\n", "2001:db8::7"),
    (b"PROXY TCP6 2001:0DB8:0:0:0:0:0:7 :: 1 1\r\n", "2001:db8::7"),
    (b"PROXY TCP6 " + b":".join([b"ffff"] * 8) + b" " + b":".join([b"ffff"] * 8) + b" 65535 65535\r\n", ":".join(["ffff"] * 8)),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 56324 465\r\n", "192.0.2.7"),
    (b"PROXY UNKNOWN\r\n", ""),
    (b"PROXY UNKNOWN \r\n", ""),
    (b"PROXY UNKNOWN " + b" ".join([b":".join([b"ffff"] * 8)] * 2) + b" 65535 65535\r\n", ""),
    (b"PROXY UNKNOWN whatever \xff\0 this is\r\n", ""),
]
BINARIES = [
    (binary(1, 0x11, V4), "192.0.2.7"),
    (binary(1, 0x21, V6), "2001:db8::7"),
    (binary(1, 0x21, IPv6Address("::ffff:192.0.2.7").packed + V6[16:]), "192.0.2.7"),
    (binary(1, 0x11, V4 + TLV), "192.0.2.7"),
    (binary(1, 0x21, V6 + b"\x04\xff\xff"), "2001:db8::7"),  # a TLV is skipped unread, even one that lies about its length
    (binary(1, 0x31, UNIX), ""),
    (binary(1, 0x12, V4), ""),  # UDP cannot be the client of a TCP listener: nobody is named
    (binary(1, 0x00, b""), ""),
    (binary(1, 0x00, V4), ""),
    (binary(1, 0x10, b""), ""),
    (binary(0, 0x00, b""), ""),
    (binary(0, 0x11, V4), ""),  # LOCAL: the addresses are to be ignored
    (binary(0, 0xFF, TLV), ""),
    (binary(1, 0x11, V4 + b"\0" * (HEADER_LIMIT - 28)), "192.0.2.7"),
]
SOUND = [header for header, _ in LINES + BINARIES]


@pytest.mark.parametrize(("header", "client"), LINES + BINARIES)
def test_a_sound_header_names_its_client_and_ends_where_it_ends(header: bytes, client: str) -> None:
    assert read_header(header) == Introduced(client, len(header))
    assert read_header(header + b"EHLO client.example\r\n" + header) == Introduced(client, len(header))


@pytest.mark.parametrize("header", SOUND)
def test_a_reader_never_waits_for_less_or_takes_more_than_the_header(header: bytes) -> None:
    taken = 0
    for end in range(len(header)):
        short = read_header(header[:end])
        assert isinstance(short, Incomplete)
        assert 1 <= short.least <= len(header) - end
    while isinstance(reading := read_header(header[:taken]), Incomplete):
        taken += reading.least
    assert taken == len(header)


@pytest.mark.parametrize("header", [header for header, _ in LINES])
def test_a_line_is_taken_in_few_steps(header: bytes) -> None:
    steps, taken = 0, 0
    while isinstance(reading := read_header(header[:taken]), Incomplete):
        taken, steps = taken + reading.least, steps + 1
    assert steps <= (48 if header.startswith((b"PROXY UNKNOWN ", b"PROXY TCP6 f")) else 10)


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"EHLO client.example\r\n", HeaderFault.FOREIGN),
        (b"proxy TCP4 192.0.2.7 198.51.100.1 1 1\r\n", HeaderFault.FOREIGN),
        (b"PROXY\tTCP4", HeaderFault.FOREIGN),
        (b"\x16\x03\x01\x02\x00\x01", HeaderFault.FOREIGN),
        (b"\r\n\r\nQUIT", HeaderFault.FOREIGN),
        (b" PROXY UNKNOWN\r\n", HeaderFault.FOREIGN),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 1\n", HeaderFault.LINE),
        (b"PROXY UNKNOWN\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 1\r \r\n", HeaderFault.LINE),
        (b"PROXY \r\n", HeaderFault.LINE),
        (b"PROXY UNKNOWNS\r\n", HeaderFault.LINE),
        (b"PROXY  TCP4 192.0.2.7 198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY UDP4 192.0.2.7 198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 1 \r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7  198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.07 198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.256 198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2 198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7/32 198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 nowhere 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 2001:db8::7 2001:db8::1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP6 192.0.2.7 198.51.100.1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP6 fe80::7%eth0 fe80::1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP6 2001:db8::7::1 2001:db8::1 1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 01 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 +1\r\n", HeaderFault.LINE),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 1_0\r\n", HeaderFault.LINE),
        ("PROXY TCP4 192.0.2.\u0667 198.51.100.1 1 1\r\n".encode(), HeaderFault.LINE),
        (b"PROXY UNKNOWN " + b"x" * (LINE_LIMIT - 14), HeaderFault.TOO_LONG),
        (b"PROXY UNKNOWN " + b"x" * (LINE_LIMIT - 15) + b"\r\n", HeaderFault.TOO_LONG),
        (binary(1, 0x11, V4, version=1), HeaderFault.VERSION),
        (binary(1, 0x11, V4, version=3), HeaderFault.VERSION),
        (binary(2, 0x11, V4), HeaderFault.COMMAND),
        (binary(15, 0x11, V4), HeaderFault.COMMAND),
        (binary(1, 0x41, V4), HeaderFault.FAMILY),
        (binary(1, 0x13, V4), HeaderFault.FAMILY),
        (binary(1, 0x11, V4[:-1]), HeaderFault.TOO_SHORT),
        (binary(1, 0x21, V4), HeaderFault.TOO_SHORT),
        (binary(1, 0x31, V6), HeaderFault.TOO_SHORT),
        (binary(1, 0x11, V4 + b"\0" * (HEADER_LIMIT - 27)), HeaderFault.TOO_LONG),
        (binary(0, 0x00, b"\0" * 65535), HeaderFault.TOO_LONG),
    ],
)
def test_what_is_not_exactly_a_header_is_refused(octets: bytes, fault: HeaderFault) -> None:
    assert read_header(octets) is fault


NOISE = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(b"PROXY TCP4 ".__add__),
    st.binary(max_size=300).map(SIGNATURE.__add__),
    st.text("PROXYTCP46 .:0127f\r\n%", max_size=120).map(lambda text: b"PROXY " + text.encode()),
    st.builds(binary, st.integers(0, 15), st.integers(0, 255), st.binary(max_size=300), st.integers(0, 15)),
)


@given(NOISE)
@example(b"")
@example(b"\n")
@example(b"PROXY \n")
def test_any_octets_are_read_without_a_fault_of_ours(octets: bytes) -> None:
    match read_header(octets):
        case Introduced(_, length):
            assert length <= len(octets)
        case Incomplete(least):
            assert least >= 1
            assert len(octets) < HEADER_LIMIT


@given(NOISE, st.binary(max_size=50))
def test_what_was_read_once_stays_read_whatever_follows(octets: bytes, more: bytes) -> None:
    reading = read_header(octets)
    assume(not isinstance(reading, Incomplete))
    assert read_header(octets + more) == reading


@given(st.sampled_from(SOUND), st.binary(max_size=60), st.lists(st.integers(1, 90)))
def test_any_cutting_of_the_octets_reads_the_same(header: bytes, rest: bytes, cuts: list[int]) -> None:
    octets, end = header + rest, 0
    for cut in [*cuts, len(octets)]:
        end = min(end + cut, len(octets))
        reading = read_header(octets[:end])
        if not isinstance(reading, Incomplete):
            break
    assert reading == read_header(header)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), st.integers(0, 65535), st.integers(0, 65535))
def test_both_versions_name_the_same_client(source: IPv4Address, destination: IPv4Address, port: int, own: int) -> None:
    line = f"PROXY TCP4 {source} {destination} {port} {own}\r\n".encode()
    block = source.packed + destination.packed + port.to_bytes(2, "big") + own.to_bytes(2, "big")
    for header in (line, binary(1, 0x11, block)):
        assert read_header(header) == Introduced(str(source), len(header))


def test_a_peer_is_listed_by_address_or_network_only() -> None:
    networks = (ip_network("192.0.2.0/24"), ip_network("2001:db8::5/128"))
    for address in ("192.0.2.1", "192.0.2.255", "2001:db8::5", "2001:db8:0::5", "::ffff:192.0.2.9"):
        assert listed(address, networks), address
    for address in ("192.0.3.1", "2001:db8::6", "", "localhost", "192.0.2.1:25", "::192.0.2.1"):
        assert not listed(address, networks), address
    assert not listed("192.0.2.1", ())

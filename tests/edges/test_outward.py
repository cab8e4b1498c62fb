"""The one https client: forty URLs that want to be led inside, names that change their mind, slow and endless answers."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dns.asyncresolver
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.outward import MAX_BODY, Answer, Forbidden, Outward, is_public
from gateway.flow.ports import Unavailable
from tests.support.dns import Zone, name_server

HOME, INSIDE = "127.0.0.1", "127.0.0.2"


@dataclass
class Server:
    """Answers what it is told, and counts who comes in."""

    response: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    came: int = 0
    heads: list[bytes] = field(default_factory=list)
    port: int = 0
    waits: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.came += 1
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.response)
            await writer.drain()
            if self.waits:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(host: str = HOME, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on a loopback address."""
    one = Server()
    listener = await asyncio.start_server(one.serve, host, port, ssl=tls)
    one.port = listener.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        listener.close()


@dataclass
class Names:
    """A resolver that answers from a script: each look takes the next answer, the last one repeats."""

    answers: list[Sequence[str]]
    asked: int = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The next answer."""
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def authority(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """An authority's file, and a server that it vouches for."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ca.issue_cert(*names).configure_cert(context)
    return folder / "ca.pem", context


def only(*addresses: str) -> Callable[[ipaddress.IPv4Address | ipaddress.IPv6Address], bool]:
    """Only these may be reached: stands for the public internet, which a test must not touch."""
    return lambda address: str(address) in addresses


FORTY = (
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://2130706433:{port}/",
    "https://017700000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0.0.1:{port}/",
    "https://0x7f.1:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://127.000.000.001:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://ip6-localhost:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://192.168.0.1:{port}/",
    "https://100.64.0.1:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://partner.example@127.0.0.1:{port}/",
    "https://partner.example:x@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@partner.example/",
    "https://partner.example#@127.0.0.1:{port}/",
    "https://①②⑦.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET%20/",
    "http://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/\r\nHost: inside",
    "//127.0.0.1:{port}/",
    "https://",
    "",
)


@pytest.mark.parametrize("url", FORTY)
async def test_no_url_leads_to_our_own_network(url: str) -> None:
    """T17, R-FR-35: nobody is connected to, whatever the host is written as; `partner.example` itself lies inside."""
    async with serving() as home:
        for ports in ((), (home.port,)):
            names = Names([[HOME]])
            with pytest.raises(Unavailable):
                await Outward(ports=ports, resolve=names).get(url.format(port=home.port))
        assert home.came == 0


@pytest.mark.parametrize(
    "addresses", [[HOME], ["169.254.169.254"], ["8.8.8.8", HOME], ["::ffff:127.0.0.1"], ["fe80::1%lo"], ["no ip"]]
)
async def test_a_name_with_one_address_inside_is_refused(addresses: list[str]) -> None:
    """T17."""
    with pytest.raises(Forbidden):
        await Outward(resolve=Names([addresses])).get("https://hooks.partner.example/")


async def test_a_port_that_nobody_allowed_is_refused() -> None:
    """T17: mail, databases and consoles listen elsewhere than at 443."""
    names = Names([["8.8.8.8"]])
    for port in (22, 25, 80, 6379, 8443):
        with pytest.raises(Forbidden):
            await Outward(resolve=names, ports=(9443,)).get(f"https://hooks.partner.example:{port}/")
    assert names.asked == 0


async def test_a_name_is_resolved_once_and_that_address_is_connected_to(tmp_path: Path) -> None:
    """T17: a name server that changes its answer after the check leads nowhere; certificate and Host are still the name's."""
    ca, tls = authority(tmp_path, "hooks.partner.example")
    async with serving(HOME, tls=tls) as home, serving(INSIDE, home.port, tls) as inside:
        names = Names([[HOME], [INSIDE]])
        out = Outward(ports=(home.port,), ca_file=ca, resolve=names, permitted=only(HOME))
        assert await out.get(f"https://hooks.partner.example:{home.port}/way?x=1") == Answer(200, b"ok")
        assert (names.asked, home.came, inside.came) == (1, 1, 0)
        assert home.heads[0].startswith(b"GET /way?x=1 HTTP/1.1\r\n")
        assert f"Host: hooks.partner.example:{home.port}\r\n".encode() in home.heads[0]
        with pytest.raises(Forbidden):
            await out.get(f"https://hooks.partner.example:{home.port}/way")
        assert (home.came, inside.came) == (1, 0)


async def test_a_real_name_server_that_rebinds_leads_nowhere(tmp_path: Path) -> None:
    """T17: the first answer of a name without a lifetime is the only one that is asked for."""
    ca, tls = authority(tmp_path, "rebind.example")
    zone = Zone(ttl=0)
    zone.put("rebind.example", "A", HOME)
    async with name_server(zone), serving(HOME, tls=tls) as home, serving(INSIDE, home.port, tls) as inside:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [zone.address[0]], zone.address[1]

        async def resolve(host: str, port: int) -> list[str]:
            found = [str(one) for one in await resolver.resolve(host, "A")]
            zone.put("rebind.example", "A", INSIDE)
            return found

        out = Outward(ports=(home.port,), ca_file=ca, resolve=resolve, permitted=only(HOME))
        assert (await out.post(f"https://rebind.example:{home.port}/", b"{}", {})).status == 200
        with pytest.raises(Forbidden):
            await out.post(f"https://rebind.example:{home.port}/", b"{}", {})
        assert (home.came, inside.came) == (1, 0)


async def test_a_certificate_of_somebody_else_ends_the_talk(tmp_path: Path) -> None:
    ca, tls = authority(tmp_path, "other.example")
    async with serving(tls=tls) as home:
        out = Outward(ports=(home.port,), ca_file=ca, resolve=Names([[HOME]]), permitted=only(HOME))
        with pytest.raises(Unavailable) as failure:
            await out.get(f"https://hooks.partner.example:{home.port}/secret-path")
        assert home.heads == []
        assert "partner" not in failure.value.what


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """T17: 302 to the metadata address."""
    async with serving() as home, serving(INSIDE) as inside:
        home.response = (
            f"HTTP/1.1 302 Found\r\nLocation: http://{INSIDE}:{inside.port}/\r\nRefresh: 0;url=http://169.254.169.254/\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()
        assert (await Outward(loopback=True).get(f"http://{HOME}:{home.port}/")).status == 302
        assert inside.came == 0


async def test_our_own_machine_is_reached_only_where_the_configuration_allows_it_and_by_its_own_name() -> None:
    async with serving() as home:
        out = Outward(loopback=True, resolve=Names([[HOME]]))
        for host in (HOME, "localhost"):
            assert (await out.get(f"http://{host}:{home.port}/")).body == b"ok"
        for host in (INSIDE, "rebind.example", "0x7f.1", "[::ffff:127.0.0.1]"):
            for scheme in ("http", "https"):
                with pytest.raises(Forbidden):
                    await out.get(f"{scheme}://{host}:{home.port}/")
        assert home.came == 2


async def test_an_endless_answer_is_cut() -> None:
    """T17: 64 kB."""
    async with serving() as home:
        home.response = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (4 * MAX_BODY)
        assert len((await Outward(loopback=True).get(f"http://{HOME}:{home.port}/")).body) == MAX_BODY


async def test_a_packed_answer_is_not_unpacked() -> None:
    async with serving() as home:
        home.response = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
        assert (await Outward(loopback=True).get(f"http://{HOME}:{home.port}/")).body == b"abc"


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"])
async def test_an_answer_that_does_not_end_is_given_up(response: bytes) -> None:
    """T17: 5 s in all, whatever trickles in."""
    async with serving() as home:
        home.response, home.waits = response, True
        with pytest.raises(Unavailable):
            await Outward(loopback=True, seconds=0.2).get(f"http://{HOME}:{home.port}/")


async def test_a_name_that_nobody_knows_is_told_in_closed_words() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError(f"no address for {host}")

    for names in (resolve, Names([[]])):
        with pytest.raises(Unavailable) as failure:
            await Outward(resolve=names).get("https://secret.partner.example/")
        assert not isinstance(failure.value, Forbidden)
        assert "secret" not in str(failure.value)


@given(st.ip_addresses())
def test_an_address_that_is_not_global_is_never_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast or address.is_reserved:
        assert not is_public(address)


@given(st.text(max_size=60))
def test_any_text_for_a_url_is_refused_or_resolved(text: str) -> None:
    """No text is an error of another kind, and none is connected to."""

    async def asked() -> None:
        for url in (text, f"https://{text}", f"https://a.example/{text}"):
            with pytest.raises(Unavailable):
                await Outward(resolve=Names([[]])).get(url)

    asyncio.run(asked())

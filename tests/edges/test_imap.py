"""A mailbox over IMAP, before a real Dovecot: read once and in order, whatever is cut off, and left exactly as it lies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.clock import SystemClock
from gateway.edges.imap.session import Account, Refused, Session, folder_name, logged_in, quoted, read_fetched
from gateway.edges.imap.watch import Watch
from gateway.edges.imap.wire import Said, Wire
from gateway.edges.logs import JsonLog
from gateway.flow.ports import Unavailable
from tests.support.dovecot import PASSWORD, USER, Dovecot, dovecot, needs_dovecot

MINUTE = timedelta(minutes=1)
FAST = (0.05,)


@dataclass
class Reader:
    """A desk that notes what it is given, by its first line; `fails` is how often the next mails are not taken."""

    validity: int = 0
    uid: int = 0
    seen: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    moves: list[tuple[int, int]] = field(default_factory=list)
    fails: int = 0
    about: bytes = b"known"
    news: asyncio.Event = field(default_factory=asyncio.Event)
    left: list[bytes] = field(default_factory=list)
    heard: list[bool] = field(default_factory=list)

    def told(self, mailbox: str, read: bool) -> None:
        """Whether the mailbox can be read, each change once."""
        if self.heard[-1:] != [read]:
            self.heard.append(read)
            self.news.set()

    async def place(self) -> tuple[int, int]:
        """See `watch.Desk`."""
        return self.validity, self.uid

    async def move(self, validity: int, uid: int) -> None:
        """See `watch.Desk`."""
        self.validity, self.uid = validity, uid
        self.moves.append((validity, uid))
        self.news.set()

    async def take(self, data: bytes) -> bool:
        """See `watch.Desk`."""
        if self.fails:
            self.fails -= 1
            self.news.set()
            raise Unavailable("book")
        if b"Subject: poison" in data:
            raise ValueError("a fault of ours")
        self.seen.append(data.partition(b"\r\n")[0].removeprefix(b"Subject: "))
        self.sizes.append(len(data))
        return self.about in data

    async def leave(self, data: bytes) -> None:
        """See `watch.Desk`."""
        self.left.append(data.partition(b"\r\n")[0])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true of what was read."""
        async with asyncio.timeout(30):
            while not condition():
                self.news.clear()
                await self.news.wait()


def letter(name: str, text: str = "hello") -> bytes:
    return f"Subject: {name}\r\nFrom: anne@home.example\r\n\r\n{text}\r\n".encode()


def account(server: Dovecot, **different: object) -> Account:
    given: dict[str, object] = {
        "host": "127.0.0.1",
        "port": server.port,
        "tls": server.tls,
        "username": USER,
        "password": PASSWORD.encode(),
    }
    return Account(**{**given, **different})  # type: ignore[arg-type]


@asynccontextmanager
async def watching(
    where: Account,
    desk: Reader,
    every: timedelta = MINUTE,
    look_back: timedelta = timedelta(days=30),
    retry: Sequence[float] = FAST,
) -> AsyncIterator[StringIO]:
    """A watch that runs; what it logged."""
    log = StringIO()
    task = asyncio.create_task(
        Watch("answers", where, desk, every, look_back, SystemClock(), JsonLog(log), desk.told, asyncio.ensure_future, retry).run()
    )
    try:
        yield log
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@needs_dovecot
async def test_what_lies_there_and_what_comes_is_read_once_and_in_order(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        server.put(letter("one"))
        server.put(letter("two"))
        desk = Reader()
        async with watching(account(server), desk):
            await desk.until(lambda: len(desk.seen) == 2)
            server.put(letter("three"))
            await desk.until(lambda: desk.uid == 3)
        assert desk.seen == [b"one", b"two", b"three"]
        async with watching(account(server), desk):
            server.put(letter("four"))
            await desk.until(lambda: desk.uid == 4)
        assert desk.seen == [b"one", b"two", b"three", b"four"]


@needs_dovecot
async def test_nothing_in_the_mailbox_changes(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        server.put(letter("new"))
        server.put(letter("looked at"), flags="S")
        server.put(letter("flagged"), flags="FS")
        server.put(letter("elsewhere"), folder="Archive")
        server.put(b"\xff\x00 no mail at all")
        before = server.lies()
        desk = Reader(about=b"")
        async with watching(account(server), desk):
            await desk.until(lambda: desk.uid == 4)
        assert server.lies() == before
        async with logged_in(account(server)) as session:
            assert not (await session.open()).markable
            with suppress(Refused):
                await session._command(b"UID STORE 1:* +FLAGS (\\Deleted)")
        assert server.lies() == before


@needs_dovecot
async def test_only_mail_about_somebody_known_bears_the_keyword(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        server.put(letter("a stranger"))
        server.put(letter("a customer", "known"))
        before = server.lies()
        desk = Reader()
        async with watching(account(server, keyword="$GatewayRead"), desk):
            await desk.until(lambda: desk.uid == 2)
        after = server.lies()
        assert sorted(after.values()) == sorted(before.values())
        assert sorted(name.rpartition(":")[2] for name in after) == ["", "a"]  # Dovecot writes its first keyword as a
        assert (server.base / "mail" / "dovecot-keywords").read_text() == "0 $GatewayRead\n"
        (marked,) = [text for name, text in after.items() if name.endswith(":a")]
        assert b"known" in marked


@needs_dovecot
async def test_goes_on_where_it_stopped_when_the_server_was_killed(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        for number in range(50):
            server.put(letter(f"before {number}"))
        desk = Reader()
        async with watching(account(server), desk) as log:
            await desk.until(lambda: desk.uid >= 10)
            await server.kill()
            for number in range(50):
                server.put(letter(f"after {number}"))
            await server.start()
            await desk.until(lambda: desk.uid == 100)
            await server.kill()  # while it waits for news
            server.put(letter("last"))
            await server.start()
            await desk.until(lambda: desk.uid == 101 and desk.heard[-1:] == [True])
        assert len(desk.seen) == len(set(desk.seen)) == 101
        assert "mailbox-unread" in log.getvalue()
        assert "mailbox-read-again" in log.getvalue()
        assert False in desk.heard


@needs_dovecot
async def test_a_mail_that_could_not_be_taken_is_asked_for_again_and_none_is_skipped(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        server.put(letter("one"))
        server.put(letter("two"))
        desk = Reader(fails=3)
        async with watching(account(server), desk):
            await desk.until(lambda: desk.uid == 2)
        assert desk.seen == [b"one", b"two"]
        assert [uid for _, uid in desk.moves] == [1, 2]


@needs_dovecot
async def test_a_mail_that_shows_a_fault_of_ours_goes_to_a_person_and_holds_up_nobody(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        for name in ("one", "poison", "two"):
            server.put(letter(name))
        desk = Reader()
        async with watching(account(server), desk):
            await desk.until(lambda: desk.uid == 3)
        assert (desk.seen, desk.left) == ([b"one", b"two"], [b"Subject: poison"])


@needs_dovecot
async def test_mail_that_was_numbered_anew_is_read_again_and_none_is_missed(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        for name in ("one", "two", "three"):
            server.put(letter(name))
        desk = Reader()
        async with watching(account(server), desk) as log:
            await desk.until(lambda: desk.uid == 3)
            first = desk.validity
            await server.kill()
            server.renumber()
            server.put(letter("four"))
            await server.start()
            await desk.until(lambda: desk.validity != first and desk.uid == 4)
        assert sorted(desk.seen[3:]) == [b"four", b"one", b"three", b"two"]
        assert desk.validity == 1999999999
        assert "mailbox-renumbered" in log.getvalue()


@needs_dovecot
async def test_mail_older_than_the_look_back_is_left_alone(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        server.age(server.put(letter("old")), timedelta(days=40))
        desk = Reader()
        async with watching(account(server), desk):
            await desk.until(lambda: bool(desk.moves))
            assert desk.seen == []
            server.put(letter("new"))
            await desk.until(lambda: desk.uid == 2)
        assert desk.seen == [b"new"]


@needs_dovecot
async def test_a_mail_larger_than_what_is_read_is_read_from_its_beginning(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        server.put(letter("large", "x" * 300_000))
        server.put(letter("exact"))
        desk = Reader()
        async with watching(account(server, most=65_536), desk):
            await desk.until(lambda: desk.uid == 2)
        assert desk.seen == [b"large", b"exact"]
        assert desk.sizes[0] == 65_536


@needs_dovecot
async def test_a_server_that_cannot_tell_of_mail_is_asked(tmp_path: Path) -> None:
    async with dovecot(tmp_path, extra="imap_capability = IMAP4rev1 UIDPLUS LITERAL+") as server:
        desk = Reader()
        async with watching(account(server), desk, every=timedelta(milliseconds=100)):
            await desk.until(lambda: bool(desk.moves))
            server.put(letter("one"))
            await desk.until(lambda: desk.uid == 1)
        assert desk.seen == [b"one"]


@needs_dovecot
async def test_a_thousand_mails_are_read_in_order(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        for number in range(1000):
            server.put(letter(str(number)))
        desk = Reader()
        async with watching(account(server), desk):
            await desk.until(lambda: desk.uid == 1000)
        assert desk.seen == [str(number).encode() for number in range(1000)]


@needs_dovecot
async def test_tls_is_spoken_and_a_stranger_s_certificate_refused(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(tmp_path / "chain.pem", append=number > 0)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    async with dovecot(tmp_path, (tmp_path / "chain.pem", tmp_path / "key.pem")) as server:
        server.put(letter("one"))
        async with logged_in(account(server, ca_file=tmp_path / "ca.pem")) as session:
            await session.open()
            assert (await session.fetch(1) or b"").startswith(b"Subject: one")
        with pytest.raises(Unavailable):
            async with logged_in(account(server, ca_file=tmp_path / "other.pem")):
                pass


@needs_dovecot
async def test_a_wrong_password_and_a_folder_that_is_not_there_are_told_apart_from_a_cut(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        with pytest.raises(Refused):
            async with logged_in(account(server, password=b"wrong")):
                pass
        async with logged_in(account(server, folder="Réponses")) as session:
            with pytest.raises(Refused):
                await session.open()
        desk = Reader()
        async with watching(account(server, password=b"wrong"), desk) as log:
            async with asyncio.timeout(30):
                while "refused" not in log.getvalue():  # noqa: ASYNC110  a log tells nobody that it grew
                    await asyncio.sleep(0.02)
        assert '"refused":true' in log.getvalue()
        assert "@" not in log.getvalue()
        assert PASSWORD not in repr(account(server))


@needs_dovecot
async def test_a_folder_of_any_name_is_opened(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        server.put(letter("one"), folder=folder_name("Réponses & co").decode())
        async with logged_in(account(server, folder="Réponses & co")) as session:
            await session.open()
            assert await session.after(0) == [1]


def test_folder_names_are_written_in_modified_utf_7() -> None:
    assert folder_name("INBOX") == b"INBOX"
    assert folder_name("Boîte & co") == b"Bo&AO4-te &- co"
    assert folder_name("~peter/mail/台北/日本語") == b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"


def test_text_that_cannot_be_quoted_is_refused() -> None:
    assert quoted(b'a"b\\c') == b'"a\\"b\\\\c"'
    for bad in (b"a\r\nb", b"a\x00", "é".encode()):
        with pytest.raises(Refused):
            quoted(bad)


# A server that says what a test wants


@asynccontextmanager
async def scripted(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[Account]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Account("127.0.0.1", server.sockets[0].getsockname()[1], False, USER, b"x", most=65_536)


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"* BYE go away\r\n",
        b"* PREAUTH welcome\r\n",
        b"220 smtp.example\r\n",
        b"* OK " + b"x" * 5_000_000,
        b"* OK {999999999}\r\n",
    ],
)
async def test_a_server_that_is_none_is_left(greeting: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()

    async with scripted(serve) as where:
        with pytest.raises(Unavailable):
            async with logged_in(where):
                pass


@pytest.mark.parametrize(("can", "login"), [(b"", b'LOGIN "contact@maison.example" "x"'), (b" LOGINDISABLED", b"")])
async def test_a_server_without_sasl_gets_a_plain_login_if_it_takes_one(can: bytes, login: bytes) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := await reader.readline():
            tag, words = line.rstrip().split(b" ", 1)
            heard.append(words)
            writer.write(b"* CAPABILITY IMAP4rev1" + can + b"\r\n" + tag + b" OK done\r\n")

    async with scripted(serve) as where:
        if login:
            async with logged_in(where) as session:
                assert not session.can_idle
        else:
            with pytest.raises(Refused):
                async with logged_in(where):
                    pass
    assert heard == [b"CAPABILITY", *([login, b"CAPABILITY"] if login else [])]


async def test_other_people_s_changes_and_odd_forms_do_not_confuse_it() -> None:
    said = [
        b"* 3 FETCH (FLAGS (\\Seen) UID 7)\r\n* 4 EXISTS\r\n"
        b"* 2 FETCH (UID 5 BODY[]<0> {3}\r\nno! FLAGS ())\r\n* 3 FETCH (BODY[]<0> {6}\r\nUID 9  FLAGS (x) UID 7)\r\n",
        b'* 3 FETCH (BODY[]<0> "a \\"b\\"" UID 7)\r\n',
        b"* 3 FETCH (UID 7 BODY[] NIL)\r\n",
        b"* 3 EXPUNGE\r\n",
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for text in said:
            tag = (await reader.readline()).split()[0]
            writer.write(text + tag + b" OK done\r\n")
            await writer.drain()

    async with scripted(serve) as where:
        reader, writer = await asyncio.open_connection(where.host, where.port)
        session = Session(Wire(reader, writer, 65_536), where)
        assert await session.fetch(7) == b"UID 9 "
        assert session.news
        assert await session.fetch(7) == b'a "b"'
        assert await session.fetch(7) == b""
        assert await session.fetch(7) is None
        writer.close()


@given(st.binary(max_size=200), st.lists(st.binary(max_size=10), max_size=3))
def test_any_response_is_read_without_an_error(text: bytes, literals: list[bytes]) -> None:
    for start in (b"", b"* 1 FETCH (", b"* 1 FETCH (UID 7 BODY[] "):
        found = read_fetched(Said(start + text, tuple(literals)))
        assert found is None or found[0] >= 0

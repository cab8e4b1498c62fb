"""Faults of provider, tool, disk and opt-out through the whole gateway: the right answer, nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from gateway.edges.sink import Session as SinkSession
from tests.support.gateway import Running, company, running
from tests.support.invariants import Run, check
from tests.support.load import Diary, Session, consent, one_click, write
from tests.support.process import Ports
from tests.support.sink import FAULTS, FaultySink

RETURN = 'on_defer = "return"\nbudget = "700ms"'
SPOOL = 'on_defer = "spool"\nbudget = "700ms"\nretry = ["50ms"]'
LINK = re.compile(rb"^List-Unsubscribe:\s*<https?://[^/]+(/u/[a-z2-7]{56})>", re.M)


class Provider(FaultySink):
    """The faulty sink, which keeps nothing that it refused, and waits before its last answer while `gate` is closed."""

    def __init__(self) -> None:
        super().__init__(keep=100_000)
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()

    async def interfere(self, stage: str, session: SinkSession, /) -> bytes | None:
        reply = None
        try:
            reply = await super().interfere(stage, session)
        finally:
            spoiled = "body" in self.plan and self.plan["body"] in ("451", "550", "garbage", "999")
            if stage == "end" and ((reply or b"")[:1] in (b"4", b"5") or self.plan.get("end") == "421" or spoiled):
                self.messages.pop()
                self.count -= 1
        if stage == "end":
            self.reached.set()
            await self.gate.wait()
        return reply

    def hang_up(self) -> None:
        """End every connection, so that the next message needs a new one."""
        for session in self._open:
            session.cancel()


@dataclass
class House:
    """A gateway in this process with a faulty provider, and a tool whose diary is checked in the end."""

    gateway: Running
    provider: Provider
    folder: Path
    diary: Diary = field(default_factory=Diary)
    people: set[str] = field(default_factory=set)

    @property
    def ports(self) -> Ports:
        addresses = self.gateway.addresses
        assert addresses.inbound is not None
        return Ports(addresses.submission[1], addresses.inbound[1], addresses.web[1])

    async def know(self, *addresses: str) -> None:
        """Put consents on record."""
        self.people.update(addresses)
        await consent(self.folder / "var", self.gateway.ring, addresses)

    def letter(self, number: int, size: int = 400) -> tuple[str, bytes]:
        """A message and its Message-ID; the same for the same number."""
        message_id = f"<{number}@maison.example>"
        text = f"Nouvelles {number}".encode()
        self.diary.texts[message_id] = text
        return message_id, write(message_id, text, size)

    async def send(self, number: int, *recipients: str, size: int = 400) -> str:
        """Send one message over a connection of its own; the final answer, or the only recipient's refusal."""
        session = Session(self.ports, self.diary)
        message_id, message = self.letter(number, size)
        attempt = await session.send(message_id, recipients, message)
        session.close()
        return attempt.final or next(iter(attempt.answers.values()), "")

    async def raw(self) -> Raw:
        """A tool that is logged in and may misbehave."""
        raw = Raw(*await asyncio.open_connection("127.0.0.1", self.ports.submission))
        await raw.login()
        return raw


@dataclass
class Raw:
    """A bare connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def login(self) -> None:
        """Greeting, EHLO, AUTH."""
        await self.reader.readline()
        await self.ask(b"EHLO tool.example\r\n")
        assert (await self.ask(b"AUTH PLAIN AG1hdXRpYwB0aGUtdG9vbC1zLXNlY3JldA==\r\n")).startswith(b"235")

    async def ask(self, octets: bytes) -> bytes:
        """Send, and read one reply."""
        self.writer.write(octets)
        line = b"250-"
        async with asyncio.timeout(10):
            while line[3:4] == b"-":
                line = await self.reader.readline()
        return line

    def leave(self, how: str) -> None:
        """Go away: FIN, RST, or a half-close that still listens."""
        if how == "half-close":
            self.writer.write_eof()
            return
        if how == "reset":
            peer = self.writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()


@asynccontextmanager
async def house(folder: Path, delivery: str = RETURN, **parts: str) -> AsyncIterator[House]:
    """A house whose invariants are checked when the block ends."""
    provider = Provider()
    _, port = await provider.start()
    try:
        async with running(company(folder, port, delivery=delivery, **parts)) as gateway:
            one = House(gateway, provider, folder)
            yield one
            await until(lambda: not parcels(folder))
        found = await check(Run(folder, one.diary, tuple(provider.messages), frozenset(one.people)))
        assert not found.violations, found
    finally:
        await provider.close()


async def until(condition: Callable[[], object], patience: float = 10.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.01)


def parcels(folder: Path) -> int:
    """How many rows the spool holds."""
    with closing(apsw.Connection(str(folder / "var" / "spool-0.db"), flags=apsw.SQLITE_OPEN_READONLY)) as spool:
        return int(str(spool.execute("SELECT count(*) FROM parcel").fetchall()[0][0]))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway waits for another process's lock only shortly, so that the test need not wait the full five seconds."""
    monkeypatch.setattr("gateway.edges.store.database.WRITE_PATIENCE", 0.3)


@contextmanager
def beside(folder: Path) -> Iterator[apsw.Connection]:
    """A connection to the gateway's database that is not the gateway's."""
    with closing(apsw.Connection(str(folder / "var" / "gateway.db"))) as other:
        other.set_busy_timeout(5000)
        yield other


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the write lock of the gateway's database, as a stuck process would."""
    with beside(folder) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


# The provider's faults (reliability 1.3)

STAGES = ("banner", "ehlo", "mail", "rcpt", "data", "body", "end")
OWN_FAULT = "451 4.3.5 "
DOWN = "451 4.4.1 "


def returned(stage: str, fault: str) -> str:
    """How the answer begins that the tool must hear when mail is handed back."""
    match fault:
        case "slow":
            return "250 "
        case "421":
            return "451 4.3.2 next-hop: "  # 421 would say that we, too, hang up
        case "451":
            return "451 4.7.1 next-hop: "
        case "550":
            return OWN_FAULT if stage in ("banner", "ehlo") else "550 5.7.1 next-hop: "
        case _:
            return DOWN


CELLS = [(stage, fault) for stage in STAGES for fault in FAULTS if not (stage == "body" and fault in ("garbage", "999"))]


async def fault_matrix(one: House, cells: Sequence[tuple[str, str]], kept: bool) -> list[str]:
    """Play each fault once on a fresh connection; what was answered otherwise than it must be."""
    wrong = []
    await one.know(*(f"{stage}.as.{fault}.x@example.org" for stage, fault in cells))
    for number, (stage, fault) in enumerate(cells):
        one.provider.hang_up()
        one.provider.plan = {stage: fault}
        answer = await one.send(number, f"{stage}.as.{fault}.x@example.org")
        one.provider.plan = {}
        wanted = returned(stage, fault)
        if kept and wanted.startswith("4") and wanted != OWN_FAULT:
            wanted = "250 2.0.0 Accepted for delivery"
        if not answer.startswith(wanted):
            wrong.append(f"{stage} {fault}: {answer!r}, not {wanted!r}")
        await until(lambda: not parcels(one.folder))
    return wrong


QUICK = [
    ("banner", "reset"),
    ("ehlo", "550"),
    ("mail", "close"),
    ("rcpt", "451"),
    ("data", "421"),
    ("end", "550"),
    ("end", "reset"),
]


@pytest.mark.parametrize(("delivery", "kept"), [(RETURN, False), (SPOOL, True)], ids=["return", "spool"])
async def test_tool_hears_the_right_answer_to_a_fault_of_the_provider(tmp_path: Path, delivery: str, kept: bool) -> None:
    async with house(tmp_path, delivery) as one:
        assert await fault_matrix(one, QUICK, kept) == []


@pytest.mark.slow
@pytest.mark.parametrize(("delivery", "kept"), [(RETURN, False), (SPOOL, True)], ids=["return", "spool"])
async def test_every_fault_at_every_stage_has_its_right_answer(tmp_path: Path, delivery: str, kept: bool) -> None:
    async with house(tmp_path, delivery) as one:
        assert await fault_matrix(one, CELLS, kept) == []


async def test_what_was_taken_is_taken_whatever_happens_at_quit(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        one.provider.plan = {"quit": "reset"}
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
    assert one.provider.count == 1


# Several recipients


@pytest.mark.parametrize("bad", ["permerror", "permerror-data", "550-data"])
async def test_one_of_three_refused_by_the_provider_is_reported_alone(tmp_path: Path, bad: str) -> None:
    async with house(tmp_path, SPOOL) as one:
        people = ["anna@example.org", f"{bad}@example.org", "zoe@example.org"]
        await one.know(*people)
        assert (await one.send(1, *people)).startswith("250 ")
        messages = await one.provider.wait_for(3)
        (report,) = [message for message in messages if not message.sender]
        assert report.recipients == ("news@maison.example",)
        assert f"Final-Recipient: rfc822; {bad}@example.org".encode() in report.data
        assert b"anna@example.org" not in report.data
        assert {message.recipient for message in messages if message.sender} == {"anna@example.org", "zoe@example.org"}


async def test_one_of_three_deferred_by_the_provider_is_delivered_later_and_nobody_twice(tmp_path: Path) -> None:
    async with house(tmp_path, SPOOL) as one:
        people = ["anna@example.org", "ben@example.org", "zoe@example.org"]
        await one.know(*people)
        one.provider.plan = {"rcpt": [None, "451"]}
        assert (await one.send(1, *people)).startswith("250 ")
        await one.provider.wait_for(3)
    assert sorted(message.recipient for message in one.provider.messages) == people


async def test_opposed_while_kept_mail_waits_is_dropped_and_reported(tmp_path: Path) -> None:
    async with house(tmp_path, 'retry = ["1s"]') as one:
        await one.know("anna@example.org")
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
        (first,) = await one.provider.wait_for(1)
        one.provider.plan = {"rcpt": ["451"]}
        one.provider.seen["rcpt"] = 0
        assert "Accepted for delivery" in await one.send(2, "anna@example.org")
        link = LINK.search(first.data)
        assert link is not None
        assert await one_click(one.ports.web, link[1].decode()) == 200
        _, report = await one.provider.wait_for(2)
        assert not report.sender
        assert b"DROPPED-OPPOSED" in report.data


async def test_opposed_while_an_attempt_waits_for_a_connection_gets_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, 'on_defer = "return"\nbudget = "20s"') as one:
        await one.know("anna@example.org")
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
        link = LINK.search((await one.provider.wait_for(1))[0].data)
        assert link is not None
        one.provider.hang_up()
        one.provider.plan, one.provider.slow = {"banner": ["slow"]}, 1.0
        one.provider.seen["banner"] = 0
        sending = asyncio.ensure_future(one.send(2, "anna@example.org"))
        await until(lambda: one.provider.seen["banner"])
        assert await one_click(one.ports.web, link[1].decode()) == 200
        assert "550 5.7.1 [OPPOSED]" in await sending
        assert one.provider.count == 1


# The tool leaves

POINTS = ("ehlo", "mail", "rcpt", "data", "body", "end", "answering")


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
async def test_a_tool_that_leaves_at_any_point_loses_and_doubles_nothing(tmp_path: Path, how: str) -> None:
    async with house(tmp_path) as one:
        await one.know(*(f"{point}@example.org" for point in POINTS))
        for number, point in enumerate(POINTS):
            begun = one.provider.count
            raw = await one.raw()
            await leave_at(one, raw, point, number, how)
            if point in ("end", "answering"):
                await one.provider.wait_for(begun + 1)
            await until(lambda: "smtp-fault" not in one.gateway.log.getvalue())
            assert (await one.send(number, f"{point}@example.org")).startswith("250 ")
            assert one.provider.count == begun + 1, point


async def leave_at(one: House, raw: Raw, point: str, number: int, how: str) -> None:
    """Go as far as the point, then leave."""
    _, message = one.letter(number)
    steps: Mapping[str, bytes] = {
        "ehlo": b"",
        "mail": b"MAIL FROM:<news@maison.example>\r\n",
        "rcpt": f"RCPT TO:<{point}@example.org>\r\n".encode(),
        "data": b"DATA\r\n",
        "body": message[: len(message) // 2],
        "end": message[len(message) // 2 :] + b".\r\n",
    }
    one.provider.reached.clear()
    if point == "answering":
        one.provider.gate.clear()
    for name, octets in steps.items():
        if name in ("body", "end"):
            raw.writer.write(octets)
        elif octets:
            assert (await raw.ask(octets))[:1] in b"23"
        if name == point:
            break
    if point == "answering":
        await one.provider.reached.wait()
    elif point == "end":
        await raw.writer.drain()
    raw.leave(how)
    if point == "answering":
        resend = asyncio.ensure_future(one.send(number, f"{point}@example.org"))
        await until(lambda: one.diary.tries[-1].ended_at)
        one.provider.gate.set()
        assert (await resend).startswith("250 2.0.0 Already accepted")


# Disk and database


@pytest.mark.usefixtures("impatient")
async def test_unwritable_journal_refuses_for_now_and_sends_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        with locked(tmp_path):
            assert (await one.send(1, "anna@example.org")).startswith("451 4.3.0 [EVIDENCE-DOWN]")
        assert one.provider.count == 0
        assert (await one.send(1, "anna@example.org")).startswith("250 ")


@pytest.mark.usefixtures("impatient")
async def test_journal_lost_between_rcpt_and_data_sends_nothing_now(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org", "zoe@example.org")
        answers = []
        for number, people in enumerate((["anna"], ["anna", "zoe"])):
            raw = await one.raw()
            assert (await raw.ask(b"MAIL FROM:<news@maison.example>\r\n")).startswith(b"250")
            for name in people:
                assert (await raw.ask(f"RCPT TO:<{name}@example.org>\r\n".encode())).startswith(b"250")
            assert (await raw.ask(b"DATA\r\n")).startswith(b"354")
            with locked(tmp_path):
                answers.append(await raw.ask(one.letter(number)[1] + b".\r\n"))
                assert one.provider.count == 0
            raw.leave("close")
        assert answers[0].startswith(b"451 4.3.0 [EVIDENCE-DOWN]")
        assert answers[1].startswith(b"250 2.0.0 Accepted for delivery")  # the spool is another file: ours, and sent once on record
        assert len(await one.provider.wait_for(2)) == 2


@pytest.mark.usefixtures("impatient")
async def test_provider_that_spoke_is_believed_though_the_outcome_cannot_be_written(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        one.provider.gate.clear()
        sending = asyncio.ensure_future(one.send(1, "anna@example.org"))
        await one.provider.reached.wait()
        with locked(tmp_path):
            one.provider.gate.set()
            assert (await sending).startswith("250 2.0.0 Accepted by the next hop")
        assert "outcome-not-recorded" in one.gateway.log.getvalue()
    assert one.provider.count == 1


async def test_unreadable_facts_refuse_for_now_and_say_which(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        with beside(tmp_path) as other:
            other.execute("ALTER TABLE consent RENAME TO lost")
            assert (await one.send(1, "anna@example.org")).startswith("451 4.4.3 [STORE-DOWN]")
            other.execute("ALTER TABLE lost RENAME TO consent")
        assert one.provider.count == 0
        assert (await one.send(1, "anna@example.org")).startswith("250 ")


async def test_full_disk_is_never_answered_250_and_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rooms.SPOOL_RESERVE", 0)  # else MAIL is refused long before the disk is full
    with small_disk(tmp_path / "var", "4m") as grow:
        async with house(tmp_path, SPOOL) as one:
            await one.know("anna@example.org", "zoe@example.org")
            one.provider.plan = {"banner": "421"}
            answers = [await one.send(number, "anna@example.org", "zoe@example.org", size=900_000) for number in range(8)]
            assert answers[0].startswith("250 ")
            assert answers[-1].startswith(("451 ", "452 "))
            assert all(answer.startswith(("250 ", "451 ", "452 ")) for answer in answers), answers
            assert one.provider.count == 0
            one.provider.plan = {}
            grow("64m")
            await until(lambda: not parcels(tmp_path), patience=20)
            assert one.provider.count == 2 * sum(answer.startswith("250 ") for answer in answers)


async def test_too_little_room_is_said_before_data(tmp_path: Path) -> None:
    with small_disk(tmp_path / "var", "16m"):
        async with house(tmp_path) as one:
            raw = await one.raw()
            assert (await raw.ask(b"MAIL FROM:<news@maison.example>\r\n")).startswith(b"452 4.3.1 ")
            raw.leave("close")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of its own under this folder; yields how to make it larger."""
    folder.mkdir()

    def mount(*options: str) -> int:
        return subprocess.run(["mount", *options, str(folder)], check=False, capture_output=True).returncode

    if mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs"):
        pytest.skip("unproven here: what a full disk does (no right to mount a small file system)")

    def grow(to: str) -> None:
        assert mount("-o", f"remount,size={to}") == 0

    try:
        yield grow
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


# The opt-out


async def test_marketing_waits_while_the_opt_out_does_not_answer_and_service_mail_flows(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        dead = f'public_url = "http://127.0.0.1:{nobody.getsockname()[1]}"'
    async with house(tmp_path, gateway=dead) as one:
        await one.know("anna@example.org")
        refused = await one.gateway.send("anna@example.org")
        assert refused[""].startswith("451 4.3.0 [OPTOUT-DOWN]")
        assert one.provider.count == 0
        assert await one.gateway.send("anna@example.org", "mautic+service") == {}
        (service,) = await one.provider.wait_for(1)
        assert b"List-Unsubscribe" not in service.data


@pytest.mark.usefixtures("impatient")
async def test_an_opt_out_that_cannot_be_recorded_is_never_confirmed(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
        link = LINK.search((await one.provider.wait_for(1))[0].data)
        assert link is not None
        with locked(tmp_path):
            assert await one_click(one.ports.web, link[1].decode()) == 503
        assert (await one.send(2, "anna@example.org")).startswith(("250 ", "550 5.7.1 [OPPOSED]"))
        assert await one_click(one.ports.web, link[1].decode()) == 200
        assert (await one.send(3, "anna@example.org")).startswith("550 5.7.1 [OPPOSED]")

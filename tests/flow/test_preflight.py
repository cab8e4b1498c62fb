"""Our domains are looked at as mailbox providers do, over real name servers that answer, lie or keep silent (R-MBX-06)."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.mime import Message, parse
from gateway.core.posture import Finding, Standing
from gateway.core.sign import Algorithm, DkimKey, public_record
from gateway.edges.dns import NameServers
from gateway.flow.preflight import Plan, Preflight, Sending
from gateway.flow.spf import Permit, Spf
from tests.support.desk import Lines
from tests.support.dns import Zone, name_server

KEY = DkimKey("news.maison.test", "s1", Algorithm.ED25519, Ed25519PrivateKey.generate())
SENDING = Sending("news.maison.test", (KEY,), ("smtp.provider.test",))
PLAN = Plan((SENDING,), "pages.maison.test", "back.maison.test")


def sound() -> Zone:
    """A zone in which nothing is wanting."""
    zone = Zone()
    zone.put("s1._domainkey.news.maison.test", "TXT", public_record(KEY))
    zone.put("_dmarc.maison.test", "TXT", "v=DMARC1; p=quarantine; rua=mailto:dmarc@maison.test")
    zone.put("news.maison.test", "TXT", "v=spf1 include:spf.provider.test -all", "google-site-verification=x")
    zone.put("spf.provider.test", "TXT", "v=spf1 ip4:203.0.113.0/24 ~all")
    zone.put("smtp.provider.test", "A", "203.0.113.9")
    zone.put("news.maison.test", "MX", "10 mx.maison.test.")
    zone.put("pages.maison.test", "A", "198.51.100.4")
    zone.put("back.maison.test", "MX", "10 gateway.maison.test.")
    return zone


async def look(zone: Zone, plan: Plan = PLAN, mode: str = "warn") -> tuple[Preflight, dict[str, Finding], Lines]:
    lines, shown = Lines(), []
    async with name_server(zone):
        preflight = Preflight(NameServers([zone.address], patience=0.3), plan, mode, lines, shown.append)  # type: ignore[arg-type]
        findings = await preflight.once()
    assert shown == [findings]
    return preflight, {finding.check: finding for finding in findings}, lines


def from_(domain: str) -> Message:
    parsed = parse(f"From: a@{domain}\r\nSubject: x\r\n\r\nx\r\n".encode())
    assert isinstance(parsed, Message)
    return parsed


async def test_a_sound_domain_has_nothing_to_hear() -> None:
    preflight, findings, lines = await look(sound(), mode="hold")
    assert {finding.standing for finding in findings.values()} == {Standing.GOOD}
    assert set(findings) == {"dkim s1", "dmarc", "spf", "mail", "pages", "inbound"}
    assert lines.said == []
    assert preflight.dead == frozenset()
    assert not preflight.holds(from_("news.maison.test"))


async def test_a_key_that_is_not_published_holds_the_domain_only_where_configured_so() -> None:
    """R-MBX-05."""
    zone = sound()
    del zone.records["s1._domainkey.news.maison.test", "TXT"]
    for mode in ("warn", "hold"):
        preflight, findings, lines = await look(zone, mode=mode)
        assert findings["dkim s1"].standing is Standing.BAD
        assert public_record(KEY) in findings["dkim s1"].remedy
        assert preflight.holds(from_("news.maison.test")) == (mode == "hold")
        assert not preflight.holds(from_("other.test"))
        assert [facts["check"] for _, facts in lines.said] == ["dkim s1"]


@pytest.mark.parametrize("plan", ["silent", "servfail", "garbage"])
async def test_a_name_server_that_fails_holds_nothing(plan: str) -> None:
    zone = sound()
    zone.plans = {name: plan for name, _ in zone.records}
    async with asyncio.timeout(20):
        preflight, findings, _ = await look(zone, mode="hold")
    assert Standing.BAD not in {finding.standing for finding in findings.values()}
    assert findings["dkim s1"].standing is Standing.UNKNOWN
    assert not preflight.holds(from_("news.maison.test"))
    assert preflight.dead == frozenset()


async def test_what_was_found_stays_when_a_later_look_fails() -> None:
    zone = sound()
    async with name_server(zone):
        preflight = Preflight(NameServers([zone.address], patience=0.3), PLAN, "warn", Lines(), lambda _: None)
        first = await preflight.once()
    assert preflight.findings == first


async def test_a_domain_without_a_way_back_is_known_as_dead() -> None:
    """R-FR-73."""
    zone = sound()
    zone.put("news.maison.test", "MX", "0 .")
    preflight, findings, _ = await look(zone)
    assert findings["mail"].standing is Standing.BAD
    assert preflight.dead == {"news.maison.test"}


async def test_the_policy_of_the_organisation_counts_where_the_domain_has_none() -> None:
    zone = sound()
    assert (await look(zone))[1]["dmarc"].standing is Standing.GOOD
    zone.put("_dmarc.news.maison.test", "TXT", "v=DMARC1; p=none")
    assert (await look(zone))[1]["dmarc"].standing is Standing.WARN
    del zone.records["_dmarc.news.maison.test", "TXT"]
    del zone.records["_dmarc.maison.test", "TXT"]
    assert (await look(zone))[1]["dmarc"].standing is Standing.BAD


@pytest.mark.parametrize(
    ("record", "standing", "word"),
    [
        ("v=spf1 ip4:203.0.113.9 -all", Standing.GOOD, "covers"),
        ("v=spf1 ip4:192.0.2.0/24 -all", Standing.WARN, "203.0.113.9"),
        ("v=spf1 nonsense", Standing.WARN, "error"),
        ("not spf", Standing.WARN, "No SPF"),
        ("v=spf1 include:slow.test -all", Standing.UNKNOWN, "followed"),
    ],
)
async def test_spf_is_followed_to_the_next_hop_and_never_more_than_warned_about(record: str, standing: Standing, word: str) -> None:
    zone = sound()
    zone.put("news.maison.test", "TXT", record)
    zone.plans["slow.test"] = "servfail"
    found = (await look(zone))[1]["spf"]
    assert (found.standing, word in found.says) == (standing, True)


async def test_a_next_hop_on_this_machine_tells_nothing_about_spf() -> None:
    zone = sound()
    plan = Plan((Sending("news.maison.test", (KEY,), ("127.0.0.1",)),))
    assert (await look(zone, plan))[1]["spf"].standing is Standing.UNKNOWN
    del zone.records["news.maison.test", "TXT"]
    assert (await look(zone, plan))[1]["spf"].standing is Standing.WARN


SPF: list[tuple[dict[str, str], str, Permit]] = [
    ({"a.test": "v=spf1 ip4:192.0.2.1 -all"}, "192.0.2.1", Permit.YES),
    ({"a.test": "v=spf1 ip4:192.0.2.0/28 -all"}, "192.0.2.16", Permit.NO),
    ({"a.test": "v=spf1 -ip4:192.0.2.1 +all"}, "192.0.2.1", Permit.NO),
    ({"a.test": "v=spf1 ~all"}, "192.0.2.1", Permit.NO),
    ({"a.test": "v=spf1"}, "192.0.2.1", Permit.NO),
    ({"a.test": "v=spf1 ip6:2001:db8::/32 -all"}, "2001:db8::7", Permit.YES),
    ({"a.test": "v=spf1 ip6:2001:db8::/32 -all"}, "192.0.2.1", Permit.NO),
    ({"a.test": "v=spf1 a -all"}, "192.0.2.7", Permit.YES),
    ({"a.test": "v=spf1 a/24 -all"}, "192.0.2.99", Permit.YES),
    ({"a.test": "v=spf1 a:host.test -all"}, "192.0.2.8", Permit.YES),
    ({"a.test": "v=spf1 mx -all"}, "192.0.2.8", Permit.YES),
    ({"a.test": "v=spf1 include:b.test -all", "b.test": "v=spf1 ip4:192.0.2.1 -all"}, "192.0.2.1", Permit.YES),
    ({"a.test": "v=spf1 include:b.test ip4:192.0.2.1", "b.test": "v=spf1 -all"}, "192.0.2.1", Permit.YES),
    ({"a.test": "v=spf1 include:gone.test -all"}, "192.0.2.1", Permit.ERROR),
    ({"a.test": "v=spf1 redirect=b.test", "b.test": "v=spf1 ip4:192.0.2.1 -all"}, "192.0.2.1", Permit.YES),
    ({"a.test": "v=spf1 redirect=gone.test"}, "192.0.2.1", Permit.ERROR),
    ({"a.test": "v=spf1 include:a.test -all"}, "192.0.2.1", Permit.ERROR),
    ({"a.test": "v=spf1 exists:%{i}.b.test -all"}, "192.0.2.1", Permit.UNKNOWN),
    ({"a.test": "v=spf1 ptr -all"}, "192.0.2.1", Permit.UNKNOWN),
    ({"a.test": "v=spf1 include:slow.test -all"}, "192.0.2.1", Permit.UNKNOWN),
    ({"b.test": "v=spf1 -all"}, "192.0.2.1", Permit.MISSING),
    ({"a.test": "v=spf1 " + " ".join(f"include:i{number}.test" for number in range(11)) + " -all"}, "192.0.2.1", Permit.ERROR),
]


@pytest.mark.parametrize(("records", "address", "permit"), SPF)
async def test_spf_is_evaluated_as_receivers_do(records: dict[str, str], address: str, permit: Permit) -> None:
    """RFC 7208 4.6, 4.7, 5."""
    zone = Zone(plans={"slow.test": "servfail"})
    for name, record in records.items():
        zone.put(name, "TXT", record)
    for number in range(11):
        zone.put(f"i{number}.test", "TXT", "v=spf1 -all")
    zone.put("a.test", "A", "192.0.2.7")
    zone.put("a.test", "MX", "10 host.test.")
    zone.put("host.test", "A", "192.0.2.8")
    async with name_server(zone):
        ask = NameServers([zone.address], patience=0.5).ask
        assert await Spf(ask, ipaddress.ip_address(address)).permits("a.test") is permit


async def test_a_station_looks_again_and_again() -> None:
    zone, shown = sound(), asyncio.Semaphore(0)

    def show(_: Sequence[Finding]) -> None:
        shown.release()

    async with name_server(zone), asyncio.timeout(10):
        preflight = Preflight(NameServers([zone.address]), PLAN, "warn", Lines(), show, every=0.01)
        station = asyncio.ensure_future(preflight.run())
        for _ in range(3):
            await shown.acquire()
        station.cancel()

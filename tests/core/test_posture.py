"""What DNS says of a sending domain is judged as mailbox providers judge it, with the record to publish (R-MBX-05, R-MBX-06)."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.posture import Answer, Finding, Standing, dead, dkim, dmarc, held, mailable, resolvable, tags
from gateway.core.sign import Algorithm, DkimKey, public_record
from gateway.core.spf_record import is_spf, read

KEY = DkimKey("maison.test", "s1", Algorithm.RSA, generate_private_key(65537, 2048))
EDWARDS = DkimKey("maison.test", "e1", Algorithm.ED25519, Ed25519PrivateKey.generate())
RECORD = public_record(KEY)
GOOD, WARN, BAD, UNKNOWN = Standing.GOOD, Standing.WARN, Standing.BAD, Standing.UNKNOWN


def of_other_form() -> str:
    assert isinstance(KEY.private, RSAPrivateKey)
    bare = KEY.private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return f"v=DKIM1; p={base64.b64encode(bare).decode()}"


@pytest.mark.parametrize(
    ("answer", "standing", "word"),
    [
        (Answer((RECORD,)), GOOD, "the one we sign with"),
        (Answer((RECORD.replace("; k=rsa", ""),)), GOOD, "the one we sign with"),
        (Answer((RECORD.replace("; ", ";"),)), GOOD, ""),
        (Answer((RECORD[:60] + " " + RECORD[60:],)), GOOD, ""),
        (Answer((of_other_form(),)), GOOD, ""),
        (Answer((RECORD + "; h=sha1:sha256",)), GOOD, ""),
        (Answer((RECORD + "; h=sha1",)), BAD, "SHA-256"),
        (Answer((RECORD + "; t=y:s",)), WARN, "tested"),
        (Answer((public_record(EDWARDS),)), BAD, "not the one"),
        (Answer((RECORD.replace("k=rsa", "k=ed25519"),)), BAD, "k=ed25519"),
        (Answer(("v=DKIM1; p=",)), BAD, "revoked"),
        (Answer((RECORD, public_record(EDWARDS))), BAD, "2 keys"),
        (Answer((RECORD, "some other text")), GOOD, ""),
        (Answer(("garbage",)), BAD, "No key"),
        (Answer(("v=DKIM1; p=!!!",)), BAD, "not the one"),
        (Answer(), BAD, "No key"),
        (Answer(exists=False), BAD, "No key"),
        (Answer(failed="the name servers fail"), UNKNOWN, "cannot be looked up"),
    ],
)
def test_the_published_key_is_ours_or_nothing_of_ours_verifies(answer: Answer, standing: Standing, word: str) -> None:
    """R-MBX-06."""
    found = dkim(answer, KEY)
    assert (found.standing, found.domain, found.check) == (standing, "maison.test", "dkim s1")
    assert word in found.says
    if standing is BAD:
        assert found.remedy == f's1._domainkey.maison.test. IN TXT "{RECORD}"'


def test_an_ed25519_key_is_compared_as_it_is_published() -> None:
    assert dkim(Answer((public_record(EDWARDS),)), EDWARDS).standing is GOOD
    assert dkim(Answer((RECORD,)), EDWARDS).standing is BAD


@pytest.mark.parametrize(("bits", "standing"), [(1024, WARN), (1536, WARN), (2048, GOOD)])
def test_short_keys_are_told(bits: int, standing: Standing) -> None:
    key = DkimKey("maison.test", "s1", Algorithm.RSA, generate_private_key(65537, bits))
    assert dkim(Answer((public_record(key),)), key).standing is standing


@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (Answer(("v=DMARC1; p=none; rua=mailto:d@maison.test",)), GOOD),
        (Answer(("v=DMARC1;p=REJECT;rua=mailto:d@maison.test", "other")), GOOD),
        (Answer(("v=DMARC1; p=none",)), WARN),
        (Answer(("v=DMARC1; rua=mailto:d@maison.test",)), BAD),
        (Answer(("v=DMARC1; p=none", "v=DMARC1; p=reject")), BAD),
        (Answer(("v=spf1 -all",)), BAD),
        (Answer(exists=False), BAD),
        (Answer(failed="x"), UNKNOWN),
    ],
)
def test_a_policy_is_published_and_tells_somebody(answer: Answer, standing: Standing) -> None:
    found = dmarc("maison.test", "maison.test", answer)
    assert found.standing is standing
    assert ("rua=mailto:" in found.remedy) == (standing in (WARN, BAD))


@pytest.mark.parametrize(
    ("mx", "addresses", "standing"),
    [
        (Answer(("10 mx.maison.test.",)), Answer(), GOOD),
        (Answer(), Answer(("192.0.2.1",)), GOOD),
        (Answer(("0 .",)), Answer(("192.0.2.1",)), BAD),
        (Answer(exists=False), Answer(exists=False), BAD),
        (Answer(), Answer(), BAD),
        (Answer(failed="x"), Answer(("192.0.2.1",)), UNKNOWN),
        (Answer(), Answer(failed="x"), UNKNOWN),
    ],
)
def test_mail_can_come_back_to_the_author(mx: Answer, addresses: Answer, standing: Standing) -> None:
    """R-FR-73, RFC 7505."""
    found = mailable("maison.test", mx, addresses)
    assert found.standing is standing
    assert dead([found]) == ({"maison.test"} if standing is BAD else frozenset())


def test_only_a_domain_none_of_whose_keys_is_published_is_held() -> None:
    """R-MBX-05."""

    def of(*standings: Standing) -> list[Finding]:
        return [Finding(f"dkim s{number}", "a.test", standing, "") for number, standing in enumerate(standings)]

    assert held(of(BAD)) == held(of(BAD, BAD)) == {"a.test"}
    assert held(of(BAD, GOOD)) == held(of(BAD, UNKNOWN)) == held(of(WARN)) == held(of()) == frozenset()


def test_a_host_of_ours_leads_somewhere() -> None:
    assert resolvable("pages", "p.test", Answer(("192.0.2.1",)), "x").standing is GOOD
    assert resolvable("pages", "p.test", Answer(), "x").standing is BAD
    assert resolvable("pages", "p.test", Answer(failed="x"), "x").standing is UNKNOWN


@given(st.text(max_size=300))
def test_no_record_breaks_a_judgement(record: str) -> None:
    assert isinstance(tags(record), dict)
    for answer in (
        Answer((record,)),
        Answer((record, record)),
        Answer((f"v=DKIM1; p={record}",)),
        Answer((f"v=DMARC1; {record}",)),
    ):
        assert dkim(answer, KEY).standing in Standing
        assert dmarc("a.test", "a.test", answer).standing in Standing
        assert mailable("a.test", answer, answer).standing in Standing
    assert is_spf(record) in (True, False)
    read(record)


@pytest.mark.parametrize(
    "record", ["v=spf1 foo", "v=spf1 ip4:1.2.3", "v=spf1 ip4:2001:db8::", "v=spf1 include:", "v=spf1 a/33", "v=spf1 -ip4"]
)
def test_an_unsound_spf_record_is_none(record: str) -> None:
    assert read(record) is None


@pytest.mark.parametrize(
    ("text", "is_one"), [("v=spf1 -all", True), ("V=SPF1", True), ("v=spf10 -all", False), ("v=spf1-all", False), ("", False)]
)
def test_an_spf_record_is_told_by_its_version(text: str, is_one: bool) -> None:
    assert is_spf(text) == is_one

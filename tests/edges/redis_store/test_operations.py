"""What stays on a machine's disk for years: the form of the operations that protect people (reliability 1.6)."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from gateway.core.change import Change, Errand, Forget, ForgetWithdrawn, Learn, Lift, Oppose, Tell, Withdraw
from gateway.core.model import PersonKey
from gateway.core.record import Block, Door, Scope
from gateway.edges.store.protecting import Protecting
from gateway.edges.store.redis.operations import operations
from gateway.edges.store.redis.pack import unpacked, words
from gateway.edges.store.redis.scripts import COMMIT
from tests.support.people import NOON, consent, opposition

ANN = PersonKey(bytes(range(16)))
AT = 1772366400000000
OWN, FILE, SIDE = ([b"{gw}%c:00004" % family, ANN[2:]] for family in b"ocs")

FORMS: list[tuple[Change, object]] = [
    (
        Oppose(opposition(ANN, block=Block.COMPLAINED, scope=Scope.STREAM, stream="news", door=Door.PHONE), foreign_hash=True),
        [b"oppose", OWN, FILE, [1, 0, b"acme", b"news", 12, AT], True],
    ),
    (Lift(ANN, Block.PENDING, Scope.ALL, "", ""), [b"lift", OWN, FILE, [4, 2, b"", b""]]),
    (Withdraw(ANN, "acme", "offers", NOON), [b"withdraw", FILE, b"acme", b"offers", AT]),
    (Forget(ANN, "acme"), [b"forget", FILE, b"acme", SIDE, ANN]),
    (ForgetWithdrawn(ANN, NOON, "acme"), [b"forget_withdrawn", FILE, b"acme", AT]),
]


@pytest.mark.parametrize(("change", "form"), FORMS)
def test_an_operation_that_may_be_told_again_keeps_its_form(change: Change, form: list[object]) -> None:
    """It may grow at its end; what an older gateway wrote must still be understood."""
    (told,) = unpacked(operations([change]))
    assert told[: len(form)] == form


def test_an_emptied_store_takes_every_change_that_protects_somebody_and_no_other() -> None:
    """The script has its own list of them, and beside it what is about the store itself."""
    tell = Tell("partner", ANN, "acme", Scope.ADVERTISER, NOON, Errand.PARTNER)
    protecting = [*(change for change, _ in FORMS), tell]
    assert {type(one) for one in protecting} == set(get_args(Protecting))
    (listed,) = re.findall(r"local kept = \{(.*?)\}", COMMIT.text, re.DOTALL)
    about_itself = {"mark", "settled", "retire", "begin_anew"}
    names = {words(unpacked(operations([one]))[0][0]) for one in protecting}
    assert set(re.findall(r"(\w+) = true", listed)) == names | about_itself


def test_the_frames_of_records_come_once_and_before_everything_else() -> None:
    told = unpacked(operations([Oppose(opposition(ANN)), Learn(consent(ANN), b""), Learn(consent(ANN, recorded_at=None), b"")]))
    assert [one[0] for one in told] == [b"frame", b"oppose", b"learn", b"learn"]


def test_nothing_is_packed_that_a_script_would_lose() -> None:
    """A script's list ends at its first hole."""
    assert not _holes(unpacked(operations([Learn(consent(ANN, collected_at=None, recorded_at=None), b"")])))


def _holes(told: object) -> bool:
    return any(map(_holes, told)) if isinstance(told, list) else told is None

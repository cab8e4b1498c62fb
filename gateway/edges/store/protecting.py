"""Changes that protect somebody, as one line of JSON each and back: what is kept beside a database names nobody but by key."""

from __future__ import annotations

import json
from datetime import datetime

from gateway.core.change import Errand, Forget, ForgetWithdrawn, Lift, Oppose, Tell, Withdraw
from gateway.core.model import PersonKey
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.edges.store.instant import instant, micros
from gateway.flow.ports import Unavailable

Protecting = Oppose | Lift | Withdraw | Forget | ForgetWithdrawn | Tell
"""What this machine's own disk holds too, and an old copy that was put back must learn before mail may leave by it."""


def protecting_text(change: Protecting) -> str:
    """The change as a JSON list that begins with its name; lists may grow at their end, and names be added."""
    match change:
        case Oppose(one, foreign_hash):
            key = [one.person.hex(), one.block.value, one.scope.value, one.advertiser, one.stream]
            told: list[object] = ["oppose", *key, one.door.value, micros(one.at), foreign_hash]
        case Lift(person, block, scope, advertiser, stream):
            told = ["lift", person.hex(), block.value, scope.value, advertiser, stream]
        case Withdraw(person, advertiser, purpose, at):
            told = ["withdraw", person.hex(), advertiser, purpose, at.isoformat()]
        case Forget(person, advertiser):
            told = ["forget", person.hex(), advertiser]
        case ForgetWithdrawn(person, before, advertiser):
            told = ["forget-withdrawn", person.hex(), before.isoformat(), advertiser]
        case Tell(partner, person, advertiser, scope, at, errand):
            told = ["tell", person.hex(), partner, advertiser, scope.value, micros(at), errand.value]
    return json.dumps(told, separators=(",", ":"))


def parse_protecting(text: str) -> Protecting:
    """What `protecting_text` wrote; Unavailable for what it did not: nothing that protects somebody is passed over."""
    try:
        name, who, *rest = json.loads(text)
        return _read(name, PersonKey(bytes.fromhex(who)), rest)
    except (ValueError, TypeError, OverflowError) as error:
        raise Unavailable("store") from error


def _read(name: str, who: PersonKey, rest: list[object]) -> Protecting:
    match name, rest:
        case "oppose", [str(block), str(scope), str(advertiser), str(stream), str(door), int(at), bool(foreign), *_]:
            return Oppose(Opposition(who, Block(block), Scope(scope), advertiser, stream, Door(door), instant(at)), foreign)
        case "lift", [str(block), str(scope), str(advertiser), str(stream), *_]:
            return Lift(who, Block(block), Scope(scope), advertiser, stream)
        case "withdraw", [str(advertiser), str(purpose), str(at), *_]:
            return Withdraw(who, advertiser, purpose, datetime.fromisoformat(at))
        case "forget", [str(advertiser), *_]:
            return Forget(who, advertiser)
        case "forget-withdrawn", [str(before), str(advertiser), *_]:
            return ForgetWithdrawn(who, datetime.fromisoformat(before), advertiser)
        case "tell", [str(partner), str(advertiser), str(scope), int(at), str(errand), *_]:
            return Tell(partner, who, advertiser, Scope(scope), instant(at), Errand(errand))
        case _:
            raise ValueError(name)

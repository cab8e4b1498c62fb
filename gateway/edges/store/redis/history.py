"""Reads what stood earlier, and what is on file about one person: arrangements by stand, stands by time, the dossier's records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.core.model import PersonKey
from gateway.core.record import Arrangements
from gateway.edges.store.instant import instant, micros
from gateway.edges.store.redis import people
from gateway.edges.store.redis.facts import look_up
from gateway.edges.store.redis.frames import Frames
from gateway.edges.store.redis.office import side_dossier
from gateway.edges.store.redis.pack import Packed, unpacked, words
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.scripts import ARRANGED, WHEN
from gateway.edges.store.rows import arrangements
from gateway.flow.ports import Dossier, Ended


async def arrangements_at(reads: Reads, stand: int | None = None) -> Arrangements:
    """What holds for everybody alike, of one moment, or as it was at a stand; lists are never erased."""
    lists, pauses, paused = [[unpacked(raw) for raw in some] for some in await reads.script(ARRANGED)]
    if stand is not None:
        lists = [row for row in lists if row[5] <= stand]
        pauses = [row for row in pauses if row[3] <= stand] + [row for row in paused if row[3] <= stand < row[4]]
    published = sorted((_list(row) for row in lists), key=lambda row: (row[0], row[2], row[5]))
    return arrangements([*published, *((None, words(row[0]), None, None, None, None) for row in pauses)])


async def stand_at(reads: Reads, at: datetime) -> int:
    """The last stand reached by then; 0 before the first."""
    return int(await reads.script(WHEN, ["last", micros(at)]))


async def dossier(reads: Reads, frames: Frames, person: PersonKey) -> Dossier:
    """All that is stored about the person; the newest sealed address is that of a record, else of a sign-up."""
    beside = await side_dossier(reads, person)
    look, (file,), known = await look_up(reads, frames, [person], [person])
    filed = people.whole_consents(person, file, known)
    addresses = [*(one.sealed_address for one in beside.enrolments), *(sealed for _, _, sealed in filed)]
    lifted = people.lifted(person, file)
    times = await _times(reads, [stand for _, stand in lifted])
    return Dossier(
        consents=tuple(one for _, one, _ in filed if one.withdrawn_at is None),
        oppositions=tuple(people.oppositions(person, look.rows[0])),
        ended=(
            *(Ended(one, one.withdrawn_at) for _, one, _ in filed if one.withdrawn_at is not None),
            *(Ended(one, at) for (one, _), at in zip(lifted, times, strict=True)),
        ),
        notices=tuple(people.notices(person, file)),
        transfers=beside.transfers,
        enrolments=beside.enrolments,
        acts=tuple(people.acts(file)),
        own_unsubscribe=beside.own_unsubscribe,
        untold=beside.untold,
        sealed_address=next((sealed for sealed in reversed(addresses) if sealed), b""),
        tasks=beside.tasks,
    )


async def _times(reads: Reads, stands: Sequence[int]) -> list[datetime]:
    return [instant(at) for at in await reads.script(WHEN, ["of", *stands])] if stands else []


def _list(row: Packed) -> tuple[str, str, int, str, str, int]:
    """Collector, version, instant, partners, reason, number: as `rows.arrangements` reads them."""
    collector, version, at, partners, reason, _, number = row
    return words(collector), words(version), at, words(partners), words(reason), number

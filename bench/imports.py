"""A consent file with most columns, imported and exported as the commands do it: `python -m bench.imports [ROWS]`.

One row in ten came from a partner, one in twenty has two boxes, one in three a purchase, one in four a last contact. Allowed for a
million rows: five minutes and 300 MB on two cores.
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.person_export import CONFIG

ALLOWED_SECONDS = 300e-6
ALLOWED_MEMORY = 300
COLUMNS = (
    *("address", "advertiser", "purpose", "audience", "basis", "source", "collected_at", "action", "wording", "covers", "country"),
    *("wording_id", "form", "language", "relation", "relation_at", "optout_offered", "minor", "prechecked", "presentation"),
    *("partner_list_version", "asked_at", "confirmed_at", "last_contact_at"),
)
MEASURED = """
import sys
from gateway.cli import build
sys.argv = ["gateway", *sys.argv[1:]]
try:
    build()()
finally:
    sys.stdout.flush()
    peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
    print(int(peak.split()[1]) // 1024, file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One command: seconds, seconds of CPU, and the most memory it held, in MB."""

    what: str
    seconds: float
    cpu: float
    peak: int

    def told(self, rows: int) -> str:
        """As a line of the report."""
        each = self.seconds / rows * 1e6
        return (
            f"{self.what:<18} {self.seconds:7.1f} s  {each:6.0f} us a row  CPU {self.cpu / rows * 1e6:6.0f} us  peak {self.peak} MB"
        )


def rows(count: int) -> Iterator[tuple[str, ...]]:
    """The rows of the file, the same each time."""
    for number in range(count):
        partner, bought, confirmed = number % 10 == 0, number % 3 == 0, number % 5 == 0
        yield (
            *(f"p{number}@d{number % 977}.example.com", "acme", "news", "consumer", "consent", "friend" if partner else "direct"),
            *(f"2026-0{1 + number % 9}-1{number % 9}T10:{number % 60:02}:00+02:00", "checkbox-ticked"),
            f"J'accepte de recevoir la lettre d'information d'Acme par courriel, version {number % 20}.",
            *("both" if number % 20 == 1 else "", "FR", f"w-{number % 20}", "https://acme.example/inscription", "fr"),
            *(("purchase", "2026-01-02") if bought else ("", "")),
            *("yes", "no", "no", "link", "2026-01"),
            *(("2026-01-01T09:00:00+02:00", "2026-10-02T09:00:00+02:00") if confirmed else ("", "")),
            "2026-10-01" if number % 4 == 0 else "",
        )


def run(what: str, folder: Path, *words: str) -> Run:
    """One command in a process of its own; its data goes nowhere."""
    command = [sys.executable, "-c", MEASURED, "consent", *words, "--config", str(folder / "gateway.toml")]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(what, seconds, cpu, int(done.stderr.split()[-1]))


def main(count: int) -> int:
    """Import, import again, export; 1 when the first is over what is allowed."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "gateway.toml").write_text(CONFIG)
        file = folder / "consents.csv"
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            writer.writerows(rows(count))
        first = run("import", folder, "import", str(file))
        for one in (first, run("import again", folder, "import", str(file)), run("export", folder, "export")):
            print(one.told(count), flush=True)
    return int(first.seconds > ALLOWED_SECONDS * max(count, 100_000) or first.peak > ALLOWED_MEMORY)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))

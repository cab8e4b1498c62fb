"""How well replies are understood: what is done with examples whose meaning is known. `python -m tests.support.intent_score`.

The costly errors count, not the names: a refusal nobody hears, a person silenced who did not ask for it, a rights request nobody
sees, a machine acted upon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.core.intent import Understanding
from gateway.core.own_words import OwnWords
from gateway.core.signal import Effect, Signals, Told

EXAMPLES = Path(__file__).parents[2] / "training" / "intent"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply whose meaning is known; `suppress` is yes, no or review."""

    lang: str
    label: str
    suppress: str
    subject: str
    words: OwnWords


@dataclass(frozen=True, slots=True)
class Score:
    """What was done with some replies, counted."""

    counts: Counter[str]

    def share(self, part: str, whole: str) -> float:
        """One count in another; 0 where there is none."""
        return self.counts[part] / self.counts[whole] if self.counts[whole] else 0.0


def examples(pattern: str = "*.tsv", split: str = "test") -> Iterator[Reply]:
    """The examples of one split, from the files that fit a pattern."""
    for path in sorted(EXAMPLES.glob(pattern)):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            label, suppress, _, given, text = line.split("\t")
            if given == split:
                yield Reply(path.stem[:2], label, suppress, "Re: News", OwnWords(text.replace("\\n", "\n")))


def score(replies: Iterable[Reply], understanding: Understanding) -> Score:
    """Read them all and count."""
    counts: Counter[str] = Counter()
    for reply in replies:
        counts.update(judged(reply, understanding.read(reply.subject, reply.words)))
    return Score(counts)


def judged(reply: Reply, signals: Signals) -> list[str]:
    """What this reading was, in the words the counts use."""
    effects = {signal.effect for signal in signals}
    stopped, seen = Effect.SUPPRESS in effects, bool(effects & {Effect.PAUSE, Effect.REVIEW})
    told = [reply.suppress]
    if reply.suppress == "yes":
        told += ["stopped"] * stopped + ["unheard"] * (not stopped and not seen)
    if reply.suppress == "no":
        told += ["silenced"] * stopped + ["asked"] * (seen and not stopped)
    if reply.label == "rights_request":
        told += ["rights", *(["rights lost"] * (not seen))]
    if reply.label == "auto_reply":
        told += ["machine", *(["machine obeyed"] * stopped), *(["machine paused"] * (Effect.PAUSE in effects))]
    elif any(signal.told is Told.AUTO_REPLY for signal in signals):
        told.append("taken for a machine")
    return told


HEADINGS = (
    ("refusals", "yes", ""),
    ("suppressed at once", "stopped", "yes"),
    ("unheard", "unheard", "yes"),
    ("no refusal", "no", ""),
    ("suppressed wrongly", "silenced", "no"),
    ("a person looks", "asked", "no"),
    ("rights requests", "rights", ""),
    ("not before a person", "rights lost", "rights"),
    ("machines", "machine", ""),
    ("obeyed", "machine obeyed", "machine"),
    ("paused", "machine paused", "machine"),
)


def table(understanding: Understanding) -> str:
    """The held-out examples by set and language, as a Markdown table."""
    lines = ["| examples | " + " | ".join(name for name, _, _ in HEADINGS) + " |", "|---" * (len(HEADINGS) + 1) + "|"]
    for name, wanted in (("first", lambda path: "exam" not in path), ("last", lambda path: "exam" in path)):
        for lang in ("fr", "en", "de", "es", "it", ""):
            files = [path.name for path in sorted(EXAMPLES.glob(f"{lang}*.tsv")) if wanted(path.stem)]
            got = score((reply for file in files for reply in examples(file)), understanding).counts
            cells = [f"{got[part]}" + (f" ({got[part] / max(1, got[whole]):.1%})" if whole else "") for _, part, whole in HEADINGS]
            lines.append(f"| {name}, {lang or 'all'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    from gateway.edges.intent_file import load_understanding

    print(table(load_understanding()))

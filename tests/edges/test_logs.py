"""The lines the gateway writes."""

from __future__ import annotations

import io
import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.logs import MASK, JsonLog, LibraryLog


def test_a_line_is_one_json_object_with_time_words_and_facts() -> None:
    out = io.StringIO()
    JsonLog(out).say("opposed", door="one-click", scope="advertiser", seconds=0.5, count=3, new=True)
    (line,) = out.getvalue().splitlines()
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    assert told == {"what": "opposed", "door": "one-click", "scope": "advertiser", "seconds": 0.5, "count": 3, "new": True}


@given(st.text(), st.text(), st.sampled_from(["@", "%40", "＠"]))
def test_an_address_never_reaches_a_line(local: str, domain: str, sign: str) -> None:
    out = io.StringIO()
    log = JsonLog(out)
    log.say("kept", who=f"{local}{sign}{domain}")
    log.say(f"{local}{sign}{domain}")
    assert sign not in out.getvalue()
    assert [list(json.loads(line).values()).count(MASK) for line in out.getvalue().splitlines()] == [1, 1]


@given(st.text())
def test_a_value_cannot_start_a_line_of_its_own(value: str) -> None:
    out = io.StringIO()
    JsonLog(out).say("x", value=value)
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().endswith("\n")


def test_what_a_library_logs_keeps_the_type_of_a_fault_and_none_of_its_words() -> None:
    out = io.StringIO()
    logger = logging.getLogger("tests.library")
    logger.propagate = False
    handler = LibraryLog(JsonLog(out))
    logger.addHandler(handler)
    try:
        raise ValueError("anne@home.example")
    except ValueError:
        logger.exception("Exception in %s\nmore", "anne@home.example")
    finally:
        logger.removeHandler(handler)
    told = json.loads(out.getvalue())
    assert (told["fault"], told["words"], told["level"]) == ("ValueError", "Exception in %s", "error")
    assert told["where"].startswith("tests.edges.test_logs:")
    assert "anne" not in out.getvalue()

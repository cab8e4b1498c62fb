"""Pages that are written to a file and not served: a person's own file, and the record of processing; they load nothing.

They show what they are given and decide nothing; the file they may be written to is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import MAXYEAR, UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.core.dossier_words import Sheet
from gateway.edges.web.pages import Writer, link
from gateway.flow.processing import ProcessingSheet

_DAYS = {"fr": "%d/%m/%Y %H:%M UTC"}
_DAY = "%Y-%m-%d %H:%M UTC"


class PersonPage:
    """The page in every language there is a template for; `folders` are the operator's, then the shipped one."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.languages = {path.name.split(".")[1] for folder in folders for path in folder.glob("person.??.html.j2")}
        self._environment = _environment(folders)

    def render(self, sheet: Sheet) -> str:
        """The page in the sheet's language; in English where nobody wrote it in that one."""
        spoken = sheet.language if sheet.language in self.languages else "en"
        template = self._environment.get_template(f"person.{spoken}.html.j2")
        self._environment.filters["day"] = lambda moment: _day(moment, spoken)
        name = sheet.controllers[0].legal_name if sheet.controllers else ""
        return template.render(page="person", lang=spoken, who=Writer(name), languages=(), sheet=sheet)


class ProcessingPage:
    """The record of processing as one page, all advertisers under one another (GDPR 30)."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._environment = _environment(folders)

    def render(self, sheets: Sequence[ProcessingSheet]) -> str:
        """The page, in English, with the packs' own sentences."""
        self._environment.filters["day"] = lambda moment: _day(moment, "en")
        template = self._environment.get_template("processing.html.j2")
        return template.render(page="processing", lang="en", who=Writer(), languages=(), sheets=sheets)


def _environment(folders: Sequence[Path]) -> Environment:
    """Templates with the house's style in them; what the first folder has not comes from the next."""
    loader = FileSystemLoader(list(folders))
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False)
    styles = [loader.get_source(environment, name)[0] for name in ("page.css", "person.css")]
    environment.filters["link"] = link
    environment.globals["style"] = Markup("\n".join(styles))  # noqa: S704  the operator's own files, not input
    return environment


def _day(moment: datetime, language: str) -> str:
    """An instant to the minute; years before 1000 keep their four digits on every system."""
    moment = moment.astimezone(UTC) if 1 < moment.year < MAXYEAR else moment
    return moment.strftime(_DAYS.get(language, _DAY).replace("%Y", f"{moment.year:04}"))

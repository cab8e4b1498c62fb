"""Own words: what the author typed stays, what clients, telephones and lawyers put around it goes (R-FR-57, R-STD-69)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.own_words import MOST, OwnWords, own_words
from tests.support.timing import within

CASES = Path(__file__).resolve().parents[1] / "cases" / "replies"
ORIGINAL = "Bonjour,\n\nNotre offre est valable jusqu'à vendredi.\n\nSe désabonner : https://x.example/u\nUnsubscribe | STOP"
MARKED = "\n".join(f"> {line}".rstrip() for line in ORIGINAL.split("\n"))
ANSWER = "Bonjour,\n\nmerci de me retirer de la liste.\n\nJ. Dupont"


def _blocks(name: str) -> list[tuple[str, str]]:
    """(comment, block) of a case file."""
    blocks: list[tuple[str, str]] = []
    for block in (CASES / name).read_text(encoding="utf-8").split("\n%%\n"):
        lines = block.split("\n")
        comment = " ".join(line[2:] for line in lines if line.startswith("# "))
        blocks.append((comment, "\n".join(line for line in lines if not line.startswith("# ")).strip("\n")))
    return blocks


ANNOUNCEMENTS = [
    pytest.param(block, id=comment.rpartition(" `# ` says client and language. ")[2])
    for comment, block in _blocks("announcements.txt")
]
OWN = [pytest.param(block, id=block.split("\n")[0][:30] or str(number)) for number, (_, block) in enumerate(_blocks("own.txt"))]
DEVICES = (CASES / "device_lines.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("announcement", ANNOUNCEMENTS)
def test_nothing_of_the_original_passes_under_any_clients_announcement(announcement: str) -> None:
    """R-FR-57: only the own text is read, whether the client marks quoted lines or not."""
    marked_only = any(line.startswith(">") for line in announcement.split("\n"))
    for original in (MARKED,) if marked_only else (MARKED, ORIGINAL):
        for telephone in ("", "\nEnvoyé de mon iPhone\n"):
            for answer in ("STOP", ANSWER):
                words = own_words(f"{answer}\n{telephone}\n{announcement}\n\n{original}\n")
                assert words.text == answer
                assert (words.quoted, words.unsure, words.signature) == (True, False, bool(telephone))


@pytest.mark.parametrize("announcement", ANNOUNCEMENTS)
def test_an_answer_under_the_quote_survives_and_a_person_may_look(announcement: str) -> None:
    words = own_words(f"{announcement}\n\n{MARKED}\n\nSTOP, merci\n")
    assert words == OwnWords("STOP, merci", quoted=True, unsure=True)


@pytest.mark.parametrize("announcement", ANNOUNCEMENTS)
def test_a_quote_alone_is_nobodys_words(announcement: str) -> None:
    assert own_words(f"{announcement}\n\n{MARKED}\n").text == ""


@pytest.mark.parametrize("text", OWN)
def test_a_letter_that_looks_like_a_quote_loses_nothing(text: str) -> None:
    kept = own_words(text).text.split()
    assert [word for word in kept if word != "--"] == [word for word in text.split() if word != "--"]


@pytest.mark.parametrize("line", DEVICES)
def test_what_a_telephone_adds_is_not_said_by_its_owner(line: str) -> None:
    assert own_words(f"Non merci.\n\n{line}\n") == OwnWords("Non merci.", signature=True)
    assert own_words(f"Non merci.\n{line}\nVraiment pas.").text.split() == ["Non", "merci.", "Vraiment", "pas."]


def test_answers_between_quoted_lines_all_survive() -> None:
    words = own_words("> Un devis ?\nNon.\n\n> Encore des offres ?\nSurtout pas, retirez-moi.\n> Un appel ?\nNon plus.\n")
    assert words.text.split("\n") == ["Non.", "", "Surtout pas, retirez-moi.", "Non plus."]
    assert words.quoted
    assert words.unsure


@pytest.mark.parametrize("mark", [">", "> ", ">> ", " > ", "＞ ", "&gt; ", "JD> "])
def test_every_quote_mark_marks_a_quote(mark: str) -> None:
    words = own_words(f"Non.\n\n{mark}unsubscribe here\n{mark}STOP\n")
    assert words == OwnWords("Non.", quoted=True)


def test_the_rest_of_a_broken_quoted_line_is_quoted_too() -> None:
    long = "> " + "Vous recevez ce message parce que votre adresse nous a été confiée par un".ljust(74, ".")
    words = own_words(f"Non merci.\n\n{long}\npartenaire, désabonnez-vous ici\n> en un clic\n")
    assert words == OwnWords("Non merci.", quoted=True, unsure=True)


def test_a_signature_after_its_delimiter_is_cut() -> None:
    words = own_words("Désinscription\n\n-- \nMarc Abadie\nResponsable achats\nTél. 01 99 00 45 67\n")
    assert words == OwnWords("Désinscription", signature=True)


def test_a_delimiter_with_nothing_above_is_no_signature() -> None:
    assert "STOP" in own_words("-- \nSTOP").text


def test_a_letter_divided_by_dashes_is_not_cut_as_a_signature() -> None:
    letter = "Bonjour,\n\n--\n" + "\n".join(f"Point {number} de ma réclamation." for number in range(40))
    assert "Point 39" in own_words(letter).text


def test_sentences_under_a_row_of_dashes_are_shown_to_a_person() -> None:
    words = own_words("Bonjour,\n\n______\nje ne veux plus jamais recevoir vos messages, merci\n")
    assert "plus jamais" in words.text or words.unsure


NOTICES = [
    "Ce message est confidentiel et réservé à ses destinataires.\nReçu par erreur ? Merci de le détruire.",
    "This e-mail is confidential and intended solely for the addressee.\nIf you have received it in error, delete it.",
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, löschen Sie bitte diese Mail.",
    "Este mensaje contiene información confidencial. Si ha recibido este mensaje por error, rogamos al destinatario que lo borre.",
    "Il contenuto di questa mail è riservato al destinatario. Se avete ricevuto questo messaggio per errore, cancellatelo subito.",
    "Pensez à l'environnement avant d'imprimer ce courriel, et merci pour votre geste.",
]


@pytest.mark.parametrize("notice", NOTICES)
def test_a_confidentiality_notice_asks_for_no_erasure(notice: str) -> None:
    words = own_words(f"Oui, envoyez le devis.\n\n{notice}\n")
    assert words == OwnWords("Oui, envoyez le devis.", signature=True)


def test_a_notice_is_kept_where_it_is_all_there_is() -> None:
    assert own_words(NOTICES[0]).text == NOTICES[0]


def test_an_unmarked_quote_with_nothing_above_is_left_to_a_person() -> None:
    """An answer typed under an unmarked original cannot be told from it (R-FR-58)."""
    header = "De : Offres <o@x.example>\nEnvoyé : lundi 3 mars 2025 09:12\nÀ : a@x.example\nObjet : Soldes\n\n"
    assert own_words(header + ORIGINAL) == OwnWords("", quoted=True, unsure=True)


def test_an_answer_whose_quote_was_deleted_is_kept() -> None:
    words = own_words("Le 3 mars 2025 à 10:00, Offres <o@x.example> a écrit :\n\nRetirez-moi de la liste.\n")
    assert words == OwnWords("Retirez-moi de la liste.", quoted=True, unsure=True)


def test_see_below_sends_a_person_to_look() -> None:
    quote = "-----Original Message-----\nFrom: a@x.example\nSent: Monday\nSubject: S\n\ntext, my answer inside\n"
    assert own_words(f"See my answers below.\n\n{quote}").unsure
    assert not own_words(f"Thanks.\n\n{quote}").unsure


def test_a_help_desks_line_counts_only_under_words() -> None:
    line = "##- Please type your reply above this line -##"
    assert own_words(f"Thanks!\n\n{line}\n\nTicket 12 was opened, unsubscribe\n") == OwnWords("Thanks!", quoted=True)
    assert own_words(f"{line}\n\nTicket 12 was opened\n").text == f"{line}\n\nTicket 12 was opened"


def test_what_is_too_long_to_read_is_shown_to_a_person() -> None:
    words = own_words("STOP\n" + "x" * MOST)
    assert words.unsure
    assert words.text.startswith("STOP")


PIECES = [
    *("On ", "a écrit :", "wrote:", "From: a@b.example", "Sent: 3 Mar 2025 10:00", "Subject: x", "> ", ">", "-- ", "-----", "____"),
    *(
        "Le 3 mars 2025 à 10:00, ",
        "Am 3.3.2025 um 10:00 schrieb ",
        "-----Original Message-----",
        "Envoyé de mon iPhone",
        "STOP",
        "é",
        "\u2028",
    ),
    *(
        "confidential",
        "recipient",
        "if you have received",
        "\u200e",
        "\x00",
        "\ud800",
        ":",
        "：",
        " ",
        "\t",
        "\r",
        "\n",
        "\n\n",
        "写道：",
        "<a@b.example>",
    ),
]
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))


@given(TEXTS)
def test_only_lines_of_the_reply_come_out_in_their_order(text: str) -> None:
    given_lines = iter([line.rstrip() for line in text.splitlines()])
    words = own_words(text)
    assert all(line in given_lines for line in (words.text.split("\n") if words.text else []))
    assert not any(line.startswith(">") for line in words.text.split("\n"))


@given(TEXTS)
def test_words_that_nothing_was_cut_from_are_the_same_again(text: str) -> None:
    words = own_words(text)
    if not (words.quoted or words.signature or words.unsure):
        assert own_words(words.text) == words


HOSTILE = {
    "a écrit": "a écrit : ",
    "a écrit, lines": "a écrit :\n",
    "sentence": "Le 3 mars 2025 à 10:00, x\n",
    "marks": ">>>>",
    "marked lines": ">>>> x\n",
    "On": "On On On ",
    "From": "From: ",
    "From, lines": "From: x\n",
    "Date, lines": "Date: 3 Mar 2025\n",
    "almost blocks": "From: x\nfoo\nbar\n\n",
    "dashes": "-",
    "rows": "---\n\n",
    "delimiters": "--\nx\n",
    "spaces": " ",
    "blank lines": "\n",
    "attributions": "On 3 Mar 2025 10:00\n\na@b.example\nwrote\nx\n",
    "notices": "confidential recipient if you have received\n\n",
    "telephones": "Sent from my x\n",
    "colons": "2025 10:00 x@y.example:\n",
}


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_of_hostile_quoting_is_read_in_a_fifth_of_a_second(piece: str) -> None:
    text = (piece * (2**20 // len(piece) + 1))[: 2**20]
    within(0.2, lambda: own_words(text))

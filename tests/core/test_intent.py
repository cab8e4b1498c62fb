"""What a reply asks, by example: refusals, rights and their negations in five languages; every verdict can be explained."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.intent import Understanding
from gateway.core.intent_text import folded, head_and_tail, is_latin, sentences
from gateway.core.intent_words import RULES, heard
from gateway.core.own_words import OwnWords
from gateway.core.signal import Effect, Right, Signal, Signals, Told
from gateway.edges.intent_file import load_understanding
from tests.support.timing import within

UNDERSTANDING = load_understanding()
SUBJECT = "Re: Our autumn offers"


def read(text: str, subject: str = SUBJECT, language: str = "", unsure: bool = False) -> Signals:
    """The signals of these own words."""
    return UNDERSTANDING.read(subject, OwnWords(text, unsure=unsure), language)


def first(text: str, subject: str = SUBJECT) -> Signal:
    """The weightiest signal."""
    return read(text, subject)[0]


def effects(text: str) -> set[Effect]:
    """Every effect of a reply."""
    return {signal.effect for signal in read(text)}


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "S.T.O.P !!",
        "Stop svp merci",
        "Désinscrivez-moi, merci",
        "retirez-moi de vos fichiers",
        "Je ne veux plus recevoir vos courriels.",
        "je ve plu recevoir vo mail",
        "foutez-moi la paix",
        "Non merci, et ne m'écrivez plus.",
        "unsubscribe",
        "Please take me off this mailing list.",
        "Do not e-mail me again.",
        "leave me alone",
        "Bitte tragen Sie mich aus dem Verteiler aus.",
        "Keine Werbung mehr!",
        "Lassen Sie mich in Ruhe",
        "Denme de baja, por favor.",
        "No quiero recibir más correos.",
        "Dejen de escribirme",
        "Cancellatemi dalla vostra lista.",
        "Non scrivetemi più",
        "Smettetela di mandarmi pubblicità",
    ],
)
def test_refusal_however_it_is_worded_is_an_opposition(text: str) -> None:
    """R-FR-57: in five languages, in one word, misspelt, rude or polite."""
    signal = first(text)
    assert (signal.told, signal.effect) == (Told.OPT_OUT, Effect.SUPPRESS), signal
    assert signal.confidence >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Ne me désinscrivez surtout pas, j'aime vos lettres.",
        "Je ne veux pas me désabonner, j'ai cliqué par erreur.",
        "Please don't unsubscribe me, I love your emails.",
        "I don't want to be removed from your list.",
        "Bitte tragen Sie mich nicht aus, ich lese Sie gern.",
        "Por favor, no me den de baja.",
        "Non cancellatemi dalla lista, per favore.",
        "How do I unsubscribe my customers with your software?",
        "Nos clients peuvent-ils se désabonner en un clic avec votre outil ?",
        "OK pour le devis, retirez juste le transport.",
        "What time does the shop close on Sunday?",
        "Bien reçu, merci.",
        "Merci beaucoup !",
    ],
)
def test_who_does_not_refuse_is_never_silenced(text: str) -> None:
    assert Effect.SUPPRESS not in effects(text), read(text)


@pytest.mark.parametrize(
    "text", ["Thanks!", "Quel est le prix TTC ?", "Vielen Dank, erhalten.", "¿Cuánto cuesta?", "Ricevuto, grazie"]
)
def test_ordinary_answers_are_left_to_people(text: str) -> None:
    assert [(signal.told, signal.effect) for signal in read(text)] == [(Told.HUMAN, Effect.NONE)]


@pytest.mark.parametrize("text", ["Non merci.", "Not interested.", "Kein Interesse.", "No, gracias.", "No grazie."])
def test_no_that_may_be_one_to_the_offer_alone_goes_to_a_person(text: str) -> None:
    """R-FR-58: between the thresholds marketing pauses and a person decides."""
    signal = first(text)
    assert (signal.told, signal.effect) == (Told.UNCLEAR, Effect.PAUSE), signal


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Je souhaite exercer mon droit d'accès.", Right.ACCESS),
        ("What personal data do you hold about me?", Right.ACCESS),
        ("Ich verlange Auskunft über meine gespeicherten Daten.", Right.ACCESS),
        ("Ejerzo mi derecho de acceso.", Right.ACCESS),
        ("Esercito il diritto di accesso ai miei dati.", Right.ACCESS),
        ("Où avez-vous eu mon adresse ?", Right.SOURCE),
        ("Who gave you my email address?", Right.SOURCE),
        ("Woher haben Sie meine Adresse?", Right.SOURCE),
        ("¿De dónde han sacado mi correo?", Right.SOURCE),
        ("Chi vi ha dato il mio indirizzo?", Right.SOURCE),
        ("Merci de rectifier mon nom dans vos fichiers.", Right.RECTIFICATION),
        ("Je fais valoir mon droit à la portabilité.", Right.PORTABILITY),
        ("Je vais porter plainte à la CNIL.", Right.COMPLAINT),
    ],
)
def test_right_invoked_is_put_before_a_person(text: str, right: Right) -> None:
    """R-FR-59: a request of the person's own rights opens a ticket, and names the right."""
    request = next(signal for signal in read(text) if signal.told is Told.RIGHTS_REQUEST)
    assert request.effect is Effect.REVIEW
    assert right in request.rights


@pytest.mark.parametrize(
    "text",
    [
        "Ne m'écrivez plus, et dites-moi qui vous a vendu mon mail.",
        "Please delete all of my personal data.",
        "Ich widerspreche der Verarbeitung meiner Daten zu Werbezwecken (Art. 21 DSGVO).",
        "Denme de baja y díganme quién les dio mis datos.",
        "Chiedo la cancellazione di tutti i miei dati personali ai sensi dell'art. 17.",
    ],
)
def test_opposition_comes_before_the_right_it_stands_beside(text: str) -> None:
    """R-FR-59: the opposition is applied first, the ticket opened beside it."""
    signals = read(text)
    assert [signal.told for signal in signals] == [Told.OPT_OUT, Told.RIGHTS_REQUEST], signals
    assert [signal.effect for signal in signals] == [Effect.SUPPRESS, Effect.REVIEW]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Réponse automatique : Offres", "Je suis absent jusqu'au 12 mars."),
        ("Re: Offers", "I am out of the office until Monday with limited access to email."),
        ("Re: Offers", "Ceci est un message automatique. Vous pouvez vous désinscrire de notre lettre en répondant STOP."),
        ("Re: Angebote", "Ich bin bis zum 3. Mai nicht im Büro. Dies ist eine automatisch generierte Antwort."),
    ],
)
def test_machine_known_by_its_words_changes_nothing(subject: str, text: str) -> None:
    """R-FR-62: an automatic answer is no opposition, whatever it says of its own newsletter."""
    signal = first(text, subject)
    assert (signal.told, signal.effect, signal.machine) == (Told.AUTO_REPLY, Effect.NONE, True), signal


def test_machine_that_asks_for_a_removal_is_left_to_a_person() -> None:
    text = "Réponse automatique. Mme Roy a quitté la société, merci de supprimer son adresse de vos listes de diffusion."
    assert effects(text) == {Effect.PAUSE}


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("M. Petit est parti, retirez a.petit@atelier.example de vos listes.", ["a.petit@atelier.example"]),
        ("Merci de retirer toutes les adresses @mairie.example de vos listes de diffusion.", ["@mairie.example"]),
        ("Please remove jo@quay.example and the accounts@ mailbox from your list.", ["jo@quay.example", "accounts@quay.example"]),
        ("Désinscrivez-moi, ainsi que Paul@Duo.example.", ["", "paul@duo.example"]),
    ],
)
def test_whom_a_refusal_names_is_its_target(text: str, targets: list[str]) -> None:
    assert [signal.target for signal in read(text) if signal.told is Told.OPT_OUT] == targets


def test_who_left_without_a_demand_is_for_a_person() -> None:
    assert effects("Madame Rey ne travaille plus ici.") == {Effect.PAUSE}


def test_empty_answer_under_our_subject_says_nothing() -> None:
    assert [(signal.told, signal.effect) for signal in read("", "Re: Answer STOP to leave")] == [(Told.HUMAN, Effect.NONE)]
    assert read("\n -- \n", unsure=True)[0].effect is Effect.PAUSE


@pytest.mark.parametrize("subject", ["unsubscribe", "STOP", "Désinscription", "Re: STOP", "Merci de me désinscrire"])
def test_subject_written_by_the_author_is_heard_where_there_are_no_words(subject: str) -> None:
    assert first("", subject).effect is Effect.SUPPRESS


def test_refusal_at_the_end_of_a_long_letter_is_heard() -> None:
    story = "Nous avons visité votre stand en mars et discuté de la couverture du hangar avec votre collègue. " * 30
    assert Effect.NONE not in effects(f"Bonjour,\n\n{story}\n\nMerci de me désinscrire de votre liste de diffusion.\n\nP. Roy")


@pytest.mark.parametrize(("text", "language"), [("Пожалуйста, удалите меня", ""), ("Wilt u mij dit niet meer sturen", "nl-NL")])
def test_language_nobody_taught_goes_to_a_person(text: str, language: str) -> None:
    """R-FR-58: what cannot be read is not read as consent."""
    assert all(signal.effect is not Effect.NONE for signal in read(text, language=language))


def test_declared_language_that_is_wrong_hides_no_refusal() -> None:
    assert read("Please unsubscribe me", language="nl")[0].effect is Effect.SUPPRESS
    assert read("Please unsubscribe me", language="fr-FR")[0].effect is Effect.SUPPRESS


@pytest.mark.parametrize("text", ["Retirez dupont@secret.example svp, Maître Zorglub", "Thanks, Zorglub", "Zorglub@x.example STOP"])
def test_why_names_rules_and_figures_and_nothing_of_the_mail(text: str) -> None:
    names = {rule.name for rule in RULES}
    for signal in read(text):
        assert "zorglub" not in signal.why.lower()
        assert "secret" not in signal.why
        for said in re.findall(r"rule:([\w-]+)", signal.why):
            assert said in names | {"command", "subject-command"}


def test_without_a_model_the_rules_alone_hear_what_is_plain() -> None:
    alone = Understanding()
    assert alone.read(SUBJECT, OwnWords("STOP"))[0].effect is Effect.SUPPRESS
    assert alone.read(SUBJECT, OwnWords("Not interested."))[0].effect is Effect.PAUSE
    assert alone.read(SUBJECT, OwnWords("Thanks"))[0].effect is Effect.NONE


def test_every_rule_has_its_own_name_and_language() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert {name[:3] for name in names} == {"fr-", "en-", "de-", "es-", "it-"}


def test_plain_form_makes_spellings_alike() -> None:
    assert folded("DÉSINSCRIVEZ\u200b‑moi,\u00a0l’Œuvre") == "desinscrivez‐moi, l'oeuvre".replace("‐", folded("‑"))
    assert sentences("a b. c?\nd") == ["a b.", "c?", "d"]
    assert is_latin("Grüße")
    assert not is_latin("Привет")


@given(st.text(), st.text(), st.booleans(), st.sampled_from(["", "fr", "xx", "de-AT"]))
def test_reading_never_fails_and_always_says_something(subject: str, text: str, unsure: bool, language: str) -> None:
    signals = UNDERSTANDING.read(subject, OwnWords(text, unsure=unsure), language)
    assert signals
    for signal in signals:
        assert 0.0 <= signal.confidence <= 1.0
        assert len(signal.why) < 400


@given(st.text(), st.integers(6, 400))
def test_head_and_tail_are_never_longer_than_asked(text: str, most: int) -> None:
    assert len(head_and_tail(text, most)) <= most


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "unit",
    ["a", "@", "a@", "@a.", "ne plus ", "> ", "?", "\n", "please do not ", "é\u0301", "je ne veux pas ", "remove ", "a.b@c-"],
)
def test_hostile_length_costs_no_more_than_a_page(unit: str) -> None:
    """64 KB take less than 50 ms of a processor, whatever they are made of; what neighbours take does not count."""
    words = OwnWords(unit * (65536 // len(unit)))
    within(0.05, lambda: UNDERSTANDING.read("Re: " + words.text, words))


def test_rules_hear_what_is_left_when_denials_are_taken_out() -> None:
    named = {rule.name for rule in heard(folded("Ne me désinscrivez pas de la lettre, mais ne m'appelez plus jamais.")).rules}
    assert {"fr-keep", "fr-do-not"} <= named

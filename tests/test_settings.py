"""The configuration: every fault is said with its line, secrets stay out, and the example works."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Category, RefusalMode
from gateway.settings import ConfigurationError, load, mailbox_password, to_partners, to_streams, upstream_password
from gateway.settings.lines import line_numbers
from gateway.settings.manual import manual
from gateway.settings.models import Delivery
from gateway.settings.values import write_duration

ROOT = Path(__file__).resolve().parents[1]
BAD = sorted((ROOT / "tests" / "bad_configs").glob("*.toml"))
SMALL = """
[advertiser.acme]
legal_name = "Acme SAS"
postal_address = "1 rue de l'Exemple, 75000 Paris"
contact = "contact@acme.example"
from_domains = ["acme.example"]
[upstream.out]
host = "127.0.0.1"
tls = "none"
[stream.news]
advertiser = "acme"
upstream = "out"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_every_fault_is_said_with_its_line(file: Path) -> None:
    expected = re.findall(r"^# expect: (\d+): (.*)$", file.read_text(), re.MULTILINE)
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    assert expected
    assert str(caught.value).splitlines() == sorted(
        (f"{file}:{line}: {said}".replace("{folder}", str(file.parent)) for line, said in expected),
        key=lambda text: int(text.split(":")[1]),
    )


def test_an_empty_file_is_a_safe_gateway_on_loopback(tmp_path: Path) -> None:
    settings = load(write(tmp_path, ""), {})
    assert settings.submission.listen.loopback
    assert settings.web.listen.loopback
    assert settings.public_url == "http://127.0.0.1:8025"
    assert settings.gateway.policies == ("fr",)


def test_the_example_is_accepted_as_it_is(tmp_path: Path) -> None:
    settings = load(write(tmp_path, (ROOT / "gateway.example.toml").read_text()), {})
    assert to_streams(settings)["orders"].category is Category.TRANSACTIONAL


def test_the_examples_commented_settings_exist_and_show_their_defaults(tmp_path: Path) -> None:
    example = (ROOT / "gateway.example.toml").read_text()
    shown = tomllib.loads(re.sub(r"^# (\[?[a-z_.]+\]?(?: = .*)?)$", r"\1", example, flags=re.MULTILINE))
    effective = load(write(tmp_path, ""), {}).model_dump(mode="json")
    for table, keys in (("gateway", ("policies", "workers", "fold_tags", "node")), ("delivery", tuple(shown["delivery"]))):
        for key in keys:
            assert shown[table][key] == effective[table][key], key


def test_a_mailbox_is_read_under_tls_and_changes_nothing_unless_told(tmp_path: Path) -> None:
    text = SMALL + 'replies = "mailbox"\n[mailbox.answers]\nhost = "imap.acme.example"\nusername = "contact"\nstreams = ["news"]\n'
    environ = {"GATEWAY_MAILBOX_ANSWERS_PASSWORD": "secret"}
    mailbox = load(write(tmp_path, text), environ).mailbox["answers"]
    assert (mailbox.port, mailbox.tls, mailbox.folder, mailbox.keyword, mailbox.trusted_authserv) == (
        993,
        "required",
        "INBOX",
        "",
        "",
    )
    assert mailbox_password("answers", mailbox, environ) == b"secret"
    assert "secret" not in repr(mailbox)
    with pytest.raises(ConfigurationError, match="secrets never stand in this file"):
        load(write(tmp_path, text + 'password = "secret"\n'), environ)


def test_streams_carry_their_advertiser_and_defaults(tmp_path: Path) -> None:
    stream = to_streams(load(write(tmp_path, SMALL), {}))["news"]
    assert (stream.advertiser.legal_name, stream.purpose, stream.refusal) == ("Acme SAS", "news", RefusalMode.REJECT)
    assert stream.number != 0


def test_balancers_are_addresses_or_networks_and_none_by_default(tmp_path: Path) -> None:
    assert load(write(tmp_path, ""), {}).web.proxy_from == ()
    settings = load(write(tmp_path, '[web]\nproxy_from = ["192.0.2.10", "2001:db8::/64"]\n'), {})
    assert settings.web.proxy_from == (ip_network("192.0.2.10/32"), ip_network("2001:db8::/64"))
    assert settings.web.model_dump(mode="json")["proxy_from"] == ["192.0.2.10/32", "2001:db8::/64"]


def test_partner_roles_become_directions(tmp_path: Path) -> None:
    partners = to_partners(load(write(tmp_path, '[partner.p]\nlegal_name = "P"\nrole = "both"\n'), {}))
    assert (partners["p"].provides, partners["p"].receives) == (True, True)


def test_backups_are_made_and_put_back_once_a_folder_is_named(tmp_path: Path) -> None:
    assert load(write(tmp_path, ""), {}).backup.folder is None
    backup = load(write(tmp_path, '[backup]\nfolder = "night"\nevery = "6h"\n'), {}).backup
    assert (backup.folder, backup.every, backup.keep) == (tmp_path / "night", timedelta(hours=6), 7)
    assert backup.restore_when_emptied


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    assert load(write(tmp_path, '[gateway]\ndata_dir = "state"\n'), {}).gateway.data_dir == tmp_path / "state"


def test_unknown_gateway_variables_refuse_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="GATEWAY_UPSTREAM_OUT_PASSWROD in the environment is unknown; did you mean"):
        load(write(tmp_path, SMALL), {"GATEWAY_UPSTREAM_OUT_PASSWROD": "x"})


def test_a_password_comes_from_the_environment_or_from_a_private_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from file\n")
    secret.chmod(0o600)
    file = write(tmp_path, SMALL.replace('tls = "none"', 'tls = "none"\nusername = "u"\npassword_file = "secret"'))
    upstream = load(file, {}).upstream["out"]
    assert upstream_password("out", upstream, {}) == b"from file"
    assert upstream_password("out", upstream, {"GATEWAY_UPSTREAM_OUT_PASSWORD": "from env"}) == b"from env"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_file_that_others_can_read_refuses_to_start(tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(mode)
    file = write(tmp_path, SMALL.replace('tls = "none"', 'tls = "none"\nusername = "u"\npassword_file = "secret"'))
    with pytest.raises(ConfigurationError, match="can be read by others: chmod 600"):
        load(file, {})


def test_a_dkim_key_that_others_can_read_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "k.pem").touch(0o644)
    keyed = SMALL.replace("[upstream.out]", 'dkim = [{ selector = "s", key_file = "k.pem" }]\n[upstream.out]')
    with pytest.raises(ConfigurationError, match=r"gateway.toml:7: \[advertiser.acme\] dkim: .*chmod 600"):
        load(write(tmp_path, keyed), {})


def test_no_secret_is_ever_in_the_settings(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("planted-secret")
    file = write(tmp_path, SMALL.replace('tls = "none"', 'tls = "none"\nusername = "u"\npassword_file = "secret"'))
    settings = load(file, {})
    assert "planted-secret" not in settings.model_dump_json() + repr(settings)


def test_a_fault_never_quotes_the_value_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(write(tmp_path, '[upstream.out]\nhost = "h"\npassword = "planted-secret"\nport = "planted-secret"\n'), {})
    assert "planted-secret" not in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml", {})


def test_text_that_is_not_utf8_says_so(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_bytes(b'[gateway]\nhostname = "\xe9"\n')
    with pytest.raises(ConfigurationError, match="must be UTF-8"):
        load(tmp_path / "gateway.toml", {})


KEYS = st.sampled_from(["a", "b-c", "d_e", '"f.g"', "'h i'"])
VALUES = st.sampled_from(
    ["1", '"x # ["', "[1,\n 2, # ]\n]", '"""\na = 1\n[t]\n"""', "'''\n\"\n'''", "{ a = 1 }", "[{ a = '}' }]", '"\\""']
)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
def test_every_key_is_found_on_its_own_line(tables: dict[str, dict[str, str]]) -> None:
    text = "\n".join(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for name, keys in tables.items())
    numbers = line_numbers(text)
    written = text.split("\n")
    for name, keys in tomllib.loads(text).items():
        assert written[numbers[(name,)] - 1].strip("[]\"'") == name
        for key in keys:
            assert written[numbers[(name, key)] - 1].split(" =")[0].strip("\"'") == key


@given(st.text(alphabet=st.sampled_from("[]{}\"'=#.\n\\ ab\r"), max_size=60))
def test_no_text_breaks_the_search_for_lines(text: str) -> None:
    assert all(1 <= number <= text.count("\n") + 1 for number in line_numbers(text).values())


@given(st.integers(min_value=0, max_value=10**6))
def test_durations_read_back_as_written(seconds: int) -> None:
    given = Delivery.model_validate({"budget": seconds})
    assert Delivery.model_validate({"budget": write_duration(given.budget)}) == given


def test_the_page_about_the_configuration_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == manual(), "run: make docs"


def test_every_setting_is_described() -> None:
    assert "|  |\n" not in manual()


def test_default_paths_start_at_the_file_too(tmp_path: Path) -> None:
    assert load(write(tmp_path, ""), {}).gateway.data_dir == tmp_path / "var"

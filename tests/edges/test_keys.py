"""The key folder: private, never half read, never replaced in silence."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.core.model import PersonKey
from gateway.core.sign import Algorithm, DkimKey, public_record
from gateway.core.token import MAX_KEY_ID, Claim, mint, read
from gateway.edges.keys import KeyFault, KeyRing, dns_record, load_dkim, rotate_token, write_dkim_key

PERSON = PersonKey(bytes(16))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "keys"
    KeyRing.create(folder)
    return folder


def test_ring_is_the_same_after_a_restart(folder: Path) -> None:
    one, two = KeyRing.load(folder), KeyRing.load(folder)
    assert one.pepper == two.pepper
    assert len(one.pepper) == 32
    assert read(two.token_keys, mint(one.token_keys, 7, PERSON)) == Claim(7, PERSON)
    assert two.vault.open(one.vault.seal(b"x")) == b"x"


def test_two_rings_share_nothing(tmp_path: Path) -> None:
    one, two = KeyRing.create(tmp_path / "a"), KeyRing.create(tmp_path / "b")
    assert one.pepper != two.pepper
    assert read(two.token_keys, mint(one.token_keys, 7, PERSON)) is None


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        KeyRing.create(tmp_path / "keys")
        write_dkim_key(tmp_path / "dkim.pem", Algorithm.ED25519, "example.com", "s")
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    for path in [*(tmp_path / "keys").iterdir(), tmp_path / "dkim.pem"]:
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["pepper", "token-1", "vault-1"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_key_open_to_others_is_refused(folder: Path, name: str, mode: int) -> None:
    (folder / name).chmod(mode)
    with pytest.raises(KeyFault, match="chmod 600"):
        KeyRing.load(folder)


def test_folder_open_to_others_is_refused(folder: Path) -> None:
    folder.chmod(0o750)
    with pytest.raises(KeyFault, match="chmod 700"):
        KeyRing.load(folder)


@pytest.mark.parametrize("name", ["pepper", "token-1", "vault-1"])
def test_missing_key_is_refused_and_not_made_anew(folder: Path, name: str) -> None:
    (folder / name).unlink()
    for attempt in (KeyRing.load, KeyRing.create, lambda place: KeyRing.open(place, may_create=True)):
        with pytest.raises(KeyFault):
            attempt(folder)
    assert not (folder / name).exists()


@pytest.mark.parametrize("size", [0, 31, 33, 100_000])
def test_key_of_wrong_length_is_refused(folder: Path, size: int) -> None:
    (folder / "pepper").write_bytes(b"x" * size)
    with pytest.raises(KeyFault, match="expected 32"):
        KeyRing.load(folder)


def test_folder_that_is_missing_is_made_only_where_nothing_depends_on_it(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="backup"):
        KeyRing.open(tmp_path / "keys", may_create=False)
    made = KeyRing.open(tmp_path / "keys", may_create=True)
    assert KeyRing.open(tmp_path / "keys", may_create=True).pepper == made.pepper


def test_workers_starting_at_once_share_one_ring(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: KeyRing.open(tmp_path / "keys", may_create=True), range(8)))
    assert len({ring.pepper for ring in rings}) == 1


def test_key_that_is_no_regular_file_is_refused(folder: Path) -> None:
    (folder / "pepper").unlink()
    os.mkfifo(folder / "pepper", 0o600)
    with pytest.raises(KeyFault, match="regular"):
        KeyRing.load(folder)


@pytest.mark.parametrize("name", ["token-x", "token-32", "token-1.bak", "vault-256", "vault--1", "token-²"])
def test_stray_key_name_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x" * 32)
    with pytest.raises(KeyFault, match="not a key name"):
        KeyRing.load(folder)


def test_rotation_keeps_links_already_sent_working(folder: Path) -> None:
    old = mint(KeyRing.load(folder).token_keys, 7, PERSON)
    assert rotate_token(folder) == 2
    keys = KeyRing.load(folder).token_keys
    assert keys.current == 2
    assert read(keys, old) == Claim(7, PERSON)
    assert mint(keys, 7, PERSON) != old


def test_rotation_ends_where_ids_end(folder: Path) -> None:
    for number in range(2, MAX_KEY_ID + 1):
        assert rotate_token(folder) == number
    with pytest.raises(KeyFault, match="used up"):
        rotate_token(folder)


def test_no_secret_is_shown(folder: Path) -> None:
    ring = KeyRing.load(folder)
    shown = repr(ring) + str(ring)
    assert repr(ring.pepper)[2:-1] not in shown
    assert repr(ring.token_keys.secrets[1])[2:-1] not in shown
    (folder / "token-1").write_bytes(b"PLANTED-SECRET")
    with pytest.raises(KeyFault) as caught:
        KeyRing.load(folder)
    assert "PLANTED" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_dkim_key_is_made_once_and_signs_under_its_record(tmp_path: Path, algorithm: Algorithm) -> None:
    path = tmp_path / "dkim.pem"
    record = write_dkim_key(path, algorithm, "example.com", "s2026")
    key = load_dkim(path, "example.com", "s2026")
    assert isinstance(key, DkimKey)
    assert key.algorithm is algorithm
    assert (record.name, record.value) == ("s2026._domainkey.example.com", public_record(key))
    assert dns_record(key) == record
    with pytest.raises(KeyFault, match="exists"):
        write_dkim_key(path, algorithm, "example.com", "s2026")


def test_zone_lines_hold_the_whole_record_in_short_strings(tmp_path: Path) -> None:
    record = write_dkim_key(tmp_path / "dkim.pem", Algorithm.RSA, "example.com", "s")
    lines = record.lines()
    strings = [line.strip().strip('"') for line in lines[1:-1]]
    assert "".join(strings) == record.value
    assert max(map(len, strings)) <= 255
    assert lines[0] == "s._domainkey.example.com. IN TXT ("


def test_unfit_dkim_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dkim.pem"
    with pytest.raises(KeyFault, match="cannot be read"):
        load_dkim(path, "example.com", "s")
    with pytest.raises(KeyFault, match="domain or selector"):
        write_dkim_key(path, Algorithm.ED25519, "example.com", "not a name")
    assert not path.exists()
    write_dkim_key(path, Algorithm.ED25519, "example.com", "s")
    path.chmod(0o644)
    with pytest.raises(KeyFault, match="chmod 600"):
        load_dkim(path, "example.com", "s")
    path.chmod(0o600)
    path.write_text("nothing")
    with pytest.raises(KeyFault, match="PEM"):
        load_dkim(path, "example.com", "s")

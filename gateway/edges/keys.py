"""The key folder: pepper, token keys, vault keys, and DKIM key files; each file 0600 in a 0700 folder, outside every store.

A lost or foreign key is never replaced in silence: with another pepper, everybody who opposed would be unknown again (R-DP-03).
No secret leaves this room as text.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core import sign
from gateway.core.sign import MIN_RSA_BITS, Algorithm, DkimKey, load_key, public_record
from gateway.core.token import MAX_KEY_ID, SECRET_BYTES, TokenKeys
from gateway.edges.vault import KEY_BYTES, AesVault

PEPPER_BYTES = 32
_MAX_FILE = 64 * 1024
_TXT_STRING = 250  # a TXT string holds 255 octets (RFC 1035 3.3.14)


class KeyFault(Exception):
    """A key that cannot be used; the text is one line for the administrator and holds no secret."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The gateway's own secrets, read once at start."""

    pepper: bytes = field(repr=False)
    token_keys: TokenKeys
    vault: AesVault

    @classmethod
    def open(cls, folder: Path, may_create: bool) -> KeyRing:
        """The ring in this folder; made anew only where `may_create` says that nothing can depend on an earlier one."""
        if not may_create:
            return cls.load(folder)
        with _locked(folder):  # several workers may start at once
            if not _present(folder):
                _fill(folder)
            return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> KeyRing:
        """Read the ring; KeyFault when a file is missing, readable by others, or of the wrong length."""
        _check_folder(folder)
        pepper = _read_secret(folder / "pepper", PEPPER_BYTES)
        tokens = _read_numbered(folder, "token", SECRET_BYTES, MAX_KEY_ID)
        vaults = _read_numbered(folder, "vault", KEY_BYTES, 255)
        return cls(pepper, TokenKeys(max(tokens), tokens), AesVault(max(vaults), vaults))

    @classmethod
    def create(cls, folder: Path) -> KeyRing:
        """Make a ring of random keys; KeyFault where any part of one exists."""
        with _locked(folder):
            if _present(folder):
                raise KeyFault(f"{folder}: holds a key ring already")
            _fill(folder)
            return cls.load(folder)


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A TXT record to publish."""

    name: str
    value: str

    def lines(self) -> tuple[str, ...]:
        """The record for a zone file, long values cut into strings (RFC 6376 3.6.2.2)."""
        cut = [self.value[start : start + _TXT_STRING] for start in range(0, len(self.value), _TXT_STRING)]
        return (f"{self.name}. IN TXT (", *(f'  "{part}"' for part in cut), ")")


def rotate_token(folder: Path) -> int:
    """Add a token key, which new tokens use from the next start on; links already sent keep working. Returns its id."""
    _check_folder(folder)
    number = max(_read_numbered(folder, "token", SECRET_BYTES, MAX_KEY_ID)) + 1
    if number > MAX_KEY_ID:
        raise KeyFault(f"{folder}: token key ids are used up at {MAX_KEY_ID}")
    _write_new(folder / f"token-{number}", secrets.token_bytes(SECRET_BYTES))
    return number


def write_dkim_key(path: Path, algorithm: Algorithm, domain: str, selector: str) -> DnsRecord:
    """Make a DKIM key file that did not exist, and answer the record to publish for it."""
    private = rsa.generate_private_key(65537, MIN_RSA_BITS) if algorithm is Algorithm.RSA else Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = load_key(pem, domain, selector)
    if isinstance(key, sign.KeyFault):
        raise KeyFault(f"{path}: {key.why}")
    _write_new(path, pem)
    return dns_record(key)


def load_dkim(path: Path, domain: str, selector: str, *, subdomains: bool = False) -> DkimKey:
    """Read a DKIM key file; KeyFault when it is missing, readable by others, or no key we may sign with."""
    key = load_key(_read(path), domain, selector, subdomains=subdomains)
    if isinstance(key, sign.KeyFault):
        raise KeyFault(f"{path}: {key.why}")
    return key


def dns_record(key: DkimKey) -> DnsRecord:
    """Where and what to publish for a key."""
    return DnsRecord(f"{key.selector}._domainkey.{key.domain}", public_record(key))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder, made if need be, for one process at a time."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as fault:
        raise KeyFault(f"{folder}: key folder cannot be used ({fault.strerror})") from None
    try:
        _check_folder(folder)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _present(folder: Path) -> bool:
    """Whether any part of a ring is there."""
    return any(path.name == "pepper" or path.name.startswith(("token-", "vault-")) for path in folder.iterdir())


def _fill(folder: Path) -> None:
    _write_new(folder / "token-1", secrets.token_bytes(SECRET_BYTES))
    _write_new(folder / "vault-1", secrets.token_bytes(KEY_BYTES))
    _write_new(folder / "pepper", secrets.token_bytes(PEPPER_BYTES))


def _check_folder(folder: Path) -> None:
    try:
        mode = folder.stat().st_mode
    except OSError as fault:
        raise KeyFault(f"{folder}: key folder cannot be read ({fault.strerror}); restore it from its backup") from None
    if not stat.S_ISDIR(mode):
        raise KeyFault(f"{folder}: key folder is not a folder")
    if mode & 0o077:
        raise KeyFault(f"{folder}: key folder is open to others (mode {stat.S_IMODE(mode):04o}); chmod 700 it")


def _read_numbered(folder: Path, kind: str, length: int, highest: int) -> Mapping[int, bytes]:
    found = {}
    for path in sorted(folder.glob(f"{kind}-*")):
        number = path.name.removeprefix(f"{kind}-")
        if not (number.isascii() and number.isdigit()) or int(number) > highest:
            raise KeyFault(f"{path}: not a key name, expected {kind}-0 to {kind}-{highest}")
        found[int(number)] = _read_secret(path, length)
    if not found:
        raise KeyFault(f"{folder}: no {kind} key; restore it from its backup")
    return found


def _read_secret(path: Path, length: int) -> bytes:
    secret = _read(path)
    if len(secret) != length:
        raise KeyFault(f"{path}: {len(secret)} bytes, expected {length}; restore it from its backup")
    return secret


def _read(path: Path) -> bytes:
    """The bytes of a regular file that nobody else may read or write; looked at once opened, so it cannot change in between."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KeyFault(f"{path}: not a regular file")
            if mode & 0o077:
                raise KeyFault(f"{path}: key file is open to others (mode {stat.S_IMODE(mode):04o}); chmod 600 it")
            return file.read(_MAX_FILE)
    except OSError as fault:
        raise KeyFault(f"{path}: key file cannot be read ({fault.strerror})") from None


def _write_new(path: Path, secret: bytes) -> None:
    """Write a file that did not exist, 0600, and have file and name on disk before returning."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as fault:
        raise KeyFault(f"{path}: cannot be written ({fault.strerror})") from None

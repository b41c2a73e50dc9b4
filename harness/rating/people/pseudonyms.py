"""People's names stay outside the run: a keyed hash stands for each of them.

The key lies in the user's own folder, never in a run, so that one person has one pseudonym in all of a user's runs,
and nobody who is given a run can try names until one fits.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from harness.errors import HarnessError

PSEUDONYM = re.compile(r"h_[0-9a-f]{8}")


def key_file() -> Path:
    """Return where the user's key lies: `HARNESS_KEY_FILE`, or `harness/pseudonyms.key` in the configuration folder."""
    named = os.environ.get("HARNESS_KEY_FILE")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "harness" / "pseudonyms.key"


def user_key(path: Path | None = None) -> bytes:
    """Return the user's key, made at the first call, readable by the user alone.

    Raises:
        HarnessError: The file cannot be read or made, or holds no key.
    """
    path = path or key_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        if not path.exists():
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as stream:
                stream.write(secrets.token_hex(32))
            try:
                os.link(draft, path)  # two commands at once: the first key stays
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read or made ({error.strerror}); set HARNESS_KEY_FILE") from error
    except ValueError as error:
        raise HarnessError(
            f"{path}: holds no key of hexadecimal digits; restore it from a copy or remove it"
        ) from error
    if len(key) < 16:
        raise HarnessError(f"{path}: the key is shorter than 16 bytes; restore it from a copy or remove it")
    return key


PRIVATE = re.compile(r".*@.*|A[0-9A-Z]{9,20}")
"""Names that are an address or a worker's id: no page shows them."""


def pseudonym(name: str, key: bytes) -> str:
    """Return `h_` and eight hexadecimal digits for a name; what is a pseudonym already stays as it is."""
    if PSEUDONYM.fullmatch(name):
        return name
    return "h_" + hmac.new(key, name.strip().encode(), hashlib.sha256).hexdigest()[:8]

"""Install a lock file into the environment of the running Python: by uv, or by pip where uv cannot.

`python tools/install.py requirements.lock`. uv takes seconds where pip takes minutes, but reads none of pip's
configuration. Companies configure pip, so its indexes, certificates, proxy and the like are handed over to uv. pip
brings uv, pinned by the same lock. Hashes are required either way. Standard library only: nothing is installed yet.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
LOCKED = ("--quiet", "--require-hashes", "--no-deps")
"""The lock is complete, and pip takes an extra that a package asks for (celery[redis]) as not pinned."""
SECTIONS = ("global", "install", ":env:")
"""Sections of pip's configuration that `pip install` reads, the later over the earlier ones."""
VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "proxy": "ALL_PROXY",
}
"""Options of pip and the variables by which uv takes the same; by the environment, since addresses hold passwords."""
PLACES = ("index-url", "extra-index-url", "find-links")
"""Options that hold addresses or folders of packages."""
NOTHING = ("", "0", "false", "no", "off")


def main(lock: Path) -> int:
    """Install the lock; return the exit code."""
    reason = _by_uv(lock)
    if reason is None:
        return 0
    print(f"uv could not install the lock, so pip does, which takes minutes. uv: {reason}", file=sys.stderr)
    return subprocess.run([*PIP, "install", *LOCKED, "-r", str(lock)], check=False).returncode


def _by_uv(lock: Path) -> str | None:
    """Install by uv; return the reason if that failed, else None."""
    pinned = requirement(lock.read_text(), "uv")
    if pinned is None:
        return "the lock does not hold it"
    with tempfile.TemporaryDirectory() as folder:
        only_uv = Path(folder, "uv.txt")
        only_uv.write_text(pinned)
        if subprocess.run([*PIP, "install", *LOCKED, "-r", str(only_uv)], check=False).returncode:
            return "pip could not install it"
    options = pip_options()
    environment = uv_environment(options, os.environ)
    install = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
    # Else the first start of each process compiles what it imports: every task, where nothing may be written.
    install += ["--compile-bytecode", *uv_arguments(options), "-r", str(lock)]
    runs = [[*install, *LOCKED]]
    if constraints := options.get("constraint", "").split():
        # uv refuses constraints without hashes. The lock pins every package, so they can only agree or contradict.
        runs.insert(
            0, [*install, "--quiet", "--dry-run", "--no-deps", *(f"--constraints={place}" for place in constraints)]
        )
    for run in runs:
        done = subprocess.run(run, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            return done.stderr.strip() or f"exit code {done.returncode}"
    return None


def requirement(lock: str, name: str) -> str | None:
    """Return the lines of one package in a lock file, hashes included."""
    lines = lock.splitlines(keepends=True)
    for start, line in enumerate(lines):
        if line.startswith(f"{name}=="):
            end = next((at for at in range(start, len(lines)) if not lines[at].rstrip().endswith("\\")), len(lines))
            return "".join(lines[start : end + 1])
    return None


def pip_options() -> dict[str, str]:
    """Return pip's options for `pip install`, from its configuration files and the environment."""
    listed = subprocess.run(
        [*PIP, "config", "list"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if section in found:
            found[section][option] = str(ast.literal_eval(value))
    return {option: value for section in SECTIONS for option, value in found[section].items()}


def uv_arguments(options: Mapping[str, str]) -> Iterator[str]:
    """Return uv's command line for options of pip that uv does not read from the environment."""
    if options.get("no-index", "").lower() not in NOTHING:
        yield "--no-index"
    for name in ("no-binary", "only-binary"):
        for package in options.get(name, "").replace(",", " ").split():
            yield from (f"--{name}", package)


def uv_environment(options: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for uv: pip's options under uv's names. Variables of uv that are already set are kept."""
    handed = {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # pip's way; the hashes say which file it may be
    for option, variable in VARIABLES.items():
        values = options.get(option, "").split()
        if values := list(_present(values)) if option in PLACES else values:
            handed[variable] = ("," if option == "find-links" else " ").join(values)
    if proxy := handed.pop("ALL_PROXY", None):
        handed |= dict.fromkeys(("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
    if options.get("keyring-provider", "auto") not in ("auto", "disabled"):
        handed["UV_KEYRING_PROVIDER"] = "subprocess"
    for bundle in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # pip's HTTP library reads these
        if environment.get(bundle):
            handed.setdefault("SSL_CERT_FILE", environment[bundle])
    if not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & (handed.keys() | environment.keys()):
        handed["UV_SYSTEM_CERTS"] = "true"  # as pip does
    own = {name: value for name, value in environment.items() if name.startswith("UV_")}
    return {**environment, **handed, **own}


def _present(places: Sequence[str]) -> Iterator[str]:
    """Return the places without missing local ones, which pip ignores and uv refuses."""
    for place in places:
        address = urlsplit(place)
        if address.scheme in ("", "file") and not Path(unquote(address.path)).exists():
            continue
        yield place


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

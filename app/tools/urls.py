"""URLs as they are fetched, read strictly, so that nobody takes them for something else; the list of hosts.

A host that means an address is one, however it is written; in an odd form it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urljoin

import idna

from app.tools.values import ToolFailed

PORTS = {"http": 80, "https": 443}
MOST_CHARACTERS, MOST_OF_A_HOST = 8_000, 253
NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
URL = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:%]+))(?::([0-9]{1,5}))?", re.IGNORECASE)
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a host that ends in one is an address, for most programs
LISTED = re.compile(r"(\[[^\]]+\]|[^:]+)(?::([0-9]+))?")
KEPT = "%/?:@!$&'()*+,;=[]"  # what a path keeps as it came


@dataclass(frozen=True)
class Url:
    """`host` is a name in ASCII, or an address without brackets; `target` is what the server is asked for."""

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}{self.target}"

    @property
    def place(self) -> str:
        """The host, and the port where it isn't the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an address and no name."""
        return ":" in self.host or NUMBER.fullmatch(self.host.rpartition(".")[2]) is not None


def parse(text: str) -> Url:
    """What a URL means; raises ToolFailed where that is not beyond doubt."""
    text = text.strip()
    if len(text) > MOST_CHARACTERS:
        raise ToolFailed(f"The URL is longer than {MOST_CHARACTERS:,} characters: give a shorter one.")
    if NOT_IN_A_URL.search(text):
        raise ToolFailed(
            "A URL has no spaces, control characters or backslashes: write them percent-encoded."
        )
    found = URL.fullmatch(text)
    if not found:
        raise ToolFailed("Give a whole URL with http or https, such as https://example.org/page.")
    scheme, (host, port) = found[1].lower(), _place(found[2])
    target = quote(found[3], safe=KEPT)
    target = target if target.startswith("/") else f"/{target}"
    return Url(scheme, host, PORTS[scheme] if port is None else port, target)


def follow(url: Url, location: str) -> Url:
    """Where a redirect leads; raises ToolFailed."""
    with_bytes = location.encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        whole = urljoin(str(url), with_bytes)
    except ValueError:
        raise ToolFailed(f"{url} redirects to something that is no URL.") from None
    there = parse(whole)
    if url.scheme == "https" and there.scheme == "http":
        raise ToolFailed(f"{url} redirects from https to {there}, which anybody on the way can change.")
    return there


def is_listed(url: Url, hosts: Sequence[str]) -> bool:
    """Whether a list allows it: `example.org`, `*.example.org` (what is below it), `*` (all).

    Each may have a `:port`; without one an entry stands for the usual ones, 80 and 443.
    """
    return any(_allows(one, url) for one in hosts)


def _allows(entry: str, url: Url) -> bool:
    found = LISTED.fullmatch(entry.lower())
    if not found or url.port != (int(found[2]) if found[2] else PORTS[url.scheme]):
        return False
    name = found[1].strip("[]")
    if name.startswith("*."):
        return not url.is_address and url.host.endswith(name[1:])
    return name in {"*", url.host}


def _place(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise ToolFailed("Leave the user and password, and the @, out of the URL.")
    found = AUTHORITY.fullmatch(authority)
    port = int(found[3]) if found and found[3] else None
    if not found or port == 0 or (port or 0) > 65_535:
        raise ToolFailed(f"{authority[:100]!r} is no host: write it as example.org or example.org:8080.")
    return _host_of_address(found[1]) if found[1] else _host(found[2]), port


def _host(text: str) -> str:
    name = _in_ascii(text).lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > MOST_OF_A_HOST or not all(LABEL.fullmatch(one) for one in labels):
        raise ToolFailed(f"{text[:100]!r} is no host name: check how it is written.")
    if not NUMBER.fullmatch(labels[-1]):
        return name
    try:
        return str(IPv4Address(name))
    except AddressValueError:
        raise ToolFailed(f"{text[:100]!r} is no name, and no address in its usual form.") from None


def _host_of_address(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise ToolFailed(f"[{text[:100]}] is no IPv6 address.") from None


def _in_ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return idna.encode(text[: MOST_OF_A_HOST + 1], uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise ToolFailed(f"{text[:100]!r} is no host name: check how it is written.") from None

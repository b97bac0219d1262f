"""Names of hosts: as they travel, and what a server has for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Generic, TypeVar

Value = TypeVar("Value")


def is_address(name: str) -> bool:
    """Whether that is an IP address in text form, not a DNS name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def ascii_name(name: str) -> str:
    """A DNS name as it travels: international labels in their xn-- form, lower case."""
    if not name.isascii():
        try:
            import idna
        except ImportError:
            name = name.encode("idna").decode("ascii")
        else:
            name = idna.encode(name, uts46=True).decode("ascii")
    return name.lower()


class ByName(Mapping[str, Value], Generic[Value]):
    """What belongs to each name; "*.example.com" stands for every name with one label before ".example.com"."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = {ascii_name(name): value for name, value in values.items()}

    def __getitem__(self, name: str) -> Value:
        name = ascii_name(name)
        value = self._values.get(name)
        if value is None:
            _, _, parent = name.partition(".")
            value = self._values[f"*.{parent}"]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

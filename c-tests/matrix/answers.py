"""The notation of the answers in phases.def and arguments.def, turned into C.

phases.def explains it. Errors name the file and line, so that a table can be corrected without reading this.
"""

from dataclasses import dataclass

ROLES = ("client", "server")
EFFECTS = {
    "WE_CLOSED": "TLS_WE_CLOSED",
    "EOF": "TLS_EOF",
    "FAILED": "TLS_FAILED",
    "answered": "CHANGE_ANSWERED",
    "freed": "CHANGE_FREED",
    "split": "CHANGE_SPLIT",
}
WORDS = {
    "+": "ANSWER_POSITIVE",
    "question": "ANSWER_QUESTION",
    "sticky": "ANSWER_STICKY",
    "version": "ANSWER_VERSION",
    "void": "ANSWER_VOID",
    "handle": "ANSWER_HANDLE",
    "text": "ANSWER_TEXT",
    "same": "ANSWER_SAME",
}


class TableError(Exception):
    """A table is incomplete or has a row that cannot be understood."""


@dataclass
class Answer:
    """The alternatives for one role."""

    alternatives: list

    def to_c(self):
        return "{ %s }" % ", ".join(self.alternatives)


class Notation:
    def __init__(self, header):
        self.words = dict(WORDS)
        self.bits = {
            name.removeprefix("TLS_"): name
            for name in header.constants
            if name.startswith("TLS_CAN_")
            or name in ("TLS_HANDSHAKING", "TLS_ASKING", "TLS_PEER_CLOSED", "TLS_WE_CLOSED", "TLS_EOF",
                        "TLS_FAILED", "TLS_HAS_EVENT", "TLS_WAKE_SENDER")
        }
        self.statuses = {name.removeprefix("TLS_").removeprefix("ERR_"): name for name in header.statuses}

    def parse(self, text, where, makes_handle=False):
        """The answers of (client, server). A function that makes a handle gives a status through its tls_error_t."""
        sides = text.split("/")
        if len(sides) > 2:
            raise TableError(f"{where}: '{text}' has more than two roles")
        answers = [
            Answer([self._alternative(part, where, makes_handle) for part in side.split("|")]) for side in sides
        ]
        return (answers[0], answers[-1])

    def _alternative(self, text, where, makes_handle):
        value, *effects = text.split(">")
        for effect in effects:
            if effect not in EFFECTS:
                raise TableError(f"{where}: '{effect}' is no change that a call can make")
        changes = " | ".join(EFFECTS[e] for e in effects) or "0"
        if value.startswith("="):
            kind, number, ignored = "ANSWER_BITS", *self._bits(value[1:], where)
        elif value in self.words:
            kind, number, ignored = self.words[value], "0", "0"
        elif value in self.statuses:
            kind = "ANSWER_NO_HANDLE" if makes_handle else "ANSWER_EXACTLY"
            number, ignored = self.statuses[value], "0"
        elif value.isdigit():
            kind, number, ignored = "ANSWER_EXACTLY", value, "0"
        else:
            raise TableError(f"{where}: '{value}' is not an answer")
        return f"{{ {kind}, {number}, {ignored}, {changes} }}"

    def _bits(self, text, where):
        required, open_bits = [], []
        for name in text.split("+"):
            if name.rstrip("?") not in self.bits:
                raise TableError(f"{where}: '{name}' is not a bit of the state word")
            (open_bits if name.endswith("?") else required).append(self.bits[name.rstrip("?")])
        return " | ".join(required) or "0", " | ".join(open_bits) or "0"


def rows(path):
    """(where, words) of every row of a table that is not a comment."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.partition("#")[0].split()
            if words:
                yield f"{path.name}:{number}", words

"""Reads include/tlsbio.h: its prototypes, their comments, its constants.

The header is generated and regular, so a small reader is enough. Whatever it does not understand is an
error and never skipped: the tests built on it promise that no export is forgotten.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

HANDLES = {
    "tls_builder_t": "builder",
    "tls_context_t": "context",
    "tls_conn_t": "conn",
    "tls_session_t": "session",
    "tls_buffer_t": "owned",
}

_TOKEN = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<directive>^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*)|(?P<text>"[^"]*"|.)',
    re.S | re.M,
)


class HeaderError(Exception):
    """The header says something that this reader does not understand."""


@dataclass
class Parameter:
    type: str
    name: str

    @property
    def handle(self):
        """'builder', 'context', 'conn' or 'session' if this is a handle, else None."""
        base = self.type.replace("const ", "").replace(" *", "")
        return HANDLES.get(base) if self.type.endswith(" *") else None

    @property
    def is_pointer(self):
        return "*" in self.type


@dataclass
class Function:
    returns: str
    name: str
    parameters: list
    doc: str

    @property
    def returned_handle(self):
        return Parameter(self.returns, "").handle


@dataclass
class Header:
    text: str
    functions: list = field(default_factory=list)
    constants: dict = field(default_factory=dict)
    initialisers: list = field(default_factory=list)
    opening: str = ""
    comments: list = field(default_factory=list)
    code: str = ""

    @property
    def statuses(self):
        """The constants that are a tls_status_t: OK, waits, questions, ends and errors."""
        return {
            name: value
            for name, value in self.constants.items()
            if value < 0 or name == "TLS_OK"
        }


def comment_text(comment):
    """A comment without its marks, one line of text per line."""
    if comment.startswith("//"):
        return re.sub(r"^//[/!]? ?", "", comment)
    body = re.sub(r"^/\*+[!<]?|\*+/$", "", comment)
    return "\n".join(re.sub(r"^\s*\*(?: |$)", "", line) for line in body.split("\n")).strip("\n")


def code_of(text):
    """The header without comments and preprocessor lines."""
    return "".join(
        " " if token.lastgroup != "text" else token.group() for token in _TOKEN.finditer(text)
    )


def _normal_type(text):
    text = re.sub(r"\s+", " ", text.strip())
    return re.sub(r" ?((?:\* ?)+)$", lambda m: " " + m.group(1).replace(" ", ""), text).strip()


def _parameter(text, function):
    match = re.fullmatch(r"(.*[\s*])(\w+)", text.strip(), re.S)
    if not match:
        raise HeaderError(f"{function}: parameter without a name: '{text.strip()}'")
    return Parameter(_normal_type(match.group(1)), match.group(2))


def _prototype(declaration, doc):
    match = re.fullmatch(r"(.*[\s*])(\w+)\s*\(([^()]*)\)", declaration, re.S)
    if not match:
        raise HeaderError(f"not a prototype: '{declaration}'")
    returns, name, parameters = match.groups()
    if parameters.strip() in ("void", ""):
        parsed = []
    else:
        parsed = [_parameter(p, name) for p in parameters.split(",")]
    return Function(_normal_type(returns.replace("extern ", "")), name, parsed, doc)


def _constant(directive):
    match = re.fullmatch(r"\s*#\s*define\s+(TLS_\w+)\s+(.+)", directive.strip(), re.S)
    if not match:
        return None
    name, value = match.groups()
    number = re.sub(r"/\*.*?\*/|//.*", "", value).strip()
    while number.startswith("(") and number.endswith(")"):
        number = number[1:-1].strip()
    try:
        return name, int(number.rstrip("uUlL"), 0)
    except ValueError:
        raise HeaderError(f"{name} is not an integer: '{value}'") from None


def parse(text):
    header = Header(text)
    declaration, doc, depth = "", [], 0
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "comment":
            words = comment_text(token.group())
            header.comments.append(words)
            if not header.opening and len(words) > 200:
                header.opening = words
            if not declaration.strip():
                doc.append(words)
        elif token.lastgroup == "directive":
            initialiser = re.match(r"\s*#\s*define\s+(TLS_\w+_INIT)\s+\{", token.group())
            constant = None if initialiser else _constant(token.group())
            if initialiser:
                header.initialisers.append(initialiser.group(1))
            elif constant:
                if constant[0] in header.constants:
                    raise HeaderError(f"{constant[0]} is defined twice")
                header.constants[constant[0]] = constant[1]
            doc = []
        else:
            char = token.group()
            declaration += char
            if char == "{":
                if re.fullmatch(r'\s*extern\s+"C"\s*\{', declaration):
                    declaration = ""
                else:
                    depth += 1
            elif char == "}":
                if depth:
                    depth -= 1
                else:
                    declaration, doc = "", []
            elif char == ";" and depth == 0:
                words = declaration[:-1].strip()
                if not words.startswith("typedef") and not re.match(r"(struct|union)\b[^(]*$", words):
                    header.functions.append(_prototype(words, "\n".join(doc)))
                declaration, doc = "", []
    header.code = code_of(text)
    if depth or declaration.strip():
        raise HeaderError(f"the header ends inside '{declaration.strip()[:60]}'")
    if not header.functions or not header.constants:
        raise HeaderError("no function or no constant found")
    names = [f.name for f in header.functions]
    for name in names:
        if names.count(name) > 1:
            raise HeaderError(f"{name} is declared twice")
    return header


def read(path):
    return parse(Path(path).read_text(encoding="utf-8"))

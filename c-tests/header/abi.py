#!/usr/bin/env python3
"""The header uses nothing that another language cannot call: abi.py HEADER

No function pointer, enum, bool, long, bit-field or variadic function; only opaque handles, fixed-width integers,
size_t and ptrdiff_t, text, memory with a length, and plain structs.
"""

import re
import sys
from pathlib import Path

import tlsbio_header

FORBIDDEN = {
    "a function pointer": r"\(\s*\*",
    "an enum": r"\benum\b",
    "bool": r"\b(_Bool|bool)\b|stdbool",
    "long": r"\blong\b",
    "int, short or unsigned of no fixed width": r"\b(int|short|unsigned|signed)\b",
    "floating point": r"\b(float|double)\b",
    "a variadic function": r"\.\.\.",
    "a bit-field": r"\b\w+\s+\w+\s*:\s*\w+\s*;",
    "a union": r"\bunion\b",
    "a function body": r"\)\s*\{",
}
INTEGERS = {"int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "size_t", "ptrdiff_t",
            "tls_status_t"}
POINTERS = {"void", "char", "void *", "uint8_t", "size_t", "int64_t", "uint64_t", "uint16_t", "tls_error_t", "tls_span_t", "tls_iovec_t",
            "tls_ticket_key_t", "tls_counters_t", "tls_timings_t", "tls_event_t", "tls_client_options_t",
            "tls_server_options_t", "tls_traffic_secret_t", "tls_buffers_t"}


def structs(code):
    """(name, members) of every struct with a body."""
    for match in re.finditer(r"struct\s+(\w+)\s*\{([^}]*)\}", code):
        yield match.group(1), [m.strip() for m in match.group(2).split(";") if m.strip()]


def type_is_plain(text):
    if text in INTEGERS or text == "void":
        return True
    if not text.endswith("*"):
        return False
    target = text[:-1].strip().removeprefix("const ").strip()
    return target in POINTERS or target in tlsbio_header.HANDLES


def forbidden(code):
    for what, pattern in FORBIDDEN.items():
        for match in re.finditer(pattern, code):
            nearby = code[max(0, match.start() - 40):match.end() + 20]
            yield f"{what}: …{' '.join(nearby.split())}…"


def unusual(header):
    for function in header.functions:
        types = [("its return type", function.returns)] + [(p.name, p.type) for p in function.parameters]
        for what, text in types:
            if not type_is_plain(text):
                yield f"{function.name}: {what} is '{text}'"
    for name, members in structs(header.code):
        for member in members:
            pointer = re.fullmatch(r"(const\s+)?(\w+)\s*\*\s*\w+", member)
            if pointer:
                if pointer.group(2) not in {"void", "char", "uint16_t"} | set(tlsbio_header.HANDLES):
                    yield f"struct {name}: '{member}' points to what another language cannot make"
            elif not re.fullmatch(r"(\w+)\s+\w+(\s*,\s*\w+)*|(char|uint8_t)\s+\w+\s*\[\s*\w+\s*\]", member):
                yield f"struct {name}: '{member}' is not a plain member"
            elif member.split()[0] not in INTEGERS | {"char"}:
                yield f"struct {name}: '{member}' has no fixed width"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    found = list(forbidden(tlsbio_header.code_of(text)))
    try:
        header = tlsbio_header.parse(text)
    except tlsbio_header.HeaderError as error:
        found.append(str(error))
    else:
        found += unusual(header)
        print(f"{len(header.functions)} prototypes, {len(list(structs(header.code)))} structs")
    for problem in found:
        print(f"FAIL {problem}")
    print(f"the ABI: {len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

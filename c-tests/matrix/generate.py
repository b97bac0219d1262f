#!/usr/bin/env python3
"""Writes the cells of the matrix: generate.py HEADER OUTPUT.c

One cell is one call of one export with one thing wrong, or in one phase. The functions come from the header, the
answers from phases.def, arguments.def and the conventions of the contract. A function without a row stops the build.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "header"))

import tlsbio_header  # noqa: E402
from answers import ROLES, Answer, Notation, TableError  # noqa: E402
from tables import UNPHASED, Arguments, Phases  # noqa: E402

RETURNS = {
    "tls_status_t": "signed",
    "ptrdiff_t": "signed",
    "int32_t": "signed",
    "uint32_t": "unsigned",
    "uint16_t": "unsigned",
    "size_t": "unsigned",
    "const char *": "text",
    "void": "void",
}
SCALARS = ("size_t", "int64_t", "uint64_t", "int32_t", "uint32_t", "uint16_t", "uint8_t", "tls_status_t")
POINTERS = ("const void *", "void *", "const char *", "char *", "const void **", "void **", "size_t *", "int64_t *",
            "tls_error_t *", "tls_span_t *", "const uint16_t *", "const tls_iovec_t *",
            "const tls_ticket_key_t *", "tls_counters_t *", "tls_timings_t *", "tls_event_t *",
            "tls_buffers_t *", "const tls_client_options_t *", "const tls_server_options_t *", "tls_traffic_secret_t *")
BAD_HANDLES = ("FREED", "REISSUED", "LOCAL", "ONE", "ALL_ONES", "FLIPPED")
PHASES_OF_ONE_ROLE = {"ask_context": "server"}


def kind_of_return(function):
    if function.returned_handle:
        return "handle"
    if function.returns not in RETURNS:
        raise TableError(f"{function.name} returns '{function.returns}', a type that the matrix does not know")
    return RETURNS[function.returns]


def refusal(function, status, error_is_null=False):
    """How this function says no: the contract's one answer for its return type."""
    kind = kind_of_return(function)
    tells = any(p.type == "tls_error_t *" for p in function.parameters)
    if kind == "handle" and (error_is_null or not tells):
        status = "0"
    if kind == "signed":
        return Answer([f"{{ ANSWER_EXACTLY, {status}, 0, 0 }}"])
    if kind == "handle":
        return Answer([f"{{ ANSWER_NO_HANDLE, {status}, 0, 0 }}"])
    if kind == "void":
        return Answer(["{ ANSWER_VOID, 0, 0, 0 }"])
    return Answer(["{ ANSWER_EXACTLY, 0, 0, 0 }"])


class Generator:
    def __init__(self, header):
        notation = Notation(header)
        self.header = header
        self.phases = Phases(HERE / "phases.def", header, notation)
        self.arguments = Arguments(HERE / "arguments.def", header, notation)
        self.cells = []

    def cell(self, group, function, parameter, value, phase, role, answer):
        index = function.parameters.index(parameter) if parameter else -1
        self.cells.append(
            f"    {{ {group}, &functions[FUNCTION_{function.name}], {index}, VALUE_{value}, "
            f"PHASE_{phase.upper()}, ROLE_{role.upper()}, {answer.to_c()} }},"
        )

    def home_role(self, phase):
        return PHASES_OF_ONE_ROLE.get(phase, "client")

    def handle_cells(self, function, parameter):
        phase = self.phases.home_of(function.name)
        role = self.home_role(phase)
        key = (function.name, parameter.name)
        if key in self.arguments.null:
            null = self.arguments.null[key][ROLES.index(role)]
        else:
            null = refusal(function, "TLS_ERR_ARGUMENT")
        others = [name.upper() for name in tlsbio_header.HANDLES.values() if name != parameter.handle]
        self.cell("GROUP_NULL", function, parameter, "NULL", phase, role, null)
        for bad in others:
            self.cell("GROUP_TYPE", function, parameter, bad, phase, role, refusal(function, "TLS_ERR_HANDLE"))
        for bad in BAD_HANDLES:
            self.cell("GROUP_HANDLE", function, parameter, bad, phase, role, refusal(function, "TLS_ERR_HANDLE"))
        if any(p.type == "tls_error_t *" for p in function.parameters) and function.returned_handle:
            self.cell("GROUP_HANDLE", function, parameter, "FREED_WITHOUT_ERROR", phase, role,
                      refusal(function, "TLS_ERR_HANDLE", error_is_null=True))

    def pointer_cells(self, function):
        phase = self.phases.home_of(function.name)
        role = self.home_role(phase)
        side = ROLES.index(role)
        for parameter in function.parameters:
            key = (function.name, parameter.name)
            if not parameter.is_pointer or parameter.handle:
                continue
            self.cell("GROUP_NULL", function, parameter, "NULL", phase, role, self.arguments.null[key][side])
            if key in self.arguments.empty:
                self.cell("GROUP_NULL", function, parameter, "EMPTY", phase, role, self.arguments.empty[key][side])
                for length in ("ENDLESS", "ENDLESS_EDGE", "ENDLESS_AT_NULL"):
                    self.cell("GROUP_NULL", function, parameter, length, phase, role,
                              refusal(function, "TLS_ERR_ARGUMENT"))
        pointers = [p for p in function.parameters if p.is_pointer]
        allowed = [p for p in pointers if p.handle and (function.name, p.name) in self.arguments.null]
        if len(pointers) > 1 and not allowed:
            self.cell("GROUP_NULL", function, None, "ALL_NULL", phase, role,
                      refusal(function, "TLS_ERR_ARGUMENT", error_is_null=True))

    def phase_cells(self, function):
        for phase, answers in self.phases.answers[function.name].items():
            for role in ROLES:
                if phase == UNPHASED and role == "server":
                    continue
                if PHASES_OF_ONE_ROLE.get(phase, role) == role:
                    where = "established" if phase == UNPHASED else phase
                    self.cell("GROUP_PHASE", function, None, "USABLE", where, role, answers[ROLES.index(role)])

    def busy_cells(self, function, parameter):
        if parameter.handle not in ("context", "session", "owned"):
            group = f"GROUP_BUSY_{parameter.handle.upper()}"
            self.cell(group, function, parameter, "BUSY", "established", "client",
                      refusal(function, "TLS_ERR_BUSY"))

    def all_cells(self):
        for function in self.header.functions:
            self.pointer_cells(function)
            self.phase_cells(function)
            for parameter in function.parameters:
                if parameter.handle:
                    self.handle_cells(function, parameter)
                    self.busy_cells(function, parameter)
        return self.cells

    def argument_c(self, function, index, parameter):
        value = self.arguments.value.get((function.name, parameter.name), "-")
        if parameter.handle:
            return f"    a[{index}].pointer = (void *)s->{parameter.handle if value == '-' else value};"
        is_number = value.lstrip("-").isdigit() or value.startswith("0x")
        if parameter.is_pointer:
            if parameter.type not in POINTERS:
                raise TableError(f"{function.name}({parameter.name}): type '{parameter.type}' is unknown here")
            address = "" if parameter.type.replace("const ", "") in ("void *", "char *") else "&"
            if value in ("spans",):
                address = ""
            return f"    a[{index}].pointer = (void *){address}s->{value};"
        if parameter.type not in SCALARS:
            raise TableError(f"{function.name}({parameter.name}): type '{parameter.type}' is unknown here")
        source = value if is_number else f"s->{value}"
        return f"    a[{index}].number = (uint64_t)({source});"

    def function_c(self, function):
        kind = kind_of_return(function)
        actual = ", ".join(
            f"a[{i}].pointer" if p.is_pointer else f"({p.type})a[{i}].number"
            for i, p in enumerate(function.parameters)
        )
        call = f"{function.name}({actual})"
        body = {
            "signed": f"got.number = {call};",
            "unsigned": f"got.number = (int64_t){call};",
            "handle": f"got.pointer = {call};",
            "text": f"got.text = {call};",
            "void": f"{call};",
        }[kind]
        unused = "" if function.parameters else "    (void)a;\n"
        values = [self.argument_c(function, i, p) for i, p in enumerate(function.parameters)]
        if not any("s->" in value for value in values):
            values.insert(0, "    (void)s;")
        if not function.parameters:
            values.insert(0, "    (void)a;")
        return (
            f"static struct answer call_{function.name}(union argument *a)\n{{\n"
            f"    struct answer got = {{ 0 }};\n{unused}    {body}\n    return got;\n}}\n\n"
            f"static void usable_{function.name}(union argument *a, struct scene *s)\n{{\n"
            + "\n".join(values)
            + "\n}\n"
        )

    def row_c(self, function):
        kinds = ", ".join(
            f"KIND_{p.handle.upper()}" if p.handle
            else "KIND_ERROR" if p.type == "tls_error_t *"
            else "KIND_POINTER" if p.is_pointer
            else "KIND_NUMBER"
            for p in function.parameters
        ) or "KIND_NUMBER"
        returned = (function.returned_handle or kind_of_return(function)).upper()
        return (
            f"    [FUNCTION_{function.name}] = {{ \"{function.name}\", call_{function.name}, "
            f"usable_{function.name}, RETURNS_{returned}, {len(function.parameters)}, {{ {kinds} }} }},"
        )

    def to_c(self):
        functions = self.header.functions
        cells = self.all_cells()
        return "\n".join(
            ["/* Made by generate.py from tlsbio.h, phases.def and arguments.def. */", '#include "matrix.h"', ""]
            + [self.function_c(f) for f in functions]
            + ["enum {"]
            + [f"    FUNCTION_{f.name}," for f in functions]
            + ["};", "", "const struct function functions[] = {"]
            + [self.row_c(f) for f in functions]
            + ["};", "const size_t function_count = sizeof(functions) / sizeof(functions[0]);", ""]
            + ["const struct cell cells[] = {"]
            + cells
            + ["};", "const size_t cell_count = sizeof(cells) / sizeof(cells[0]);", ""]
        )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        text = Generator(tlsbio_header.read(sys.argv[1])).to_c()
    except (TableError, tlsbio_header.HeaderError) as error:
        sys.exit(f"generate.py: {error}")
    Path(sys.argv[2]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

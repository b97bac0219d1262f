"""phases.def and arguments.def, read and held against the header: nothing may be missing on either side."""

from answers import TableError, rows

UNPHASED = "any"


class Phases:
    """For every function: phase -> (client answer, server answer), and the phase in which it belongs."""

    def __init__(self, path, header, notation):
        self.names = []
        self.answers = {}
        self.home = {}
        self.statuses = {}
        functions = {f.name: f for f in header.functions}
        phased = {f.name for f in header.functions if any(p.handle == "conn" for p in f.parameters)}
        for where, words in rows(path):
            name, cells = words[0], words[1:]
            if name == "phases":
                self.names = cells
                continue
            if name not in functions:
                raise TableError(f"{where}: {name} is not a function of the header: remove the row")
            if name in phased and len(cells) == 2 and cells[0] in self.names:
                columns = [(cells[0], cells[1])]
            elif name in phased:
                if len(cells) != len(self.names):
                    raise TableError(f"{where}: {name} has {len(cells)} answers for {len(self.names)} phases")
                columns = list(zip(self.names, cells))
            else:
                if len(cells) != 1:
                    raise TableError(f"{where}: {name} has no connection and needs exactly one answer")
                columns = [(UNPHASED, cells[0])]
            for phase, text in columns:
                self._add(name, phase, text, where, notation)
        for name in functions:
            wanted = self.names if name in phased else [UNPHASED]
            missing = [phase for phase in wanted if phase not in self.answers.get(name, {})]
            if missing:
                raise TableError(f"{path.name}: no row for {name} ({', '.join(missing)}): say what it answers")

    def _add(self, name, phase, text, where, notation):
        if phase in self.answers.setdefault(name, {}):
            raise TableError(f"{where}: {name} has two answers for {phase}")
        if text.startswith("*"):
            self.home.setdefault(name, phase)
            text = text[1:]
        self.answers[name][phase] = notation.parse(text, where)

    def home_of(self, name):
        return self.home.get(name, "established")


class Arguments:
    """For every parameter that is not a handle: its usable value and what NULL means there."""

    def __init__(self, path, header, notation):
        self.value, self.null, self.empty = {}, {}, {}
        parameters = {(f.name, p.name): p for f in header.functions for p in f.parameters}
        blobs = {
            (f.name, p.name)
            for f in header.functions
            for p, following in zip(f.parameters, f.parameters[1:])
            if p.is_pointer and not p.handle and p.type != "tls_error_t *" and following.type == "size_t"
            and p.type.count("*") == 1
        }
        makers = {f.name for f in header.functions if f.returned_handle}
        for where, words in rows(path):
            if len(words) != 5:
                raise TableError(f"{where}: five columns are needed")
            key, (value, null, empty) = (words[0], words[1]), words[2:]
            parameter = parameters.get(key)
            if parameter is None:
                raise TableError(f"{where}: the header has no {key[0]}({key[1]}): remove the row")
            if key in self.value:
                raise TableError(f"{where}: second row for {key[0]}({key[1]})")
            if (null != "-") != parameter.is_pointer and not parameter.handle:
                raise TableError(f"{where}: NULL has an answer for pointers, and only for them")
            if (empty != "-") != (key in blobs):
                raise TableError(f"{where}: (NULL, 0) has an answer for a pointer with a length, and only there")
            self.value[key] = value
            makes_handle = key[0] in makers
            if null != "-":
                self.null[key] = notation.parse(null, where, makes_handle)
            if empty != "-":
                self.empty[key] = notation.parse(empty, where, makes_handle)
        for key, parameter in parameters.items():
            if not parameter.handle and key not in self.value:
                raise TableError(f"{path.name}: no row for {key[0]}({key[1]}): give a value and what NULL means")

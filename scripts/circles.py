#!/usr/bin/env python3
"""Which files of src name each other in a circle, and how the rooms lie on each other.

A file needs another if it names something that is defined there, in code that is no test. A name that a room hands on
(`pub use`) counts as the file's that defines it; what a file only hands on, it does not need. Fails if more than MOST
files stand in one circle: then none of them can be understood without all others.
"""

import re
import sys
from pathlib import Path

MOST = 6
SOURCES = Path(__file__).resolve().parent.parent / "src"

COMMENT_OR_TEXT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'""", re.DOTALL
)
TEST_ONLY = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]")
USE = re.compile(r"\b(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")
PATH = re.compile(r"(?<![\w:.])(?:[a-z_]\w*::)+\w+")
DEFINES = re.compile(r"\b(?:fn|struct|enum|trait|type|const|static|union|macro_rules!)\s+(\w+)")


def without_tests(code):
    """Code without the items that only tests have."""
    while found := TEST_ONLY.search(code):
        depth, end = 0, found.end()
        while end < len(code):
            depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(code[end], 0)
            end += 1
            if depth == 0 and code[end - 1] in "};":
                break
        code = code[: found.start()] + code[end:]
    return code


def leaves(tree):
    """The paths in what stands behind `use`, each with the name that it gets."""
    tree = tree.strip()
    if (brace := tree.find("{")) < 0:
        path, _, alias = tree.partition(" as ")
        path = [part.strip() for part in path.split("::") if part.strip()]
        if path[-1] == "self":
            path.pop()
        yield path, alias.strip() or path[-1]
        return
    front, depth, start = tree[:brace], 0, brace + 1
    for at in range(brace + 1, len(tree)):
        if depth == 0 and tree[at] in ",}":
            if tree[start:at].strip():
                yield from leaves(front + tree[start:at])
            start = at + 1
        depth += {"{": 1, "}": -1}.get(tree[at], 0)


class Source:
    def __init__(self, file):
        self.file = file
        place = file.relative_to(SOURCES).with_suffix("").parts
        self.module = place[:-1] if place[-1] in ("mod", "lib") else place
        code = COMMENT_OR_TEXT.sub(lambda text: "" if text[0].startswith("/") else '""', file.read_text())
        code = without_tests(code)
        self.imports, self.exports, self.globs, self.exported_globs = {}, {}, [], []
        for public, tree in USE.findall(code):
            for path, name in leaves(tree):
                if name == "*":
                    (self.exported_globs if public else self.globs).append(path[:-1])
                else:
                    (self.exports if public else self.imports)[name] = path
        rest = USE.sub("", code)
        self.defines = set(DEFINES.findall(rest))
        self.paths = [path.split("::") for path in set(PATH.findall(rest))]
        self.words = set(re.findall(r"\w+", rest))


class House:
    def __init__(self):
        files = [Source(file) for file in sorted(SOURCES.rglob("*.rs"))]
        self.modules = {source.module: source for source in files if not is_test(source)}
        # Where `file.rs` has a folder, both are found by the same name.
        self.needs = {name: self.needed(source) for name, source in self.modules.items()}

    def absolute(self, source, path):
        """The path from the root of the crate, or None if it leads out of it."""
        at = list(source.module)
        if path[0] == "crate":
            return path[1:]
        if path[0] == "self":
            return at + path[1:]
        if path[0] == "super":
            while path and path[0] == "super":
                at, path = at[:-1], path[1:]
            return at + path
        if (*at, path[0]) in self.modules:
            return at + path
        if path[0] in source.imports or path[0] in source.exports:
            known = self.absolute(source, {**source.exports, **source.imports}[path[0]])
            return None if known is None else known + path[1:]
        # A file that came with all that its folder has.
        for glob in (*source.globs, *source.exported_globs):
            if glob[0] in ("crate", "self", "super"):
                further = self.absolute(source, glob)
                if (*further, path[0]) in self.modules:
                    return further + path
        return None

    def home(self, path, seen=()):
        """The module that defines what is at `path`."""
        module = ()
        for at, part in enumerate(path):
            if (*module, part) in self.modules:
                module = (*module, part)
                continue
            source = self.modules[module]
            if part in source.defines or (module, part) in seen:
                return module
            if part in source.exports:
                further = self.absolute(source, source.exports[part])
                return None if further is None else self.home(further + path[at + 1 :], (*seen, (module, part)))
            # A name that was imported, and is used from further inside by `super`.
            if part in source.imports:
                further = self.absolute(source, source.imports[part])
                return None if further is None else self.home(further + path[at + 1 :], (*seen, (module, part)))
            for glob in source.exported_globs:
                further = self.absolute(source, glob)
                if further is not None and part in self.modules[tuple(further)].defines:
                    return tuple(further)
            return module
        return module

    def needed(self, source):
        found = set()
        named = [*source.imports.values(), *source.paths]
        for path in named:
            path = self.absolute(source, path)
            if path is not None:
                found.add(self.home(path))
        for glob in source.globs:
            path = self.absolute(source, glob)
            if path is not None:
                target = self.modules[tuple(path)]
                for name in source.words & (target.defines | set(target.exports) | set(target.imports)):
                    found.add(self.home([*path, name]))
        return found - {source.module, None}


def is_test(source):
    return source.module and source.module[-1] == "tests"


def circles(needs):
    """The strongly connected parts (Tarjan), those below first."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(needs[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(needs):
        if node not in index:
            visit(node)
    return found


def rooms(needs):
    """The same between rooms: folders of src, and files that are in none."""
    between = {}
    for module, others in needs.items():
        room = between.setdefault(module[:1], set())
        room.update(other[:1] for other in others if other[:1] != module[:1])
    between.pop((), None)
    for room in between.values():
        room.discard(())
    return between


def floors(between):
    """On which floor each room lies: above all that it needs. Rooms that need each other share one."""
    floor = {}
    for together in circles(between):
        below = [floor[other] for room in together for other in between[room] if other in floor]
        for room in together:
            floor[room] = max(below, default=-1) + 1
    return floor


def name(module):
    return "::".join(module) or "lib"


def main():
    sys.setrecursionlimit(10_000)
    house = House()
    between = rooms(house.needs)
    floor = floors(between)
    arrows = sum(len(others) for others in between.values())
    print(f"{len(between)} rooms on {max(floor.values()) + 1} floors, {arrows} arrows between them")
    if "-v" in sys.argv:
        for room in sorted(between, key=lambda room: (-floor[room], room)):
            below = ", ".join(name(other) for other in sorted(between[room]))
            print(f"  {floor[room]}  {name(room):12} {below}")
    circling = [circle for circle in circles(house.needs) if len(circle) > 1]
    largest = max(map(len, circling), default=0)
    print(f"{len(circling)} circles, the largest of {largest} files")
    for circle in sorted(circling, key=len, reverse=True):
        if "-v" in sys.argv or len(circle) > MOST:
            print(f"  {len(circle)}: {' '.join(map(name, circle))}")
            for module in circle:
                inside = sorted(house.needs[module] & set(circle))
                print(f"      {name(module)} -> {', '.join(map(name, inside))}")
    sys.exit(largest > MOST)


main()

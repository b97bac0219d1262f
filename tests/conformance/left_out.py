"""Whether the patterns of left_out.json leave out what fails, and nothing else: left_out.py PATTERNS RESULTS, of a run of all tests."""

import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path


def main(patterns, results):
    patterns = json.loads(Path(patterns).read_text())["DisabledTests"]
    tests = {name: one["actual"] for name, one in json.loads(Path(results).read_text())["tests"].items()}
    wrong = [f"{name} fails, and is not left out" for name, result in tests.items()
             if result == "FAIL" and not any(fnmatchcase(name, pattern) for pattern in patterns)]
    for pattern in patterns:
        found = [name for name in tests if fnmatchcase(name, pattern)]
        wrong += [f"{pattern} leaves out {name}, which passes" for name in found if tests[name] == "PASS"]
        if not any(tests[name] == "FAIL" for name in found):
            wrong.append(f"{pattern} leaves out nothing that fails")
    if not tests:
        wrong.append("no test was run")
    print("\n".join(wrong) or "what is left out fails, and nothing else does")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

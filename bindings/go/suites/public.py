"""Takes out of crypto/tls's tests what keeps to the names that a program can see."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

# Lists the declarations of a file: kind, name, first and last line.
LISTER = r"""
package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
)

type declaration struct {
	File        string
	Kind, Name  string
	First, Last int
}

func main() {
	var all []declaration
	var files []string
	if err := json.NewDecoder(os.Stdin).Decode(&files); err != nil {
		panic(err)
	}
	for _, file := range files {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.ParseComments)
		if err != nil {
			panic(err)
		}
		for _, d := range parsed.Decls {
			first, last := set.Position(d.Pos()).Line, set.Position(d.End()).Line
			kind, name := "other", ""
			switch d := d.(type) {
			case *ast.FuncDecl:
				kind, name = "func", d.Name.Name
				if d.Doc != nil {
					first = set.Position(d.Doc.Pos()).Line
				}
			case *ast.GenDecl:
				kind = d.Tok.String()
				if d.Doc != nil {
					first = set.Position(d.Doc.Pos()).Line
				}
			}
			all = append(all, declaration{file, kind, name, first, last})
		}
	}
	json.NewEncoder(os.Stdout).Encode(all)
}
"""

# The tests of crypto/tls that are about connections and Configs; others are about its inner parts.
FILES = ("tls_test.go", "conn_test.go", "handshake_client_test.go", "handshake_server_test.go", "example_test.go", "handshake_test.go",
         "handshake_unix_test.go", "certificates_test.go", "fips140_test.go", "cache_test.go", "auth_test.go")

# What the tests need of files that are not here: a number, what is done in FIPS mode, which is off, and another program.
PRELUDE = """package tls_test

import "testing"

const pointFormatUncompressed = 0

type noFIPS struct{}

func (noFIPS) Required() bool { return false }

var fips140tls noFIPS

func skipFIPS(*testing.T) {}

func bogoShim() {}
"""


def declarations(go, files):
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "list.go"
        program.write_text(LISTER)
        return json.loads(subprocess.check_output([go, "run", str(program)], input=json.dumps(list(map(str, files))), text=True))


def extract(copy, package, errors):
    """Copies the tests into the package's directory, and removes declarations until the compiler finds nothing wrong."""
    files = []
    (package / "prelude_test.go").write_text(PRELUDE)
    for name in FILES:
        source = copy / "src/crypto/tls" / name
        if source.exists():
            text = re.sub(r"^package tls(_test)?$", "package tls_test", source.read_text(), flags=re.M)
            text = re.sub(r'^(\s*)"crypto/tls"$', r'\1. "crypto/tlsbio"' if name != "example_test.go" else r'\1tls "crypto/tlsbio"', text, flags=re.M)
            if '"crypto/tlsbio"' not in text:
                text = text.replace("import (", 'import (\n\t. "crypto/tlsbio"', 1)
            text = re.sub(r'^\s*"crypto/tls/internal/.*"$', "", text, flags=re.M)
            # Which suites the processor likes is the library's affair.
            text = text.replace("\thasAESGCMHardwareSupport = false\n", "")
            target = package / ("std_" + name)
            target.write_text(text)
            files.append(target)
    go = str(copy / "bin/go")
    said = []
    for _ in range(60):
        found = {}
        for line in errors().splitlines():
            match = re.match(r"(?:vet: )?(\S*?)(std_\w+\.go):(\d+):\d+: (.*)", line)
            if match:
                found.setdefault(match[2], []).append((int(match[3]), match[4]))
        if not found:
            # For who asks why a test is not there.
            (package / "public.log").write_text("".join(said))
            return
        lists = {}
        for d in declarations(go, files):
            lists.setdefault(Path(d["File"]).name, []).append(d)
        for name, wrong in found.items():
            file = package / name
            lines = file.read_text().splitlines()
            for number, message in wrong:
                if "imported and not used" in message:
                    lines[number - 1] = ""
                    continue
                said.append(f"{name}:{number}: {message}\n")
                for d in lists[name]:
                    if d["First"] <= number <= d["Last"]:
                        for i in range(d["First"] - 1, d["Last"]):
                            lines[i] = ""
            file.write_text("\n".join(lines) + "\n")
    raise SystemExit("public.py: the tests of crypto/tls do not come to compile")

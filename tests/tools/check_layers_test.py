"""Tests of tools/check_layers.py on a small tree that is made here: as it should be, and with one thing wrong at a time."""
import importlib.util
import pathlib
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("check_layers", TOP / "tools/check_layers.py")
check_layers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_layers)

MAP = """# Architecture

## Layers

| folder | what is in it | sees |
|---|---|---|
| `base` | errors \\| files | – |
| `ops` | arithmetic | base |
| `model` | models | ops |
| `apps/e5v` | the program | model |
| `tools`, `cmake` | scripts | – |

## Errors
"""

FILES = {
    "ARCHITECTURE.md": MAP,
    "src/CMakeLists.txt": "foreach(layer base ops model)\n  add_subdirectory(${layer})\nendforeach()\n",
    "src/base/CMakeLists.txt": "e5v_layer(base\n  SOURCES error.cpp\n  LIBRARIES fmt::fmt)\n",
    "src/base/error.cpp": '#include "base/error.h"\n// --force in a comment is no message, nor is "--this".\n',
    "src/ops/CMakeLists.txt": "e5v_layer(ops\n  SOURCES dot.cpp\n  LAYERS base  # all\n  PRIVATE_LIBRARIES hwy)\n",
    "src/ops/dot.cpp": '#include "ops/dot.h"\n#include "base/error.h"\nconst char c = \'"\';\n',
    "src/model/CMakeLists.txt": "e5v_layer(model\n  SOURCES llama.cpp\n  LAYERS ops)\n",
    "src/model/llama.cpp": '#include <vector>\n#include "ops/dot.h"\n#include "base/error.h"\n#include "e5v/input.h"\n'
                           'const char* style = "--ink: #000; color: var(--ink)";\nconst char* rule = "a -- b";\n',
    "apps/e5v/main.cpp": '#include "model/llama.h"\n#include "main.h"\nconst char* flag = "--force";\n',
    "include/e5v/input.h": "#pragma once\n",
    "src/ops/dot.h": "",
    "src/ops/cpu/dot_bf16.cpp": "// a kernel without a header of its own\n",
    "src/ops/cuda/dots.cu": "",
    "tests/base/CMakeLists.txt": "e5v_test(base SOURCES error_test.cpp LIBRARIES e5v_base)\n",
    "tests/base/error_test.cpp": "",
    "tests/ops/CMakeLists.txt": "e5v_test(ops\n  SOURCES\n    dot_test.cpp\n  LIBRARIES e5v_ops)\n",
    "tests/ops/dot_test.cpp": "",
    "tests/model/CMakeLists.txt": "e5v_test(model SOURCES llama_test.cpp)\n",
    "tests/model/llama_test.cpp": "",
    "tools/x.sh": "",
    "cmake/x.cmake": "",
}


class CheckLayers(unittest.TestCase):
    def problems(self, **changed):
        """What is wrong in the tree when these files, by name with __ for / and _DOT_ for the dot, are others."""
        files = dict(FILES)
        for name, text in changed.items():
            files[name.replace("__", "/").replace("_DOT_", ".")] = text
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            for name, text in files.items():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_text(text)
            return list(check_layers.check(tree))

    def expect(self, problems, *parts):
        self.assertEqual(len(problems), len(parts), problems)
        for problem, part in zip(problems, parts):
            self.assertIn(part, problem)

    def test_good_tree(self):
        self.assertEqual(self.problems(), [])

    def test_include_of_a_higher_layer(self):
        found = self.problems(src__base__error_DOT_cpp='#include "base/error.h"\n\n#include "model/llama.h"\n')
        self.expect(found, "src/base/error.cpp:3 includes model/llama.h, but src/base does not see model")

    def test_include_of_a_program(self):
        found = self.problems(ARCHITECTURE_DOT_md=MAP.replace("the program | model", "the program | base"))
        self.expect(found, "apps/e5v/main.cpp:1 includes model/llama.h, but apps/e5v does not see model")

    def test_cmake_names_other_layers(self):
        found = self.problems(src__model__CMakeLists_DOT_txt="e5v_layer(model SOURCES llama.cpp LAYERS base)")
        self.expect(found, "src/model/CMakeLists.txt names base, ARCHITECTURE.md says that it sees ops")

    def test_table_lacks_a_layer(self):
        line = "| `model` | models | ops |\n"
        found = self.problems(ARCHITECTURE_DOT_md=MAP.replace(line, "").replace("program | model", "program | ops"))
        self.expect(found, "no line for src/model")

    def test_table_has_a_layer_too_many(self):
        line = "| `model` | models | ops |\n"
        found = self.problems(ARCHITECTURE_DOT_md=MAP.replace(line, line + "| `search` | search | model |\n"))
        self.expect(found, "a line for search, which is no folder")

    def test_order(self):
        found = self.problems(src__CMakeLists_DOT_txt="foreach(layer base model ops)\nendforeach()\n")
        self.expect(found, "adds model before a layer that it sees")

    def test_layer_that_is_not_added(self):
        found = self.problems(src__CMakeLists_DOT_txt="foreach(layer base ops)\nendforeach()\n")
        self.expect(found, "src/CMakeLists.txt does not add model")

    def test_flags_in_strings(self):
        for text in ('"[x] exists; --force replaces it"', 'R"(use --force)"', 'R"x(")--force)x"', '"\\"--force\\""'):
            with self.subTest(text):
                found = self.problems(src__ops__dot_DOT_cpp=f'// "\n#include "ops/dot.h"\nauto s = {text};\n')
                self.expect(found, "src/ops/dot.cpp:3 has --force in a string")

    def test_flags_in_public_headers(self):
        found = self.problems(include__e5v__input_DOT_h='inline const char* kHint = "give --dtype f32";\n')
        self.expect(found, "include/e5v/input.h:1 has --dtype")

    def test_source_without_a_test(self):
        self.expect(self.problems(src__model__clip_DOT_cpp=""),
                    "src/model/clip.cpp has no test of its name, tests/model/clip_test.cpp")
        self.expect(self.problems(src__model__parts__clip_DOT_cpp=""),
                    "src/model/parts/clip.cpp has no test of its name, tests/model/parts/clip_test.cpp")

    def test_test_that_is_not_built(self):
        for text in ("e5v_test(model SOURCES other_test.cpp)", "# llama_test.cpp", "e5v_test(model SOURCES x/llama_test.cpp)"):
            with self.subTest(text):
                self.expect(self.problems(tests__model__CMakeLists_DOT_txt=text),
                            "tests/model/CMakeLists.txt does not build llama_test.cpp")

    def test_test_of_a_subfolder(self):
        files = {"src__model__parts__clip_DOT_cpp": "",
                 "tests__model__CMakeLists_DOT_txt": "e5v_test(model SOURCES llama_test.cpp parts/clip_test.cpp)"}
        self.assertEqual(self.problems(**files, tests__model__parts__clip_test_DOT_cpp=""), [])
        self.expect(self.problems(**files, tests__model__clip_test_DOT_cpp=""),
                    "src/model/parts/clip.cpp has no test of its name, tests/model/parts/clip_test.cpp")

    def test_kernel_with_a_header_of_its_own(self):
        self.expect(self.problems(src__ops__cpu__dot_bf16_DOT_h=""),
                    "src/ops/cpu/dot_bf16.cpp has no test of its name, tests/ops/cpu/dot_bf16_test.cpp")

    def test_no_table(self):
        self.expect(self.problems(ARCHITECTURE_DOT_md="# Architecture\n"), "has no table of layers")


if __name__ == "__main__":
    unittest.main()

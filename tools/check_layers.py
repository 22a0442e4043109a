#!/usr/bin/env python3
"""check_layers.py [TREE]: checks that the map in ARCHITECTURE.md describes the code. Prints one line for each
difference; the exit code is 1 when there is one.

- Each layer of src/ includes only headers of itself and of the layers that its line of the table sees (and of the layers that those see).
- Its CMakeLists.txt names the same layers as the table, and src/CMakeLists.txt adds every layer after those that it sees.
- Programs of the table (apps/e5v, demo, bench) include only what their line sees.
- No string of C++ in src/ and include/ holds a --flag: the options of the command line belong to apps/.
- Each source of a layer, src/LAYER/FILE.cpp, has a test of its name, tests/LAYER/FILE_test.cpp, which CMake builds.
"""
import pathlib
import re
import sys

SOURCES = (".cpp", ".h", ".cu", ".cuh")
# Folders whose sources need no test of their own name, and the reason.
TESTED_ELSEWHERE = {
    "src/ops/cuda": "the GPU's half of the operations, which tests/ops/cuda_*test.cpp compare with the CPU's",
}
# Sources of these folders need none if they have no header of their own, and the reason.
TESTED_WITH_THEIR_HEADER = {
    "src/ops/cpu": "kernels of an operation, which the test of the operation compares with their twin",
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Comments, raw strings, strings and characters; the first one that begins is taken.
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s]*)\((?P<raw>.*?)\)(?P=mark)"|"(?P<text>(?:\\.|[^"\\\n])*)"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
# Two dashes and a word, except in CSS: "--ink: #000" declares a property, and "var(--ink)" uses one.
FLAG = re.compile(r"(?<![\w-])(?<!var\()--[a-z][a-z0-9-]*(?![\w-]|\s*:)")


def words(cell):
    """The names in a cell of the table, without marks: "model, `ranks`" -> [model, ranks]; a dash is none."""
    return [word for word in re.split(r"[,\s]+", cell.replace("`", "")) if re.fullmatch(r"[\w/]+", word)]


def table_of(text):
    """{folder: the layers that it sees} from the table under "## Layers"."""
    section = re.search(r"^## Layers\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if section is None:
        return {}
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section[1].splitlines() if line.startswith("|")]
    head = next((row for row in rows if row and row[-1].strip() == "sees"), None)
    if head is None:
        return {}
    table = {}
    for row in rows[rows.index(head) + 2:]:
        for folder in words(row[0]):
            table[folder] = words(row[-1])
    return table


def reach(table, layer):
    """The layer itself and all that it sees, directly or through others."""
    found, to_do = set(), [layer]
    while to_do:
        name = to_do.pop()
        if name not in found:
            found.add(name)
            to_do += table.get(name, [])
    return found


def cmake_layers(folder):
    """The LAYERS that a layer's CMakeLists.txt passes to e5v_layer; None when it makes no layer."""
    text = re.sub(r"#[^\n]*", "", (folder / "CMakeLists.txt").read_text())
    call = re.search(rf"\be5v_layer\(\s*{re.escape(folder.name)}\b(.*?)\)", text, re.DOTALL)
    if call is None:
        return None
    found = re.search(r"\bLAYERS\b((?:\s+[a-z_0-9]+)*)", call[1])
    return found[1].split() if found else []


def sources_in(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SOURCES and path.is_file())


def check_includes(tree, folder, seen, layers):
    for path in sources_in(tree / folder):
        text = path.read_text(errors="replace")
        for found in INCLUDE.finditer(text):
            layer = found[1].split("/")[0]
            if "/" in found[1] and layer in layers and layer not in seen:
                line = text.count("\n", 0, found.start(1)) + 1
                yield f"{path.relative_to(tree)}:{line} includes {found[1]}, but {folder} does not see {layer}"


def check_flags(tree, folder):
    for path in sources_in(tree / folder):
        text = path.read_text(errors="replace")
        for token in TOKEN.finditer(text):
            content = token["raw"] if token["raw"] is not None else token["text"]
            for flag in FLAG.finditer(content or ""):
                line = text.count("\n", 0, token.start()) + 1
                yield f"{path.relative_to(tree)}:{line} has {flag[0]} in a string; name the option's field instead"


def check_cmake(tree, table, layers):
    order = re.search(r"foreach\(layer\s+([^)]*)\)", (tree / "src/CMakeLists.txt").read_text())
    order = order[1].split() if order else []
    for layer in layers:
        for seen in table[layer]:
            if seen not in layers:
                yield f"ARCHITECTURE.md: {layer} sees {seen}, which is no folder of src/ in the table"
        named = cmake_layers(tree / "src" / layer)
        if named is None:
            yield f"src/{layer}/CMakeLists.txt makes no layer of that name"
        elif set(named) != set(table[layer]):
            yield (f"src/{layer}/CMakeLists.txt names {' '.join(sorted(named)) or 'no layer'}, "
                   f"ARCHITECTURE.md says that it sees {' '.join(sorted(table[layer])) or 'none'}")
        if layer not in order:
            yield f"src/CMakeLists.txt does not add {layer}"
        elif any(seen in order and order.index(seen) > order.index(layer) for seen in table[layer]):
            yield f"src/CMakeLists.txt adds {layer} before a layer that it sees"


def needs_test(path, tree):
    folder = path.parent.relative_to(tree).as_posix()
    if folder in TESTED_ELSEWHERE:
        return False
    return folder not in TESTED_WITH_THEIR_HEADER or path.with_suffix(".h").is_file()


def check_tests(tree, layer):
    tests = tree / "tests" / layer
    lists = tests / "CMakeLists.txt"
    text = re.sub(r"#[^\n]*", "", lists.read_text()) if lists.is_file() else ""
    built = re.findall(r"[^\s()]+_test\.cpp", text)
    for path in sources_in(tree / "src" / layer):
        if path.suffix not in (".cpp", ".cu") or not needs_test(path, tree):
            continue
        name = path.relative_to(tree / "src" / layer).with_suffix("").as_posix() + "_test.cpp"
        if not (tests / name).is_file():
            yield f"{path.relative_to(tree)} has no test of its name, tests/{layer}/{name}"
        elif name not in built:
            yield f"tests/{layer}/CMakeLists.txt does not build {name}"


def check(tree):
    table = table_of((tree / "ARCHITECTURE.md").read_text())
    folders = sorted(path.parent.name for path in (tree / "src").glob("*/CMakeLists.txt"))
    layers = [name for name in folders if name in table]
    if not layers:
        yield 'ARCHITECTURE.md has no table of layers (a head that ends with "sees" under "## Layers")'
        return
    for name in folders:
        if name not in table:
            yield f"ARCHITECTURE.md: the table has no line for src/{name}"
    for name in table:
        if not (tree / "src" / name).is_dir() and not (tree / name).is_dir() and not (tree / name).is_file():
            yield f"ARCHITECTURE.md: the table has a line for {name}, which is no folder"
    yield from check_cmake(tree, table, layers)
    for name in layers:
        yield from check_includes(tree, f"src/{name}", reach(table, name), layers)
        yield from check_tests(tree, name)
    for name in table:
        if name not in layers and (tree / name).is_dir() and table[name]:
            yield from check_includes(tree, name, reach(table, name), layers)
    for folder in ("src", "include"):
        yield from check_flags(tree, folder)


def main():
    tree = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    problems = list(check(tree))
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print("the layers are as ARCHITECTURE.md says, and each source has a test of its name")


if __name__ == "__main__":
    main()

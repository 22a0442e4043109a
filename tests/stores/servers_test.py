#!/usr/bin/env python3
"""servers_test.py PROGRAM TESTS DEMO: the program TESTS, and PROGRAM with real servers: several programs index into a store, one of
them is killed, and searches find what those of a library find."""
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import servers

PROGRAM, TESTS, DEMO = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
del sys.argv[1:4]
MODEL = ["--model", DEMO / "model", "--device", "cpu", "--threads", "1"]


def start(*arguments):
    return subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*arguments, code=0):
    """The output of the program, which must end with the code; for other codes than 0, its message."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def found(where, *query, percentiles=False):
    lines = run("search", *where, "--device", "cpu", "--format", "json", *query).splitlines()
    photos = [json.loads(line) for line in lines]
    for photo in photos:
        if not percentiles:
            photo.pop("percentile", None)  # stores have them for single texts and photos, of samples of their own
    return photos


def rows_of(library):
    """What a library has, by content: metadata, files and bits of the vector."""
    database = sqlite3.connect(library / "catalogue.sqlite")
    [(name,)] = database.execute("SELECT value FROM settings WHERE key = 'vectors'")
    [(model,)] = database.execute("SELECT value FROM settings WHERE key = 'model'")
    vectors, width = (library / name).read_bytes(), json.loads(model)["width"] * 2
    files = database.execute("SELECT path, size, mtime_ns, hash, state, sidecars FROM files ORDER BY path").fetchall()
    photos = database.execute("SELECT hash, row, width, height, taken, camera, lens, latitude, longitude, orientation, rating, "
                              "keywords, caption FROM photos ORDER BY hash").fetchall()
    roots = database.execute("SELECT * FROM roots").fetchall()
    return model, roots, files, [(photo[0], photo[2:], vectors[photo[1] * width:(photo[1] + 1) * width]) for photo in photos]


class Stores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.postgres = cls.enterClassContext(servers.postgres(cls.folder))
        cls.milvus = cls.enterClassContext(servers.milvus(cls.folder))
        cls.photos, cls.library = cls.folder / "photos", cls.folder / "library"
        shutil.copytree(DEMO / "gallery", cls.photos, ignore=shutil.ignore_patterns("*.jsonl", "*.md"))
        shutil.copy(cls.photos / "noto-2764.jpg", cls.photos / "copy of a heart.jpg")
        (cls.photos / "broken.jpg").write_text("<html>")
        cls.count = len(list(cls.photos.glob("*.jpg"))) - 2  # photos, of which one has two files
        run("index", cls.photos, "--library", cls.library, *MODEL, code=3)

    def expect_equal_searches(self, url):
        heart = self.photos / "noto-2764.jpg"
        for query in (["a violin"], ["--image", heart, "blue", "--top", "50"], ["--like", heart], ["--like", heart, "--minus", "blue:0.5"],
                      ["a cat", "--orientation", "square", "--folder", self.photos, "--min-size", "0.001"],
                      ["a cat", "--min-size", "100x100", "--min-score", "0.2"]):
            expected = found(["--library", self.library], *query)
            self.assertGreater(len(expected), 0)
            self.assertEqual(found(["--store", url, "--exact"], *query), expected, query)

    def test_program(self):
        environment = os.environ | {"E5V_TEST_POSTGRESQL": self.postgres.database("unit"), "E5V_TEST_MILVUS": self.milvus}
        subprocess.run([TESTS, "--gtest_brief=1"], check=True, env=environment)

    def test_search_finds_what_a_library_finds(self):
        url = self.postgres.database("search")
        run("index", self.photos, "--store", url, *MODEL, code=3)
        self.expect_equal_searches(url)
        status = json.loads(run("index", "--store", url, "--status", "--json", "--recall"))
        self.assertEqual(status["vectors"], self.count)
        self.assertEqual(status["files"], {"done": self.count + 1, "waiting": 0, "failed": 1, "gone": 0})
        self.assertIn("HTML", status["failed"][0]["reason"])
        self.assertIn("HNSW", status["index"])
        self.assertNotIn("word", status["store"].split("@")[0])
        for query in (["a violin"], ["--like", self.photos / "noto-2764.jpg"]):
            [here], [there] = (found(where, *query, "--top", "1", percentiles=True)
                               for where in (["--library", self.library], ["--store", url]))
            self.assertAlmostEqual(here["percentile"], there["percentile"], delta=0.3)
        message = run("search", "--store", url, "a cat", "--from", "2019", "--to", "2018", code=1)
        self.assertIn("not after the last one", message)

    def test_recall_of_the_index_is_measured_on_the_photos_themselves(self):
        url = self.postgres.database("recall")
        run("copy", self.library, url)
        # Each photo 40 times, with noise: 13,000 vectors that lie as those of the model do.
        self.postgres.sql("""
            INSERT INTO e5v.photos (hash, width, height, orientation, vector)
            SELECT md5(p.hash || i), 1, 1, 1, l2_normalize((SELECT array_agg(v + 0.04 * (random() - 0.5) ORDER BY n)
              FROM unnest(p.vector::vector::real[]) WITH ORDINALITY AS x (v, n), (SELECT i) AS each)::halfvec)
            FROM e5v.photos p, generate_series(1, 40) i;
            INSERT INTO e5v.files (path, size, mtime_ns, sidecars, hash, state)
            SELECT '/noise/' || hash, 1, 1, 0, hash, 'done' FROM e5v.photos WHERE width = 1;
            ANALYZE e5v.photos; ANALYZE e5v.files""", "recall")
        recall = json.loads(run("index", "--store", url, "--status", "--json", "--recall"))["recall"]
        print(f"recall of HNSW over bit(256), 13,530 photos: {recall}")
        self.assertGreaterEqual(recall["share"], 0.9)

    def test_three_programs_index_each_photo_once_though_one_is_killed(self):
        url = self.postgres.database("shared")
        programs = [start("index", self.photos, "--store", url, "--claim-time", "2", *MODEL) for _ in range(3)]
        while not int(self.postgres.sql("SELECT count(*) FROM pg_class WHERE relname = 'photos'", "shared")[0]) or \
                int(self.postgres.sql("SELECT count(*) FROM e5v.photos", "shared")[0]) < 20:
            time.sleep(0.01)
        programs[0].send_signal(signal.SIGKILL)
        outputs = [program.communicate(timeout=120)[1] for program in programs]
        self.assertEqual(programs[0].returncode, -signal.SIGKILL)
        self.assertTrue(all(program.returncode in (0, 3) for program in programs[1:]), outputs)
        print("one of three programs was killed; the others:", *(output.strip() for output in outputs[1:]))
        self.assertEqual(self.postgres.sql("SELECT count(*), count(DISTINCT hash) FROM e5v.photos", "shared"),
                         [f"{self.count}|{self.count}"])
        self.assertEqual(self.postgres.sql("SELECT state, count(*), count(claimed_by) FROM e5v.files GROUP BY 1 ORDER BY 1", "shared"),
                         [f"done|{self.count + 1}|0", "failed|1|0"])
        self.expect_equal_searches(url)

    def test_changes_moves_and_deletions(self):
        url = self.postgres.database("changes")
        folder = self.folder / "changing"
        folder.mkdir()
        for name in ("noto-2764.jpg", "noto-1f499.jpg", "fluent-1f408.jpg"):
            shutil.copy(self.photos / name, folder / name)
        index = lambda *more: subprocess.run([PROGRAM, "index", "--store", url, *more], check=True, capture_output=True, text=True).stderr
        self.assertIn("3 photos embedded", index(folder, *MODEL))
        self.assertIn("0 photos embedded in 0.0s; 3 unchanged", index())
        (folder / "noto-2764.jpg").rename(folder / "renamed.jpg")
        (folder / "noto-1f499.jpg").unlink()
        (folder / "renamed.txt").write_text("a heart of fire")
        self.assertIn("0 photos embedded", index())
        [first, _] = found(["--store", url], "red heart")
        self.assertEqual(first["paths"], [str(folder / "renamed.jpg")])
        (folder / "renamed.txt").write_text("a heart of ice")
        index("--purge")
        self.assertEqual(found(["--store", url], "red heart")[0]["caption"], "a heart of ice")
        status = json.loads(run("index", "--store", url, "--status", "--json"))
        self.assertEqual((status["vectors"], status["files"]["gone"]), (2, 0))
        folder.rename(self.folder / "away")
        self.assertIn("its photos stay in the store", index())
        self.assertEqual(len(found(["--store", url], "red heart")), 2)

    def test_a_copy_of_a_copy_is_equal(self):
        url = self.postgres.database("copies")
        run("copy", self.library, url)
        copy = self.folder / "copied"
        run("copy", url, copy)
        heart = ["--like", self.photos / "noto-2764.jpg"]
        self.assertEqual(found(["--library", self.library], *heart, percentiles=True), found(["--library", copy], *heart, percentiles=True))
        self.assertIn("percentile", found(["--store", url], "a cat", percentiles=True)[0])
        expected = rows_of(self.library)
        without_failures = (*expected[:2], [row for row in expected[2] if row[4] == "done"], expected[3])
        self.assertEqual(rows_of(copy), without_failures)
        self.expect_equal_searches(url)

    def test_milvus_has_what_a_library_has(self):
        url, copy = self.milvus + "/photos", self.folder / "from milvus"
        run("copy", self.library, url)
        run("copy", url, self.postgres.database("from_milvus"))
        run("copy", self.postgres.url("from_milvus"), copy)
        expected = rows_of(self.library)
        self.assertEqual(rows_of(copy), (*expected[:2], [row for row in expected[2] if row[4] == "done"], expected[3]))
        self.expect_equal_searches(url)
        status = json.loads(run("index", "--store", url, "--status", "--json", "--recall"))
        print("Milvus:", status["recall"])
        self.assertEqual(status["vectors"], self.count)
        self.assertGreaterEqual(status["recall"]["share"], 0.9)
        self.assertIn("cannot share the work", run("index", self.photos, "--store", url, *MODEL, code=1))
        self.assertIn("has no vectors yet", run("search", "--store", self.milvus + "/none", "a cat", code=1))
        self.assertIn("it cannot be reached", run("search", "--store", "milvus://e5v:wrongpass@127.0.0.1:1", "a cat", code=1))
        self.assertIn("another vector space", run("search", "--store", url, "a cat", *MODEL, "--dtype", "f32", code=1))

    def test_what_is_wrong_is_said_in_a_line_without_the_password(self):
        url = self.postgres.database("errors")
        bad = self.postgres.url("errors", "wrongpass")
        cases = [
            (bad, "password authentication failed"),
            ("postgresql://e5v:wrongpass@127.0.0.1:1/x", "Connection refused"),
            (self.postgres.url("nowhere"), 'database "nowhere" does not exist'),
            ("mysql://e5v:wrongpass@127.0.0.1/x", "expected an address that begins with postgresql://, milvus:// or qdrant://"),
            (url, "has no vectors yet: expected e5v index to have run"),
        ]
        for address, expected in cases:
            message = run("search", "--store", address, "a cat", code=1)
            self.assertIn(expected, message)
            self.assertEqual(message.count("\n"), 1, message)
            for secret in ("wrongpass", servers.PASSWORD, servers.ENCODED):
                self.assertNotIn(secret, message)
        self.assertIn("option", run("index", self.photos, "--store", url, code=1).replace("--model", "option"))
        run("copy", self.library, url)
        message = run("index", self.photos, "--store", url, *MODEL, "--max-tiles", "1", "--dtype", "f32", code=1)
        self.assertIn("another vector space", message)
        self.assertIn("another vector space", run("search", "--store", url, "a cat", *MODEL, "--dtype", "f32", code=1))
        self.postgres.sql("UPDATE e5v.settings SET value = '2' WHERE key = 'format'", "errors")
        for command in (["search", "--store", url, "a cat"], ["index", "--store", url], ["copy", url, self.folder / "none"]):
            self.assertIn("has format 2, which a newer version of e5v wrote", run(*command, code=1))

    def test_a_server_without_pgvector(self):
        extension = servers.POSTGRES.parent / "share/postgresql/extension/vector.control"
        away = extension.with_suffix(".away")
        url = self.postgres.database("bare")
        extension.rename(away)
        try:
            self.assertIn("the server has no pgvector", run("copy", self.library, url, code=1))
        finally:
            away.rename(extension)


if __name__ == "__main__":
    unittest.main(verbosity=2)

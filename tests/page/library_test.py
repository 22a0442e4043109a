#!/usr/bin/env python3
"""library_test.py PROGRAM DEMO [SCREENSHOTS]: the page of a library (`e5v browse`) in Chromium, with the drawings and the
model of the demo. With a folder, it writes the pictures of docs/search.md into it instead."""
import contextlib
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

PROGRAM, DEMO = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
SCREENSHOTS = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
HEART = DEMO / "gallery/noto-2764.jpg"
PAGE = 60  # photos that are loaded at a time
SIZES = [(1400, 900), (390, 844)]
# Drops an image of the page's own making on an element, or pastes it.
TRANSFER = """async ([selector, kind, address]) => {
  const blob = await (await fetch(address)).blob();
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], "given.jpg", { type: "image/jpeg" }));
  const init = { bubbles: true, cancelable: true };
  const event = kind === "drop" ? new DragEvent("drop", { ...init, dataTransfer: transfer })
                                : new ClipboardEvent("paste", { ...init, clipboardData: transfer });
  document.querySelector(selector).dispatchEvent(event);
}"""


def exif(*, date, maker, model, rating, description):
    """An APP1 segment of a JPEG: EXIF in one directory."""
    entries, data = [], b""
    texts = {0x10E: description, 0x10F: maker, 0x110: model, 0x132: date}
    start = 8 + 2 + 12 * (len(texts) + 1) + 4
    for tag, text in texts.items():
        value = text.encode() + b"\0"
        entries.append(struct.pack(">HHII", tag, 2, len(value), start + len(data)))
        data += value + b"\0" * (len(value) % 2)
    entries.append(struct.pack(">HHIHH", 0x4746, 3, 1, rating, 0))
    block = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + b"".join(entries) + b"\0\0\0\0" + data
    return b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block


def write_with_exif(source, target, **fields):
    content = source.read_bytes()
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content[:2] + exif(**fields) + content[2:])


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def process(*arguments):
    """A server, its address, and the process."""
    server = subprocess.Popen([PROGRAM, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        line = server.stderr.readline()
        assert " at " in line, line + server.stderr.read()
        yield line.split(" at ")[1].strip(), server
    finally:
        server.terminate()
        server.wait(timeout=30)
        server.stderr.close()


class Library:
    """The drawings, three of them with metadata of a camera and one of them twice, and their library."""

    def __init__(self, folder):
        self.photos, self.folder = folder / "photos", folder / "library"
        shutil.copytree(DEMO / "gallery", self.photos / "drawings", ignore=shutil.ignore_patterns("*.jsonl", "*.md"))
        write_with_exif(HEART, self.photos / "2019/heart.jpg", date="2019:07:14 12:33:10", maker="Canon", model="EOS 5D",
                        rating=4, description="A heart in July")
        write_with_exif(DEMO / "gallery/fluent-1f693.jpg", self.photos / "2021/police.jpg", date="2021:02:03 04:05:06",
                        maker="NIKON", model="D80", rating=2, description="A car in winter")
        shutil.copy(HEART, self.photos / "copy.jpg")
        self.count = len(list(self.photos.rglob("*.jpg"))) - 1
        run("index", self.photos, "--library", self.folder, "--model", DEMO / "model", "--device", "cpu")

    def search(self, *arguments, top=30):
        """The names of photos with their scores, as the program finds them: the best one first."""
        lines = run("search", "--library", self.folder, "--device", "cpu", "--format", "json", "--top", str(top), *arguments)
        return {pathlib.Path(photo["paths"][0]).name: photo["score"] for photo in map(json.loads, lines.splitlines())}


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        browser = shutil.which("chromium")
        if browser is None:
            raise FileNotFoundError("chromium is not installed; make check-serving installs it")
        cls.library = Library(pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())))
        playwright = cls.enterClassContext(sync_playwright())
        # Without a sandbox, because tests may run as root.
        cls.browser = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        cls.addClassCleanup(cls.browser.close)
        cls.url, _ = cls.enterClassContext(process("browse", "--library", cls.library.folder, "--device", "cpu"))

    def open(self, hash="", url=None, **options):
        options.setdefault("viewport", {"width": 1400, "height": 900})
        context = self.browser.new_context(**options)
        self.addCleanup(context.close)
        context.set_default_timeout(20_000)
        page = context.new_page()
        self.messages, self.requests = [], []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto((url or self.url) + hash)
        return page

    def search(self, page, text):
        page.locator("#text").fill(text)
        page.locator("#text").press("Enter")
        expect(page.locator("#status")).to_contain_text("best matches")

    def shown(self, page):
        """The names and scores of the first photos."""
        expect(page.locator("#grid .score").first).to_be_visible()
        names, scores = (page.locator(f"#grid .{part}").all_inner_texts()[:20] for part in ("name", "score"))
        return list(zip(names, map(float, scores)))

    def expect_matches(self, page, expected):
        """Vectors that were computed in other batches may differ by rounding."""
        shown = self.shown(page)
        self.assertEqual([name for name, _ in shown[:3]], list(expected)[:3])
        self.assertEqual([score for _, score in shown], sorted((score for _, score in shown), reverse=True))
        for name, score in shown:
            self.assertAlmostEqual(score, expected[name], delta=3e-3)

    def open_photo(self, page, name):
        page.locator("#grid .tile", has=page.get_by_text(name, exact=True)).first.click()
        expect(page.locator("#photo-title")).to_have_text(name)

    # What is shown at first

    def test_it_shows_all_photos_by_date_and_loads_more_as_one_scrolls(self):
        page = self.open()
        expect(page.locator("#status")).to_have_text(f"{self.library.count} photos, the newest first")
        self.assertEqual(page.locator("#grid .name").all_inner_texts()[:2], ["police.jpg", "heart.jpg"])
        self.assertLess(page.locator("#grid .tile").count(), self.library.count)
        for _ in range(20):
            page.mouse.wheel(0, 5000)
            page.wait_for_timeout(100)
        expect(page.locator("#grid .tile")).to_have_count(self.library.count)
        names = page.locator("#grid .name").all_inner_texts()
        self.assertEqual(len(set(names)), len(names))
        page.wait_for_load_state("networkidle")
        self.assertEqual(self.messages, [])
        origin = self.url.removesuffix("/library")
        self.assertEqual([url for url in self.requests if not url.startswith((origin, "data:"))], [])

    def test_it_says_what_the_model_knows(self):
        page = self.open()
        expect(page.locator("#note")).to_contain_text("knows drawings and many names of things, but neither photos nor sentences")
        expect(page.locator("#facts")).to_contain_text("256 dimensions")

    # The query

    def test_words_find_what_the_program_finds(self):
        page = self.open()
        self.search(page, "violin")
        self.expect_matches(page, self.library.search("violin"))
        expect(page.locator("#status")).to_contain_text("share of unrelated queries that score lower")
        expect(page.locator("#grid .percentile").first).to_have_text("99.99 %")
        page.reload()
        expect(page.locator("#text")).to_have_value("violin")
        self.expect_matches(page, self.library.search("violin"))
        page.go_back()
        expect(page.locator("#status")).to_contain_text("the newest first")
        self.assertEqual(self.messages, [])

    def test_an_image_is_dropped_pasted_or_chosen_and_changed_by_words(self):
        page = self.open()
        expected, blue = self.library.search("--image", HEART), self.library.search("--image", HEART, "blue")
        found = urllib.request.urlopen(urllib.request.Request(
            self.url + "/search", json.dumps({"text": "red heart", "top": 1}).encode(), {"Content-Type": "application/json"}))
        address = f"/library/photos/{json.load(found)['photos'][0]['id']}/file"
        for kind, selector in (("drop", "#grid"), ("paste", "body")):
            page.evaluate(TRANSFER, [selector, kind, address])
            expect(page.locator("#query-image img")).to_be_visible()
            expect(page.locator("#hint")).to_contain_text("Photos like the image")
            expect(page.locator("#status")).to_contain_text("best matches")
            page.get_by_role("button", name="Remove the image").click()
            expect(page.locator("#query-image")).to_be_hidden()
        page.get_by_label("Image to search with").set_input_files(HEART)
        expect(page.locator("#status")).to_contain_text("best matches")
        self.expect_matches(page, expected)
        expect(page.locator("#text")).to_have_attribute("placeholder", "what is to be different")
        self.search(page, "blue")
        expect(page.locator("#hint")).to_contain_text("as the words change it")
        expect(page.locator("#grid .percentile")).to_have_count(0)  # nothing is known about such queries
        expect(page.locator("#grid .name").first).to_have_text(next(iter(blue)))
        self.expect_matches(page, blue)

    def test_words_are_added_and_taken_away(self):
        page = self.open("#/?text=heart")
        before = self.shown(page)
        page.get_by_label("A word to add or to take away").fill("blue")
        page.get_by_role("button", name="More of this").click()
        expect(page.get_by_role("button", name="Remove: more of blue")).to_be_visible()
        expect(page.locator("#grid .name").first).to_have_text("noto-1f499.jpg")  # a blue heart
        page.get_by_label("A word to add or to take away").fill("blue")
        page.get_by_role("button", name="Less of this").click()
        expect(page.get_by_role("button", name="Remove: less of blue")).to_be_visible()
        expect(page.get_by_role("button", name="Remove: more of blue")).to_have_count(0)
        expect(page.locator("#grid .name").first).not_to_have_text("noto-1f499.jpg")
        page.get_by_role("button", name="Remove: less of blue").click()
        expect(page.locator("#chips")).to_be_hidden()
        expect(page.locator("#grid .score").first).to_have_text(f"{before[0][1]:.3f}")
        self.assertEqual(self.shown(page), before)

    def test_filters_select_photos(self):
        page = self.open()
        page.get_by_role("button", name="Filters").click()
        names = page.locator("#grid .name")
        for label, value, expected in (("From", "2020", ["police.jpg"]), ("To", "2019-07", ["heart.jpg"]),
                                       ("Camera", "Canon EOS 5D", ["heart.jpg"]), ("Rating", "3", ["heart.jpg"]),
                                       ("Folder", str(self.library.photos.resolve() / "2021"), ["police.jpg"])):
            field = page.get_by_role("textbox" if label in ("From", "To") else "combobox", name=label, exact=True)
            if label in ("From", "To"):
                field.fill(value)
                field.press("Enter")
            else:
                field.select_option(value)
            expect(names).to_have_text(expected)
            expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
            page.get_by_role("button", name="Clear all").click()
            expect(names).to_have_count(PAGE)
        page.get_by_role("combobox", name="Orientation").select_option("portrait")
        expect(page.locator("#status")).to_have_text("No photo is in the library or passes the filters.")
        page.get_by_label("From", exact=True).fill("July")
        page.get_by_label("From", exact=True).press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("expected a date such as 2019")

    # One photo

    def test_a_photo_has_its_metadata_words_and_likes(self):
        page = self.open()
        self.open_photo(page, "heart.jpg")
        for text in ("2019-07-14, 12:33:10", "Canon EOS 5D", "112 × 112 pixels", "4 of 5", "A heart in July", "2019/heart.jpg"):
            expect(page.locator("#photo-view dl")).to_contain_text(text)
        expect(page.locator(".words a").first).to_have_text("heart", timeout=60_000)
        likes = page.get_by_role("list", name="Photos like this one").locator(".name")
        expected = self.library.search("--image", self.library.photos / "2019/heart.jpg")
        expect(likes.first).to_be_visible()
        self.assertEqual(likes.all_inner_texts(), [name for name in expected if name != "heart.jpg"][:12])
        page.get_by_label("What is to be different from this photo").fill("blue")
        page.get_by_label("What is to be different from this photo").press("Enter")
        expect(page.locator("#grid .name").first).to_have_text("noto-1f499.jpg")
        expect(page.locator("#query-image img")).to_be_visible()
        self.assertEqual(self.messages, [])

    def test_the_file_of_a_photo_opens(self):
        page = self.open("#/?text=violin")
        self.open_photo(page, "twemoji-1f3bb.jpg")
        address = page.locator(".picture").get_attribute("href")
        answer = urllib.request.urlopen(self.url.removesuffix("/library") + address)
        self.assertEqual(answer.headers["Content-Type"], "image/jpeg")
        self.assertEqual(answer.read(), (DEMO / "gallery/twemoji-1f3bb.jpg").read_bytes())
        with page.context.expect_page() as opened:
            page.locator(".picture").click()
        opened.value.wait_for_load_state()
        self.assertTrue(opened.value.url.endswith(address))

    def test_a_photo_that_is_gone_has_a_placeholder(self):
        lost = self.library.photos / "2021/lost.jpg"
        write_with_exif(DEMO / "gallery/fluent-1f305.jpg", lost, date="2029:01:01 00:00:00", maker="a", model="b", rating=1,
                        description="lost")
        run("index", "--library", self.library.folder, "--device", "cpu")
        try:
            lost.rename(lost.with_suffix(".hidden"))
            page = self.open()
            expect(page.locator("#grid .name").first).to_have_text("lost.jpg")
            image = page.locator("#grid img").first
            expect(image).to_have_js_property("naturalWidth", 240)
            self.assertEqual(self.messages, [])
        finally:
            lost.with_suffix(".hidden").unlink()
            run("index", "--library", self.library.folder, "--device", "cpu")

    # The other views

    def test_duplicates_are_in_groups_with_the_best_file(self):
        page = self.open("#/duplicates")
        expect(page.locator("#duplicates-status")).to_contain_text("group")
        group = page.locator(".group", has=page.get_by_role("heading", name="The same bytes"))
        expect(group.locator(".path")).to_have_text([str(self.library.photos.resolve() / name) for name in
                                                     ("copy.jpg", "drawings/noto-2764.jpg")])
        expect(group.locator("li").first).to_contain_text("best")
        near = page.locator(".group", has=page.get_by_role("heading", name="Cosine"))
        expect(near.first).to_contain_text("heart.jpg")  # the same drawing with metadata
        groups = page.locator(".group").count()
        page.get_by_label("Minimum cosine").fill("0.9")
        page.get_by_role("button", name="Compare").click()
        expect(page.locator("#duplicates-status")).not_to_have_text(f"{groups} groups")
        expect(page.locator("#duplicates-status")).to_contain_text("groups")
        self.assertGreater(page.locator(".group").count(), groups)

    def test_the_map_moves_zooms_and_opens_photos(self):
        page = self.open("#/map")
        canvas = page.locator("#map")
        expect(canvas).to_have_attribute("data-points", str(self.library.count))
        page.wait_for_load_state("networkidle")
        before = canvas.screenshot()
        canvas.focus()
        page.keyboard.press("+")
        expect(page.locator("#map-status")).to_contain_text("In the middle: ")
        expect(page.locator("#map-tip")).to_be_visible()
        self.assertNotEqual(canvas.screenshot(), before)
        page.keyboard.press("ArrowRight")
        name = page.locator("#map-tip").inner_text()
        expect(page.locator("#map-status")).to_have_text(f"In the middle: {name}")
        page.keyboard.press("Enter")
        expect(page.locator("#photo-view dl")).to_contain_text(name)
        page.keyboard.press("Escape")
        expect(canvas).to_be_visible()
        page.get_by_role("button", name="Show the whole map").click()
        box = canvas.bounding_box()
        # A caption on hover, and a click on what it names.
        for step in range(100):
            page.mouse.move(box["x"] + box["width"] * (0.3 + 0.004 * step), box["y"] + box["height"] / 2)
            if page.locator("#map-tip").is_visible():
                break
        name = page.locator("#map-tip").inner_text()
        page.mouse.down()
        page.mouse.up()
        expect(page.locator("#photo-view")).to_contain_text(name)
        self.assertEqual(self.messages, [])

    def test_the_keyboard_does_everything(self):
        page = self.open()
        expect(page.locator("#grid .tile").first).to_be_visible()
        page.keyboard.press("/")
        expect(page.locator("#text")).to_be_focused()
        page.keyboard.type("violin")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text("best matches")
        tiles = page.locator("#grid .tile")
        page.keyboard.press("ArrowDown")
        expect(tiles.first).to_be_focused()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(tiles.nth(2)).to_be_focused()
        page.keyboard.press("ArrowDown")
        columns = page.evaluate("getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length")
        expect(tiles.nth(2 + columns)).to_be_focused()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        expect(tiles.nth(1)).to_be_focused()
        names = page.locator("#grid .name").all_inner_texts()
        page.keyboard.press("Enter")
        expect(page.locator("#photo-title")).to_have_text(names[1])
        page.keyboard.press("ArrowRight")
        expect(page.locator("#photo-title")).to_have_text(names[2])
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#photo-title")).to_have_text(names[0])
        page.keyboard.press("ArrowRight")
        expect(page.locator("#photo-title")).to_have_text(names[1])
        page.keyboard.press("Escape")
        expect(tiles.nth(1)).to_be_focused()
        page.keyboard.press("Tab")  # leaves the grid
        expect(page.get_by_role("link", name="compare texts and images")).to_be_focused()

    # The server

    def test_a_key_is_asked_for_and_photos_are_fetched_with_it(self):
        keys = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "keys")
        keys.write_text("me secret\n")
        address, _ = self.enterContext(process("serve", "--library", self.library.folder, "--device", "cpu", "--access-log",
                                               "none", "--listen", "127.0.0.1:0", "--key-file", keys))
        page = self.open(url=address + "/library")
        expect(page.get_by_role("alert")).to_contain_text("expected a key")
        expect(page.locator("#key")).to_be_focused()
        page.locator("#key").fill("secret")
        page.get_by_role("button", name="Use the key").click()
        expect(page.locator("#grid .tile").first).to_be_visible()
        expect(page.get_by_role("alert")).to_be_hidden()
        image = page.locator("#grid img").first
        expect(image).to_have_js_property("naturalWidth", 112)
        self.assertTrue(image.get_attribute("src").startswith("blob:"))

    def test_a_server_that_is_gone_is_said_to_be(self):
        with process("browse", "--library", self.library.folder, "--device", "cpu") as (url, server):
            page = self.open(url=url)
            expect(page.locator("#grid .tile").first).to_be_visible()
            server.terminate()
            server.wait(timeout=30)
            page.locator("#text").fill("violin")
            page.locator("#text").press("Enter")
            expect(page.get_by_role("alert")).to_have_text("The server does not answer.")

    # How it looks

    def views(self, page):
        """Opens each view and yields its name when it is complete."""
        page.goto(self.url + "#/?text=heart&plus=blue&minus=red")
        page.get_by_role("button", name="Filters").click()
        expect(page.locator("#grid .score").first).to_be_visible()
        yield "search"
        page.goto(self.url + "#/?from=July")
        expect(page.get_by_role("alert")).to_be_visible()
        yield "error"
        page.goto(self.url + "#/?text=violin")
        self.open_photo(page, "twemoji-1f3bb.jpg")
        expect(page.locator(".words a").first).to_be_visible(timeout=60_000)
        yield "photo"
        page.goto(self.url + "#/duplicates")
        expect(page.locator(".group").first).to_be_visible()
        yield "duplicates"
        page.goto(self.url + "#/map")
        expect(page.locator("#map")).to_have_attribute("data-points", str(self.library.count))
        page.locator("#map").focus()
        yield "map"

    def test_it_is_accessible_and_fits_on_wide_and_narrow_screens_in_light_and_dark(self):
        papers = set()
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                page = self.open(viewport={"width": width, "height": height}, color_scheme=scheme)
                for view in self.views(page):
                    with self.subTest(view=view, width=width, scheme=scheme):
                        found = Axe().run(page).response["violations"]
                        self.assertEqual([(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found], [])
                        self.assertLessEqual(page.evaluate("document.scrollingElement.scrollWidth"), width)
                papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(len(papers), 2)


def take_screenshots(folder):
    """The pictures of docs/search.md, with the drawings alone, which are named by their captions."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        drawings, library = pathlib.Path(place, "drawings"), pathlib.Path(place, "library")
        drawings.mkdir()
        for line in (DEMO / "gallery/gallery.jsonl").read_text().splitlines():
            drawing = json.loads(line)
            shutil.copy(DEMO / "gallery" / drawing["image"], drawings / f"{drawing['caption']}.jpg")
        run("index", drawings, "--library", library, "--model", DEMO / "model", "--device", "cpu")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with process("browse", "--library", library, "--device", "cpu") as (url, _):
            page = browser.new_page(viewport={"width": 1000, "height": 640})
            page.goto(url)
            page.get_by_label("Image to search with").set_input_files(HEART)
            page.locator("#text").fill("blue")
            page.locator("#text").press("Enter")
            expect(page.locator("#hint")).to_contain_text("as the words change it")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / "library.jpg", quality=88)
            page.set_viewport_size({"width": 1000, "height": 840})
            page.goto(url + "#/map")
            expect(page.locator("#map")).to_have_attribute("data-points", "330")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(500)
            page.screenshot(path=folder / "library-map.jpg", quality=88)
        browser.close()


if __name__ == "__main__":
    if SCREENSHOTS:
        take_screenshots(SCREENSHOTS)
    else:
        del sys.argv[1:]
        unittest.main()

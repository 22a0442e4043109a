#!/usr/bin/env python3
"""page_test.py PROGRAM DEMO [SCREENSHOT]: the page of `e5v serve` in Chromium, with the model of the demo. With a file
name, it writes a screenshot instead."""
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from playwright.sync_api import expect, sync_playwright

PROGRAM, DEMO = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
SCREENSHOT = sys.argv[3] if len(sys.argv) > 3 else None
HEART = DEMO / "gallery/noto-2764.jpg"
POLICE = DEMO / "gallery/fluent-1f693.jpg"
# Text on its background, in pairs of selectors.
TEXTS = ["h1", "header p", ".hint", "dt", "dd", "textarea", "#compare", "#add", "#status", "td", "th", "#ranking .number",
         "footer a"]
CONTRAST = """selector => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const over = (above, below) => {
    const alpha = above[3] === undefined ? 1 : above[3];
    return [0, 1, 2].map(i => above[i] * alpha + below[i] * (1 - alpha));
  };
  const background = element => {
    if (!element) return [255, 255, 255];
    return over(channels(getComputedStyle(element).backgroundColor), background(element.parentElement));
  };
  const luminance = colour => {
    const [r, g, b] = colour.map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const lowest = [...document.querySelectorAll(selector)].filter(element => element.offsetParent).map(element => {
    const behind = background(element);
    const [a, b] = [luminance(over(channels(getComputedStyle(element).color), behind)), luminance(behind)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
  return Math.min(...lowest);
}"""


@contextlib.contextmanager
def server(*options):
    process = subprocess.Popen([PROGRAM, "serve", "--model", f"demo={DEMO / 'model'}", "--device", "cpu", "--listen",
                                "127.0.0.1:0", "--access-log", "none", *options], stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        assert " at " in line, line + process.stderr.read()
        yield line.split(" at ")[1].strip(), process
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stderr.close()


def fill(page, items):
    """Gives the page these items: pairs of a text and an image, either of which may be None."""
    while page.locator("#items > li").count() < len(items):
        page.get_by_role("button", name="Add an item").click()
    for index, (text, image) in enumerate(items):
        item = page.locator("#items > li").nth(index)
        item.get_by_label("Text").fill(text or "")
        if image:
            item.get_by_label("Image", exact=True).set_input_files(image)


def compare(page):
    page.get_by_role("button", name="Compare").click()


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        browser = shutil.which("chromium")
        if browser is None:
            raise FileNotFoundError("chromium is not installed; make check-serving installs it")
        playwright = cls.enterClassContext(sync_playwright())
        # Without a sandbox, because tests may run as root.
        cls.browser = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        cls.addClassCleanup(cls.browser.close)
        cls.url, _ = cls.enterClassContext(server())

    def open(self, url=None, **options):
        options.setdefault("viewport", {"width": 1000, "height": 800})
        context = self.browser.new_context(**options)
        self.addCleanup(context.close)
        context.set_default_timeout(20_000)
        page = context.new_page()
        self.messages = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.goto(url or self.url)
        return page

    def matrix(self, page):
        return [[float(cell.inner_text()) for cell in row.locator("td").all()]
                for row in page.locator("#similarities tbody tr").all()]

    def test_it_shows_the_model_and_loads_without_a_complaint(self):
        page = self.open()
        expect(page.get_by_label("Model")).to_have_value("demo")
        expect(page.locator("#facts")).to_contain_text("Dimensions256")
        expect(page.locator("#facts")).to_contain_text("512 tokens")
        page.wait_for_load_state("networkidle")
        self.assertEqual(self.messages, [])

    def test_texts_images_and_both_are_compared_as_the_program_does(self):
        page = self.open()
        fill(page, [("red heart", None), ("police car", None), (None, HEART), (None, POLICE)])
        compare(page)
        expect(page.get_by_role("heading", name="Cosine similarity of all pairs")).to_be_visible()
        expected = json.loads(subprocess.run(
            [PROGRAM, "similarity", "--model", DEMO / "model", "--device", "cpu", "--json", "--text", "red heart", "--text",
             "police car", "--image", HEART, "--image", POLICE], check=True, capture_output=True, text=True).stdout)
        found = self.matrix(page)
        for i, row in enumerate(expected["similarity"]):
            for j, cosine in enumerate(row):
                self.assertAlmostEqual(found[i][j], cosine, delta=6e-4)
        names = page.locator("#ranking .name")
        self.assertEqual(names.first.inner_text(), HEART.name)
        page.get_by_label("The item that the others are compared with").select_option("1")
        self.assertEqual(names.first.inner_text(), POLICE.name)
        numbers = [float(number) for number in page.locator("#ranking .number").all_inner_texts()]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertEqual(len(numbers), 3)
        fill(page, [("blue heart", None), ("red heart", None), ("blue", HEART)])
        compare(page)
        expect(page.locator("#similarities tbody th").nth(2)).to_contain_text("blue")
        blue, red = self.matrix(page)[2][:2]
        self.assertGreater(blue, red)
        page.locator("#vectors summary").first.click()
        self.assertEqual(len(json.loads(page.locator("#vectors pre").first.inner_text())), 256)
        self.assertEqual(self.messages, [])

    def test_one_item_has_a_vector_and_no_similarity(self):
        page = self.open()
        page.get_by_role("button", name="Remove this item").first.click()
        compare(page)
        expect(page.get_by_role("heading", name="Vectors")).to_be_visible()
        expect(page.locator("#matrix-section")).to_be_hidden()
        expect(page.get_by_role("status")).to_contain_text("1 vector from")

    def test_an_error_names_its_item_until_it_is_repaired(self):
        page = self.open()
        broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no image"}
        fill(page, [("a", None), ("", None), (None, broken)])
        compare(page)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Item 3: ")
        expect(page.locator("#items > li").nth(2)).to_have_class(re.compile("wrong"))
        page.get_by_role("button", name="Remove the image").click()
        compare(page)
        expect(page.get_by_role("heading", name="Vectors")).to_be_visible()
        expect(alert).to_be_hidden()
        fill(page, [("", None)])
        compare(page)
        expect(alert).to_have_text("Give at least one text or one image.")

    def test_a_prompt_is_a_name_or_a_template(self):
        page = self.open()
        fill(page, [("a", None), ("b", None)])
        compare(page)
        expect(page.get_by_role("heading", name="Vectors")).to_be_visible()
        before = self.matrix(page)[0][1]
        page.get_by_label("Prompt").select_option("a template…")
        page.get_by_role("textbox", name="Template").fill("<sent>")
        compare(page)
        expect(page.locator("#similarities tbody td").nth(1)).not_to_have_text(f"{before:.3f}")
        page.get_by_role("textbox", name="Template").fill("no slot")
        compare(page)
        expect(page.get_by_role("alert")).to_contain_text("slot")

    def test_a_key_is_asked_for(self):
        keys = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "keys")
        keys.write_text("me secret\n")
        url, _ = self.enterContext(server("--key-file", str(keys)))
        page = self.open(url)
        expect(page.get_by_role("alert")).to_contain_text("expected a key")
        expect(page.get_by_label("Key")).to_be_focused()
        page.get_by_label("Key").fill("secret")
        page.get_by_label("Key").press("Tab")
        expect(page.locator("#facts")).to_contain_text("256")
        expect(page.get_by_role("alert")).to_be_hidden()
        compare(page)
        expect(page.get_by_role("heading", name="Vectors")).to_be_visible()

    def test_a_server_that_is_gone_is_said_to_be(self):
        with server() as (url, process):
            page = self.open(url)
            expect(page.locator("#facts")).to_contain_text("256")
            process.terminate()
            process.wait(timeout=30)
            compare(page)
            expect(page.get_by_role("alert")).to_have_text("The server does not answer.")

    def test_the_keyboard_does_everything(self):
        page = self.open()
        expect(page.locator("#facts")).to_contain_text("256")
        page.locator("#items textarea").first.focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Remove this item").first).to_be_focused()
        page.keyboard.press("Tab")  # the image of the second item
        expect(page.get_by_label("Image", exact=True).nth(1)).to_be_focused()
        outline = page.locator(".picker").nth(1).evaluate("element => getComputedStyle(element).outlineStyle")
        self.assertEqual(outline, "solid")
        page.keyboard.press("Tab")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("heading", name="Vectors")).to_be_visible()
        page.get_by_role("button", name="Remove this item").nth(1).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Remove this item")).to_be_focused()
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Add an item")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#items textarea")).to_be_focused()

    def test_images_are_dropped_and_pasted(self):
        page = self.open()
        page.evaluate("""async () => {
          const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
          const blob = await new Promise(done => canvas.toBlob(done));
          const transfer = new DataTransfer();
          for (const name of ["one.png", "two.png"]) transfer.items.add(new File([blob], name, { type: "image/png" }));
          const [first, second] = document.querySelectorAll("#items > li");
          first.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
          const clipboard = new DataTransfer();
          clipboard.items.add(new File([blob], "three.png", { type: "image/png" }));
          second.querySelector("textarea").dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true }));
        }""")
        shown = page.locator("#items img:visible")
        self.assertEqual([image.get_attribute("alt") for image in shown.all()], ["one.png", "three.png", "two.png"])
        compare(page)
        expect(page.get_by_role("status")).to_contain_text("3 vectors from")

    def test_it_fits_a_narrow_screen(self):
        page = self.open(viewport={"width": 320, "height": 640})
        fill(page, [("a text " * 40, None), ("averyverylongword" * 10, None), ("blue", HEART), (None, POLICE)])
        compare(page)
        expect(page.get_by_role("heading", name="Vectors")).to_be_visible()
        self.assertLessEqual(page.evaluate("document.scrollingElement.scrollWidth"), 320)

    def test_its_text_has_contrast_in_light_and_dark(self):
        papers = []
        for scheme in ("light", "dark"):
            page = self.open(color_scheme=scheme)
            fill(page, [("red heart", None), ("blue", HEART)])
            compare(page)
            expect(page.get_by_role("heading", name="Vectors")).to_be_visible()
            for selector in TEXTS:
                self.assertGreaterEqual(page.evaluate(CONTRAST, selector), 4.5, f"{scheme}: {selector}")
            fill(page, [(" ", None)])
            page.get_by_role("button", name="Remove the image").click()
            page.locator("#items textarea").nth(1).fill("")
            compare(page)
            expect(page.get_by_role("alert")).to_be_visible()
            self.assertGreaterEqual(page.evaluate(CONTRAST, "#error"), 4.5, f"{scheme}: #error")
            papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*papers)


def take_screenshot(file):
    with server() as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 860, "height": 600})
        page.goto(url)
        fill(page, [("blue heart", None), ("police car", None), (None, HEART), ("blue", HEART)])
        compare(page)
        expect(page.get_by_role("heading", name="Vectors")).to_be_visible()
        page.evaluate("window.scrollTo(0, 0)")  # the box is that of the window
        end = page.locator("#matrix-section").bounding_box()
        page.screenshot(path=file, full_page=True,
                        clip={"x": 0, "y": 0, "width": 860, "height": end["y"] + end["height"] + 24})
        browser.close()


if __name__ == "__main__":
    if SCREENSHOT:
        take_screenshot(SCREENSHOT)
    else:
        del sys.argv[1:]
        unittest.main()

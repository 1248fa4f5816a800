#!/usr/bin/env python3
"""report.html in a real browser, headless chromium: nothing is loaded, nothing complains, it fits a phone, it can be
read in light and in dark, the picture has all of the memory, and hostile text makes no element.

    tests/recover/report/report_in_a_browser.py MAKE_REPORT_PAGES DIRECTORY

Leaves the pages and pictures of them in DIRECTORY. Exit code 77: skipped, there is no chromium.
"""

import pathlib
import subprocess
import sys
import unittest

import browser

PHONE, DESK = 360, 1280
SKIPPED = 77
PAGES = ("complete", "incomplete", "hostile", "largest")

# The contrast of every text with what is behind it, by WCAG 2.1; returns those that are too low.
LOW_CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
                            return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
                               .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (element) => { for (let e = element; e; e = e.parentElement) {
                                  const color = rgba(getComputedStyle(e).backgroundColor);
                                  if (color[3] === 255) return color; }
                                return [255, 255, 255, 255]; };
  const low = []; let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest('script')) continue;
    const style = getComputedStyle(element); seen += 1;
    const [a, b] = [light(rgba(style.color)), light(ground(element))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    const ratio = (a + .05) / (b + .05);
    if (ratio < (large ? 3 : 4.5)) low.push(`${ratio.toFixed(2)} ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return {seen, low};
})()"""

# Pages by the cells of the picture, by its data, and by the table.
MEMORY = """(() => {
  const number = (text) => Number(text.replace(/\\D/g, ''));
  const {lines} = JSON.parse(document.getElementById('cells').textContent);
  const cells = lines.flatMap((line) => Object.values(line.cells));
  const pictures = [...document.querySelectorAll('#map svg')];
  const drawn = pictures.map((svg) => new Set([...svg.querySelectorAll('.s, .x, .l')].map((r) => Math.floor(r.x.baseVal.value))));
  const total = [...document.querySelectorAll('#pages tfoot td')].map((cell) => number(cell.textContent));
  return {all: cells.reduce((sum, [stored, , excluded, lost]) => sum + stored + excluded + lost, 0), table: total[0],
          lost: cells.reduce((sum, cell) => sum + cell[3], 0), table_lost: total[5],
          cells: cells.length, slots: lines.map((line) => Object.keys(line.cells).map(Number).sort((a, b) => a - b)),
          drawn: drawn.map((slots) => [...slots].sort((a, b) => a - b)),
          height: Math.max(0, ...pictures.flatMap((svg) => { const heights = {};
            for (const r of svg.querySelectorAll('.s, .x, .l')) { const x = Math.floor(r.x.baseVal.value);
              heights[x] = (heights[x] ?? 0) + r.height.baseVal.value; }
            return Object.values(heights).map((height) => Math.abs(height - 1)); }))};
})()"""


class ReportInABrowser(unittest.TestCase):
    def setUp(self):
        self.pages = {name: DIRECTORY / f"{name}.html" for name in PAGES}

    def test_nothing_is_loaded_and_nothing_complains(self):
        for name, page in self.pages.items():
            CHROMIUM.open(page, DESK)
            self.assertEqual(CHROMIUM.requests, [page.resolve().as_uri()], name)
            self.assertEqual(CHROMIUM.console, [], name)

    def test_its_own_policy_stops_what_does_not_belong(self):
        CHROMIUM.open(self.pages["complete"], DESK)
        CHROMIUM.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.invalid/x.png'}))")
        CHROMIUM.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'hurt = 1'}))")
        self.assertEqual(CHROMIUM.evaluate("typeof hurt"), "undefined")
        self.assertEqual(sum("Content Security Policy" in line for line in CHROMIUM.console), 2, CHROMIUM.console)

    def test_light_and_dark_differ_and_both_can_be_read(self):
        grounds = set()
        for dark in (False, True):
            for name, page in self.pages.items():
                CHROMIUM.open(page, DESK, dark=dark)
                CHROMIUM.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
                result = CHROMIUM.evaluate(LOW_CONTRAST)
                self.assertGreater(result["seen"], 100)
                self.assertEqual(result["low"], [], f"{name}, {'dark' if dark else 'light'}")
                grounds.add((dark, CHROMIUM.evaluate("getComputedStyle(document.body).backgroundColor")))
        self.assertEqual(len({color for _, color in grounds}), 2, grounds)

    def test_a_phone_needs_no_scrolling_sideways(self):
        for name, page in self.pages.items():
            CHROMIUM.open(page, PHONE)
            CHROMIUM.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
            self.assertLessEqual(CHROMIUM.evaluate("document.documentElement.scrollWidth"), PHONE, name)
            CHROMIUM.screenshot(DIRECTORY / f"{name}-phone.png")

    def test_what_matters_is_read_out(self):
        CHROMIUM.open(self.pages["incomplete"], DESK)
        spoken = "\n".join(CHROMIUM.accessible_text())
        for text in ("This dump is incomplete.", "it was full while storing", "Fatal exception", "sysrq_handle_crash",
                     "Linux 6.1.0-13-amd64", "2023-11-14 22:13:20 UTC", "1 h 10 min", "crash /usr/lib/debug/boot/vmlinux-",
                     "kernel image", "Unsealed", "ACME Model 7", "Lost, not stored"):
            self.assertIn(text, spoken)
        first = CHROMIUM.evaluate("document.querySelector('main').innerText.trim().split('\\n')[0]")
        self.assertEqual(first, "This dump is incomplete.")

    def test_the_picture_has_all_of_the_memory(self):
        for name in ("complete", "incomplete", "largest"):
            CHROMIUM.open(self.pages[name], DESK)
            memory = CHROMIUM.evaluate(MEMORY)
            self.assertGreater(memory["cells"], 200, name)
            self.assertEqual(memory["all"], memory["table"], name)
            self.assertEqual(memory["lost"], memory["table_lost"], name)
            self.assertEqual(memory["drawn"], memory["slots"], name)
            self.assertLess(memory["height"], 0.02, f"{name}: parts of a cell that do not fill it")

    def test_cells_answer_to_keys(self):
        CHROMIUM.open(self.pages["complete"], DESK)
        CHROMIUM.evaluate("document.getElementById('map').focus()")
        CHROMIUM.press("ArrowRight")
        CHROMIUM.press("ArrowDown")
        self.assertIn("free", CHROMIUM.evaluate("document.getElementById('cell').textContent"))

    def test_hostile_text_makes_no_element(self):
        counts = {}
        for name in ("incomplete", "hostile"):
            CHROMIUM.open(self.pages[name], DESK)
            counts[name] = CHROMIUM.evaluate("['script', 'img', 'title', 'style', 'iframe'].map((tag) => "
                                             "document.getElementsByTagName(tag).length)")
        self.assertEqual(counts["hostile"], counts["incomplete"])
        self.assertIn("</script><img src=x onerror=alert(1)>", CHROMIUM.evaluate("document.querySelector('h1').textContent"))

    def test_pictures_of_it(self):
        for name, page in self.pages.items():
            for look in ("light", "dark"):
                CHROMIUM.open(page, DESK, dark=look == "dark")
                picture = DIRECTORY / f"{name}-{look}.png"
                CHROMIUM.screenshot(picture)
                self.assertGreater(picture.stat().st_size, 50_000)


if __name__ == "__main__":
    make_pages, DIRECTORY = sys.argv[1], pathlib.Path(sys.argv[2])
    if browser.find_chromium() is None:
        print("skipped: there is no chromium; scripts/install-deps --test installs it")
        sys.exit(SKIPPED)
    subprocess.run([make_pages, DIRECTORY], check=True)
    with browser.Browser(browser.find_chromium()) as CHROMIUM:
        unittest.main(argv=sys.argv[:1], verbosity=2)

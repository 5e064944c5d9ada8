#!/usr/bin/python3
"""Looks at the pictures of `childminder timeline` in a real browser: Chromium, without a window.

It runs commands of many kinds, draws their flight records, and opens the pages and drawings: light, dark, narrow, on paper,
and as people see them who cannot tell some colours apart. Nothing may be said in the browser's console, every run must be
there in words, texts must not overlap, the mouse and the keyboard must tell the details, and a thousand runs of a thousand
steps must be usable. The screenshots are left in target/pictures.
"""

import base64
import json
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHILDMINDER = ROOT / "target/release/childminder"
OUT = ROOT / "target/pictures"

# What is run, and with which options.
KINDS = {
    "ends-well": ("", "for i in 1 2 3 4 5 6; do seq 1 $((i*i*200)); sleep 0.3; done"),
    "fails": ("", "for i in 1 2 3 4 5; do seq 1 300; seq 1 50 >&2; sleep 0.4; done; exit 3"),
    "falls-silent": ("--idle 2s", "for i in 1 2 3; do echo $i; sleep 0.4; done; sleep 60"),
    "ignores-signals": ("--idle 1s --ladder INT:1s,TERM:1s,KILL", "trap '' INT TERM; echo; while :; do sleep 0.2; done"),
    "says-nothing": ("--first-output 2s", "sleep 60"),
    "runs-too-long": ("--wall 3s", "while echo; do sleep 0.05; done"),
    "is-warned": ("--warn 1s --idle 2500ms", "echo a; sleep 1.5; echo b; sleep 60"),
    "leaves-daemons": ("--drain 1s", "sleep 4 & echo bye; sleep 1"),
    "starts-daemons": ("--wall 2s", "setsid sleep 60 & while echo; do sleep 0.5; done"),
    "notifies": ("--heartbeat 1s --notify 'sleep 0.3'", "for i in 1 2 3 4; do echo $i; sleep 0.7; done"),
    "notifies-in-vain": ("--heartbeat 1s --notify 'sleep 0.5; exit 1'", "sleep 60"),
    "notifies-slowly": ("--heartbeat 1s --notify-timeout 1500ms --notify 'sleep 60'", "sleep 60"),
    "matches-lines": ("--idle 2s --activity-match done", "for i in 1 2; do echo part; sleep 0.5; echo done; sleep 0.5; done; while echo part; do sleep 0.3; done"),
    "is-killed": ("", "echo hi; sleep 2; kill -KILL $$"),
    "is-suspended": ("--idle 2s", "for i in 1 2 3; do echo $i; sleep 0.5; done; sleep 60"),
    "is-terminated": ("", "trap 'echo bye; sleep 0.5; exit 7' TERM; while echo; do sleep 0.2; done"),
    "is-cut-short": ("", "while echo; do sleep 0.2; done"),
}

# When what is sent to childminder itself.
SIGNALS = [
    (1.0, "is-suspended", signal.SIGTSTP),
    (2.5, "is-suspended", signal.SIGCONT),
    (2.5, "is-terminated", signal.SIGTERM),
    (3.0, "is-cut-short", signal.SIGKILL),
]

HOSTILE = "</title><script>console.error('run')</script> \"'&amp; \u202e \u0007 \u001b[31m \uffff"


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "records").mkdir(parents=True)
    kinds = record_kinds()
    job = record_job(kinds)
    big = record_many()
    hostile = record_hostile()
    browser = Browser()
    try:
        look_at_kinds(browser, kinds)
        look_at_job(browser, job)
        look_at_axes(browser)
        look_at_hostile(browser, hostile)
        look_at_many(browser, big)
    finally:
        browser.close()
    print(f"pictures: all is well; the screenshots are in {OUT.relative_to(ROOT)}")


# The records.


def record_kinds():
    """Really runs them, all at once."""
    files, running = {}, {}
    for name, (options, script) in KINDS.items():
        files[name] = OUT / "records" / f"{name}.jsonl"
        line = f'exec "$0" run --quiet --record "$1" {options} -- sh -c "$2"'
        running[name] = subprocess.Popen(
            ["sh", "-c", line, CHILDMINDER, files[name], script],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
    begun = time.monotonic()
    for at, name, number in SIGNALS:
        time.sleep(max(0, begun + at - time.monotonic()))
        running[name].send_signal(number)
    for child in running.values():
        child.wait(30)
    return files


def record_job(kinds):
    """Sixteen runs of two nodes, the second of which has a clock of its own."""
    files = []
    names = ["ends-well"] * 5 + ["falls-silent"] + ["ends-well"] * 2 + ["fails"] * 8
    for rank, name in enumerate(names):
        header, *steps = kinds[name].read_text().splitlines()
        header = json.loads(header)
        header["name"] = "python3 train.py"
        header["host"] = f"node{rank // 8 + 1}"
        header["started_unix_ns"] += rank * 20_000_000 + (rank // 8) * 300_000_000
        file = OUT / "records" / f"rank{rank:02}.jsonl"
        file.write_text("\n".join([json.dumps(header), *steps, ""]))
        files.append(file)
    return files


def record_many(runs=1000, steps=1000):
    random.seed(1)
    folder = OUT / "records" / "many"
    folder.mkdir()
    config = {"idle_timeout_ns": 60 * 10**9, "run_timeout_ns": 1800 * 10**9}
    step = '{"at_ns":%d,"event":{%s},"actions":[]}'
    for run in range(runs):
        header = {
            "flight_record": 1, "name": f"train.py --rank {run}", "config": config, "compare": [], "host": f"node{run // 8:03}",
            "started_unix_ns": 1_795_854_000 * 10**9 + random.randrange(600 * 10**9),
        }
        lines, at = [json.dumps(header), step % (0, '"type":"started"')], 0
        for _ in range(steps - 4):
            at += int(random.expovariate(1 / 6e8))
            stream, size = random.choice(["stdout", "stdout", "stderr"]), random.randrange(1, 3000)
            lines.append(step % (at, f'"type":"output","stream":"{stream}","bytes":{size}'))
        at += 60 * 10**9 if run % 7 == 3 else 10**7
        lines.append(step % (at, '"type":"tick"'))
        lines.append(step % (at, '"type":"output_closed"'))
        lines.append(step % (at, '"type":"child_exited","code":%d' % (run % 5 == 4)))
        (folder / f"rank{run:04}.jsonl").write_text("\n".join(lines + [""]))
    return sorted(folder.iterdir())


def record_hostile():
    file = OUT / "records" / "hostile.jsonl"
    header = {"flight_record": 1, "name": HOSTILE, "host": HOSTILE, "config": {}}
    other = {**header, "name": "x" * 5000}
    start = '{"at_ns":0,"event":{"type":"started"},"actions":[{"type":"reap"}]}'
    file.write_text("\n".join([json.dumps(header), start, json.dumps(other), start, ""]))
    return [file]


def draw(name, files):
    """The page and the drawing of these records, and how long the page took."""
    drawn = {}
    for ending in ["svg", "html"]:
        path = OUT / f"{name}.{ending}"
        begun = time.monotonic()
        subprocess.run([CHILDMINDER, "timeline", "-o", path, *files], check=True)
        drawn[ending] = (path, time.monotonic() - begun)
    return drawn


# The browser.


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    def close(self):
        self.driver.quit()

    def open(self, path, width=1300, height=900, dark=False, sight="none"):
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        ])
        self.command("Emulation.setEmulatedVisionDeficiency", type=sight)
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.driver.get(path.as_uri())
        self.settle()

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def settle(self):
        """Waits until what was asked for has been painted."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))")

    def press(self, *keys):
        """Returns how long it takes until it has been painted, in seconds."""
        begun = time.monotonic()
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()
        self.settle()
        return time.monotonic() - begun

    def shoot(self, name, whole=True):
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=whole, **({} if not whole else {"clip": {
            "x": 0, "y": 0, "scale": 1, "width": self.run("return innerWidth"),
            "height": min(4000, self.run("return document.documentElement.scrollHeight")),
        }}))
        (OUT / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
        self.is_quiet(name)

    def is_quiet(self, what):
        said = self.driver.get_log("browser")
        check(not said, f"{what}: the console says {said}")

    def print(self, name):
        printed = self.command("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        pdf = base64.b64decode(printed["data"])
        check(pdf.startswith(b"%PDF") and len(pdf) > 10_000, f"{name}: no paper")
        (OUT / f"{name}.pdf").write_bytes(pdf)

    def overlaps(self):
        """Texts that lie over each other, and what is wider than the window."""
        return self.run(OVERLAPS)


OVERLAPS = """
const shown = [...document.querySelectorAll('text, b, small, .outcome span, .outcome strong, h1, p, .legend li')]
  .filter(one => one.textContent.trim() && one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
  .map(one => {
    const box = one.getBoundingClientRect();
    const clip = (one.closest('.lane, #axis') || document.documentElement).getBoundingClientRect();
    const [left, right] = [Math.max(box.left, clip.left), Math.min(box.right, clip.right)];
    return [one, left + 1, box.top + 2, right - 1, box.bottom - 2];
  })
  .filter(([, left, top, right, bottom]) => right > left && bottom > top && bottom > 0 && top < innerHeight);
const found = [];
shown.forEach(([one, left, top, right, bottom], index) => {
  for (const [other, l, t, r, b] of shown.slice(index + 1)) {
    if (one.contains(other) || other.contains(one)) continue;
    if (left < r && l < right && top < b && t < bottom) found.push(`${one.textContent} | ${other.textContent}`);
  }
});
if (document.documentElement.scrollWidth > innerWidth) found.push('wider than the window');
return found;
"""


def check(is_right, what):
    if not is_right:
        sys.exit(f"pictures: {what}")


# What is looked at.


def look_at_kinds(browser, kinds):
    drawn = draw("kinds", kinds.values())
    page, _ = drawn["html"]
    for name, how in {
        "light": {}, "dark": {"dark": True}, "narrow": {"width": 390}, "wide": {"width": 2200},
        "no-red": {"sight": "protanopia"}, "no-green": {"sight": "deuteranopia"}, "grey": {"sight": "achromatopsia"},
    }.items():
        browser.open(page, height=1700, **how)
        overlaps = browser.overlaps()
        check(not overlaps, f"{name}: {overlaps[:5]}")
        browser.shoot(f"kinds-{name}")
    browser.open(page)
    says_everything(browser, kinds)
    mouse_tells(browser)
    keyboard_tells(browser)
    browser.print("kinds-paper")
    drawing, _ = drawn["svg"]
    for name, dark in {"light": False, "dark": True}.items():
        browser.open(drawing, width=1220, height=1200, dark=dark)
        check(browser.run("return document.documentElement.tagName") == "svg", "the drawing is no SVG")
        overlaps = browser.overlaps()
        check(not overlaps, f"drawing: {overlaps[:5]}")
        browser.shoot(f"drawing-{name}", whole=False)
    text = browser.run("return document.documentElement.textContent")
    for name in kinds:
        check(name in text, f"the drawing lacks {name}")


def says_everything(browser, kinds):
    text = browser.driver.find_element(By.TAG_NAME, "body").text
    for name in kinds:
        check(text.count(name) >= 2, f"the page lacks {name}")
    for words in ["idle_timeout", "run_timeout", "first_output_timeout", "exit 0", "exit 3", "exit 7", "SIGKILL", "cut short",
                  "strays left", "notification_timeout", "first to fail", "Time is UTC"]:
        check(words in text, f"the page does not say {words!r}")


def mouse_tells(browser):
    """Of what lies under something else, the keyboard tells."""
    marks = browser.run("""return [...document.querySelectorAll('.mark:not(.crowded)')].filter(mark => {
        mark.scrollIntoView({ block: 'center' });
        const box = mark.querySelector('use')?.getBoundingClientRect();
        return box && document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)?.closest('.mark') === mark;
    })""")
    check(len(marks) > 25, f"{len(marks)} marks")
    for mark in marks[::3]:
        title = browser.run("return arguments[0].querySelector('title')?.textContent ?? arguments[0].dataset.told", mark)
        browser.run("arguments[0].scrollIntoView({ block: 'center' })", mark)
        ActionChains(browser.driver, duration=0).move_to_element(mark.find_element(By.TAG_NAME, "use")).perform()
        told = browser.driver.find_element(By.CSS_SELECTOR, "#details .what").text
        check(told == title, f"pointing at {title!r} tells {told!r}")
    lane = browser.run("return document.querySelectorAll('.lane')[3]")
    ActionChains(browser.driver, duration=0).move_to_element(lane).perform()
    now = browser.run("return document.getElementById('now').textContent")
    check(now.count(":") == 2, f"the time where the mouse is is {now!r}")
    browser.shoot("kinds-pointed-at", whole=False)


def keyboard_tells(browser):
    browser.open(OUT / "kinds.html")
    rows = browser.run("return document.querySelectorAll('.row').length")
    for row in range(rows):
        browser.press(Keys.ARROW_DOWN)
        index = browser.run("return [...document.querySelectorAll('.row')].indexOf(document.activeElement)")
        check(index == row, f"the focus is on run {index}, not {row}")
        name = browser.run("return document.activeElement.querySelector('b').textContent")
        told = browser.driver.find_element(By.ID, "details").text
        check(name in told, f"the details of {name} are {told!r}")
    while "ignores-signals" not in browser.run("return document.activeElement.textContent"):
        browser.press(Keys.ARROW_UP)
    browser.press(Keys.HOME)
    what = lambda: browser.run("return document.querySelector('#details .what').textContent")
    titles = browser.run("""return [...document.activeElement.querySelectorAll('.mark')]
        .sort((one, other) => one.dataset.x - other.dataset.x)
        .map(mark => mark.querySelector('title')?.textContent ?? mark.dataset.told)""")
    for title in titles:
        check(what() == title, f"the keyboard tells {what()!r}, not {title!r}")
        browser.press(Keys.ARROW_RIGHT)
    browser.press(Keys.END)
    check(what() == titles[-1], "End is not the last")
    zoom = lambda: browser.run("return document.getElementById('zoom').textContent")
    browser.press("+", "+")
    check(zoom() == "4×", f"zoomed to {zoom()}")
    browser.press(Keys.ENTER)
    check(zoom() == "32×", f"zoomed to {zoom()}")
    at = browser.run("""const [mark, axis] = [document.querySelector('.mark.on :is(use, .hit)'), document.getElementById('axis')]
        .map(one => one.getBoundingClientRect());
        return (mark.left + mark.width / 2 - axis.left) / axis.width""")
    check(0.3 < at < 0.99, f"what is zoomed to is at {at}")
    browser.shoot("kinds-zoomed", whole=False)
    browser.press(Keys.ESCAPE, Keys.ESCAPE)
    check(zoom() == "1×", f"zoomed to {zoom()}")
    browser.press(Keys.ESCAPE)
    check(browser.run("return document.getElementById('details').hidden"), "the details stay")
    browser.is_quiet("keyboard")


def look_at_job(browser, files):
    page, _ = draw("job", files)["html"]
    for name, dark in {"light": False, "dark": True}.items():
        browser.open(page, height=1100, dark=dark)
        overlaps = browser.overlaps()
        check(not overlaps, f"job: {overlaps[:5]}")
        browser.shoot(f"job-{name}")
    text = browser.driver.find_element(By.TAG_NAME, "body").text
    for words in ["16 runs of python3 train.py on 2 hosts", "clocks of the 2 hosts", "rank00 · node1", "rank15 · node2"]:
        check(words in text, f"the job's page does not say {words!r}")


def look_at_axes(browser):
    """The script names times as the drawing does, however long the runs are."""
    file = OUT / "records" / "long.jsonl"
    header = {"flight_record": 1, "name": "x", "config": {}, "started_unix_ns": 1_795_854_687_123_456_789}
    second = 10**9
    for length in [3, 2_500, 700_000, 40_000_000, second, 3 * second // 2, 70 * second, 125 * second, 3000 * second,
                   7200 * second, 18_000 * second, 108_000 * second, 800_000 * second, 10**8 * second]:
        steps = ['{"at_ns":%d,"event":{"type":"%s"},"actions":[]}' % step for step in [(0, "started"), (length, "tick")]]
        file.write_text("\n".join([json.dumps(header), *steps, ""]))
        for align in ["start", "clock"]:
            page = OUT / "axis.html"
            subprocess.run([CHILDMINDER, "timeline", "--align", align, "-o", page, file], check=True)
            drawn = re.findall(r'<text class="tick[^>]*>([^<]*)<', page.read_text())
            browser.open(page)
            shown = browser.run("return [...document.querySelectorAll('#axis text.tick')].map(text => text.textContent)")
            check(drawn and shown == drawn, f"{length} ns by {align}: drawn as {drawn}, shown as {shown}")
    browser.is_quiet("axes")


def look_at_hostile(browser, files):
    for ending, (path, _) in draw("hostile", files).items():
        browser.open(path)
        check(not browser.run("return document.querySelector('title script, b script, td script')"), "markup of a name")
        text = browser.run("return document.documentElement.textContent")
        check("</title><script>" in text, f"the name is not there, in {ending}")
        browser.shoot(f"hostile-{ending}", whole=False)


def look_at_many(browser, files):
    drawn = draw("many", files)
    page, drawing_took = drawn["html"]
    megabytes = page.stat().st_size / 1e6
    begun = time.monotonic()
    browser.open(page)
    shown_after = time.monotonic() - begun
    check(browser.run("return document.querySelectorAll('.row').length") == len(files), "not all are there")
    slowest = max(browser.press(key) for key in [
        Keys.ARROW_DOWN, Keys.ARROW_RIGHT, "+", "+", Keys.PAGE_DOWN, Keys.PAGE_DOWN, Keys.END, Keys.ENTER, "0",
    ])
    browser.run("document.querySelectorAll('.row')[500].scrollIntoView()")
    browser.settle()
    browser.shoot("many", whole=False)
    browser.open(drawn["svg"][0], width=1220)
    browser.shoot("many-drawing", whole=False)
    print(f"1,000 runs of 1,000 steps: drawn in {drawing_took:.1f} s, {megabytes:.1f} MB, shown after {shown_after:.1f} s, "
          f"slowest key {slowest * 1000:.0f} ms")
    check(drawing_took < 15 and megabytes < 10 and shown_after < 10 and slowest < 1, "a thousand runs are not usable")


if __name__ == "__main__":
    main()

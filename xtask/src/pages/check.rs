//! What no page may do, looked at in a real browser.

use anyhow::Result;
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{
    PAGES, Page, SCHEMES, browser,
    browser::{Browser, text},
    gallery::{Build, Gallery},
    left_open::left_open,
};
use crate::{real_parts::Outcome, workspace::Workspace};

/// The rules of axe-core that are asked.
const RULES: &str =
    "{runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']}";
/// The largest time to the first paint of a page, in milliseconds.
const FIRST_PAINT_MS: f64 = 300.0;

/// How often a page that is slow is loaded again.
const TRIES: usize = 5;

/// Drives every page in both schemes, wide, narrow and without scripts.
pub(crate) fn check(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    let Some(program) = browser::installed() else {
        let missing =
            "no Chromium is installed, so pages are NOT looked at: apt-get install chromium";
        return Ok(Outcome::Skipped(missing.to_owned()));
    };
    let axe = axe(sh, workspace);
    let mut gallery = Gallery::start(sh, workspace, Build::Release)?;
    let mut browser = Browser::start(sh, &program)?;
    browser.authorize(&gallery.token)?;
    let mut wrong = String::new();
    let mut slowest = (0.0, "");
    for scheme in SCHEMES {
        for page in PAGES {
            let found = look(&mut browser, &gallery, page, scheme, axe.as_deref())?;
            for finding in found.wrong {
                wrong.push_str(&format!("{} ({scheme}): {finding}\n", page.name));
            }
            if found.first_paint_ms > slowest.0 {
                slowest = (found.first_paint_ms, page.name);
            }
        }
    }
    for finding in without_scripts(&mut browser, &gallery)? {
        wrong.push_str(&format!("without scripts: {finding}\n"));
    }
    for finding in by_keyboard(&mut browser, &gallery)? {
        wrong.push_str(&format!("by keyboard: {finding}\n"));
    }
    for finding in left_open(&mut browser, &mut gallery)? {
        wrong.push_str(&format!("left open: {finding}\n"));
    }
    if !wrong.is_empty() {
        return Ok(Outcome::Failed(wrong));
    }
    let axe = match axe {
        Some(_) => "axe-core finds nothing",
        None => "axe-core NOT asked, since npm gives none",
    };
    Ok(Outcome::Passed(format!(
        "{} pages in 2 schemes, wide and narrow: {axe}, no request leaves, no error, right when left open; slowest first paint {:.0} ms ({})",
        PAGES.len(),
        slowest.0,
        slowest.1
    )))
}

struct Found {
    wrong: Vec<String>,
    first_paint_ms: f64,
}

fn look(
    browser: &mut Browser,
    gallery: &Gallery,
    page: &Page,
    scheme: &str,
    axe: Option<&str>,
) -> Result<Found> {
    let mut wrong = Vec::new();
    browser.take_events();
    browser.show_as(scheme, 1280, 900)?;
    let url = format!("{}{}", gallery.origin, page.path);
    let mut first_paint_ms = f64::INFINITY;
    // On a machine that does other things, too, the quickest of a few is the page's own time.
    for _ in 0..TRIES {
        browser.open(&url)?;
        let paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0";
        let paint_ms = browser.evaluate(paint)?.as_f64().unwrap_or(0.0);
        first_paint_ms = first_paint_ms.min(paint_ms);
        if first_paint_ms <= FIRST_PAINT_MS {
            break;
        }
    }
    if first_paint_ms > FIRST_PAINT_MS {
        wrong.push(format!("first paint after {first_paint_ms:.0} ms"));
    }
    let is_live = "new Promise(done => { const look = () => !document.body.dataset.events || \
                   document.getElementById('pulse').textContent === 'Live' ? done(true) : setTimeout(look, 20); \
                   look(); setTimeout(() => done(false), 3000); })";
    if browser.evaluate(is_live)? != Value::Bool(true) {
        wrong.push("it does not become live".to_owned());
    }
    if let Some(axe) = axe {
        browser.evaluate(axe)?;
        let ask = format!(
            "axe.run(document, {RULES}).then(r => r.violations.map(v => v.id + ': ' + v.help + ': ' + v.nodes[0].html.slice(0, 200)))"
        );
        let violations = browser.evaluate(&ask)?;
        wrong.extend(violations.as_array().into_iter().flatten().map(text));
    }
    browser.show_as(scheme, 360, 740)?;
    let overflow = browser.evaluate("document.documentElement.scrollWidth - innerWidth")?;
    if overflow.as_f64().unwrap_or(1.0) > 0.0 {
        wrong.push(format!("360 pixels wide, it is {overflow} too wide"));
    }
    for event in browser.take_events() {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => {
                let url = text(&params["request"]["url"]);
                if !url.starts_with(&gallery.origin) {
                    wrong.push(format!("it asks for {url}"));
                }
            }
            "Runtime.exceptionThrown" => {
                wrong.push(format!("its script fails: {}", params["exceptionDetails"]));
            }
            "Log.entryAdded" if params["entry"]["level"] == "error" && page.name != "missing" => {
                wrong.push(text(&params["entry"]["text"]));
            }
            _ => {}
        }
    }
    Ok(Found {
        wrong,
        first_paint_ms,
    })
}

/// Every page says the same without scripts.
fn without_scripts(browser: &mut Browser, gallery: &Gallery) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    browser.show_as("light", 1280, 900)?;
    let words = "document.querySelector('main').innerText.replace(/[0-9]+/g, '').slice(0, 4000)";
    for page in PAGES {
        let url = format!("{}{}", gallery.origin, page.path);
        browser.open(&url)?;
        let with = browser.evaluate(words)?;
        browser.scripts(false)?;
        browser.open(&url)?;
        let without = browser.evaluate(words)?;
        browser.scripts(true)?;
        let (with, without) = (text(&with), text(&without));
        let n_same = with.lines().filter(|line| without.contains(line)).count();
        if without.is_empty() || n_same * 10 < with.lines().count() * 9 {
            wrong.push(format!(
                "{}: it says {without:?} instead of {with:?}",
                page.name
            ));
        }
    }
    Ok(wrong)
}

/// Tab leads through all links and fields, each visibly, and the first leads past the bar.
fn by_keyboard(browser: &mut Browser, gallery: &Gallery) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for page in PAGES {
        browser.open(&format!("{}{}", gallery.origin, page.path))?;
        browser.press("Tab")?;
        let first = browser.evaluate("document.activeElement.className")?;
        if first != "skip" {
            wrong.push(format!(
                "{}: the first stop is {first}, not the link past the bar",
                page.name
            ));
        }
        for _ in 0..12 {
            browser.press("Tab")?;
            let seen = "(() => { const at = document.activeElement; if (at === document.body) return 'end'; \
                        const style = getComputedStyle(at); const box = at.getBoundingClientRect(); \
                        return style.outlineStyle !== 'none' && box.width > 0 ? 'seen' : at.outerHTML.slice(0, 120); })()";
            match text(&browser.evaluate(seen)?).as_str() {
                "seen" => {}
                "end" => break,
                hidden => wrong.push(format!("{}: focus is not seen on {hidden}", page.name)),
            }
        }
    }
    Ok(wrong)
}

/// The source of axe-core, from npm; `None` where it cannot be had.
fn axe(sh: &Shell, workspace: &Workspace) -> Option<String> {
    let folder = workspace.target.join("real-parts/axe");
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        sh.create_dir(&folder).ok()?;
        cmd!(
            sh,
            "npm install --no-audit --no-fund --silent --prefix {folder} axe-core@4"
        )
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .ok()?;
    }
    sh.read_file(file).ok()
}

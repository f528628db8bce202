//! A page that a person leaves open goes on telling the truth.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    browser::{Browser, text},
    gallery::Gallery,
};

/// A run whose agents say nothing unless they are told to.
const RUN: &str = "65-two-factor";
const TASK: &str = "e2e";

/// What a page left open does wrong.
pub(super) fn left_open(browser: &mut Browser, gallery: &mut Gallery) -> Result<Vec<String>> {
    browser.show_as("light", 1280, 900)?;
    let mut wrong = while_nothing_is_told(browser, gallery)?;
    wrong.extend(without_connection(browser)?);
    wrong.extend(after_a_resume(browser, gallery)?);
    Ok(wrong)
}

/// Elapsed times and the time of the page grow while an agent is silent; what a person does on the
/// page stays.
fn while_nothing_is_told(browser: &mut Browser, gallery: &Gallery) -> Result<Vec<String>> {
    browser.open(&format!("{}/runs/{RUN}", gallery.origin))?;
    let mut wrong = Vec::new();
    if !waits_for(browser, IS_LIVE)? {
        wrong.push("it does not become live".to_owned());
    }
    browser.evaluate(
        "window.before = (() => {
            const log = document.querySelector('.log');
            document.querySelector('details.as-table').open = true;
            document.querySelector('.filters a').focus({ preventScroll: true });
            getSelection().selectAllChildren(document.querySelector('.figures .value'));
            log.scrollTop = 40;
            scrollTo(0, 500);
            return {
                elapsed: document.querySelectorAll('.figures .value')[1].textContent,
                asOf: document.querySelector('footer time').textContent,
                took: [...document.querySelectorAll('.gantt .took')].map(it => it.textContent).join(),
                focus: document.activeElement, selected: String(getSelection()),
                log: log.scrollTop, page: scrollY,
            };
        })(); 1",
    )?;
    for (name, changed) in [
        (
            "the elapsed time",
            "document.querySelectorAll('.figures .value')[1].textContent !== before.elapsed",
        ),
        (
            "the time of the page",
            "document.querySelector('footer time').textContent !== before.asOf",
        ),
        (
            "how long tasks have run",
            "[...document.querySelectorAll('.gantt .took')].map(it => it.textContent).join() !== before.took",
        ),
    ] {
        if !waits_for(browser, changed)? {
            wrong.push(format!("{name} stands still while nothing is told"));
        }
    }
    for (name, stayed) in [
        ("the focus", "document.activeElement === before.focus"),
        (
            "the selection",
            "String(getSelection()) === before.selected",
        ),
        (
            "the log's place",
            "document.querySelector('.log').scrollTop === before.log",
        ),
        ("the page's place", "scrollY === before.page"),
        (
            "what was opened",
            "document.querySelector('details.as-table').open",
        ),
        ("the sign of life", IS_LIVE),
    ] {
        if browser.evaluate(stayed)? != Value::Bool(true) {
            wrong.push(format!("{name} does not stay"));
        }
    }
    Ok(wrong)
}

/// A page that hears nothing any more says so, with the time that it is of, and comes back.
fn without_connection(browser: &mut Browser) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let network = |is_offline: bool| json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.call("Network.emulateNetworkConditions", network(true))?;
    let is_said = "(pulse => pulse.className.includes('off') && / as of \\d\\d:\\d\\d:\\d\\d UTC$/.test(pulse.textContent))(document.getElementById('pulse'))";
    if !waits_for(browser, is_said)? {
        let said = browser.evaluate("document.getElementById('pulse').outerHTML")?;
        wrong.push(format!("without a connection it says {}", text(&said)));
    }
    browser.call("Network.emulateNetworkConditions", network(false))?;
    if !waits_for(browser, IS_LIVE)? {
        let said = browser.evaluate("document.getElementById('pulse').outerHTML")?;
        wrong.push(format!("with a connection again it says {}", text(&said)));
    }
    // What failed meanwhile failed on purpose.
    browser.take_events();
    Ok(wrong)
}

/// The log goes on where it was once the run does, each line once, and nothing else is lost.
fn after_a_resume(browser: &mut Browser, gallery: &mut Gallery) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let has = |line: &str| {
        format!(
            "[...document.querySelectorAll('.log li')].filter(it => it.textContent === '{line}').length === 1"
        )
    };
    // A task that has not run yet has nothing to open.
    let open = "document.querySelector('details.as-table')?.setAttribute('open', '')";
    let is_open = "document.querySelector('details.as-table')?.open ?? true";
    for (page, path) in [
        ("run", format!("/runs/{RUN}?log={TASK}")),
        ("task", format!("/runs/{RUN}/tasks/{TASK}")),
    ] {
        let is = |state: &str| match page {
            "run" => format!("document.querySelector('.title').textContent.includes('{state}')"),
            // It says nothing of the run: what a person may do there has changed.
            _ => "document.getElementById('pulse').textContent === 'Live'".to_owned(),
        };
        let url = format!("{}{path}", gallery.origin);
        browser.open(&url)?;
        // Opened while the run goes on, and while it pauses.
        for opens in ["before", "within"] {
            let name = format!("{page}, opened {opens} a pause");
            let said = |when: &str| format!("{page}: said {when}, {opens}");
            let mut expect = |browser: &mut Browser, condition: &str, else_: &str| {
                let holds = waits_for(browser, condition)?;
                if !holds {
                    wrong.push(format!("{name}: {else_}"));
                }
                anyhow::Ok(())
            };
            browser.evaluate(open)?;
            gallery.tell(&format!("line {RUN} {TASK} {}", said("before")))?;
            expect(browser, &has(&said("before")), "a line does not come")?;
            gallery.tell(&format!("release {RUN}"))?;
            expect(browser, &is("paused"), "the pause is not shown")?;
            // The log's stream ends within its next look.
            std::thread::sleep(Duration::from_millis(600));
            if opens == "within" {
                browser.open(&url)?;
                browser.evaluate(open)?;
            }
            gallery.tell(&format!("hold {RUN}"))?;
            expect(browser, &is("running"), "the resume is not shown")?;
            gallery.tell(&format!("line {RUN} {TASK} {}", said("after")))?;
            expect(
                browser,
                &has(&said("after")),
                "no line comes after the resume",
            )?;
            expect(browser, &has(&said("before")), "a line is lost or doubled")?;
            expect(browser, is_open, "what was opened is closed")?;
        }
    }
    Ok(wrong)
}

const IS_LIVE: &str = "document.getElementById('pulse').textContent === 'Live'";

/// Whether a condition holds within a time in which a page that goes on is drawn anew.
fn waits_for(browser: &mut Browser, condition: &str) -> Result<bool> {
    const MOST_MS: u32 = 12_000;
    let wait = format!(
        "new Promise(done => {{ const look = () => ({condition}) ? done(true) : setTimeout(look, 50); \
         look(); setTimeout(() => done(false), {MOST_MS}); }})"
    );
    Ok(browser.evaluate(&wait)? == Value::Bool(true))
}

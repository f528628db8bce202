//! A headless Chromium, told what to do over two pipes.
//!
//! Its protocol is JSON, each message ended by a zero byte, on the file descriptors 3 and 4 of the
//! browser: named pipes, opened by a shell that then becomes the browser.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use xshell::{Shell, TempDir, cmd};

/// The programs that may be it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser with one tab. Ends with its value.
pub(super) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    next: u64,
    has_scripts: bool,
    /// What the tab told since it was asked last.
    events: VecDeque<Value>,
    _folder: TempDir,
}

/// Where the browser is installed.
pub(super) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let files = std::env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)).into_iter());
    files.into_iter().find(|file| file.is_file())
}

impl Browser {
    pub(super) fn start(sh: &Shell, program: &Path) -> Result<Self> {
        let folder = sh.create_temp_dir()?;
        let (to, from) = (folder.path().join("to"), folder.path().join("from"));
        cmd!(sh, "mkfifo {to} {from}").quiet().run()?;
        let profile = folder.path().join("profile");
        let shell = format!(
            "exec '{}' --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
             --disable-background-networking --disable-component-update --disable-sync \
             --force-prefers-reduced-motion --hide-scrollbars --remote-debugging-pipe \
             --user-data-dir='{}' about:blank 3<'{}' 4>'{}'",
            program.display(),
            profile.display(),
            to.display(),
            from.display()
        );
        let child = Command::from(cmd!(sh, "sh -c {shell}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the browser does not start")?;
        // Each side opens in the same order: opening a named pipe waits for the other end.
        let to = OpenOptions::new().write(true).open(&to)?;
        let from = BufReader::new(File::open(&from)?);
        let mut browser = Self {
            child,
            to,
            from,
            session: String::new(),
            next: 0,
            has_scripts: true,
            events: VecDeque::new(),
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        )?;
        browser.session = text(&attached["sessionId"]);
        for domain in ["Page", "Network", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// Asks and waits for the answer; what the tab tells meanwhile is kept.
    pub(super) fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        self.to.write_all(&bytes)?;
        loop {
            let message = self.read()?;
            if message["id"] == json!(self.next) {
                if message["error"].is_object() {
                    bail!("{method}: {}", message["error"]["message"]);
                }
                return Ok(message["result"].clone());
            }
            self.events.push_back(message);
        }
    }

    fn read(&mut self) -> Result<Value> {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes)?;
        if bytes.pop() != Some(0) {
            bail!("the browser has ended");
        }
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// What the tab told since this was asked last.
    pub(super) fn take_events(&mut self) -> Vec<Value> {
        self.events.drain(..).collect()
    }

    /// Sends the token with every request.
    pub(super) fn authorize(&mut self, token: &str) -> Result<()> {
        let headers = json!({ "Authorization": format!("Bearer {token}") });
        self.call("Network.setExtraHTTPHeaders", json!({ "headers": headers }))?;
        Ok(())
    }

    pub(super) fn show_as(&mut self, scheme: &str, width: u32, height: u32) -> Result<()> {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" }
        ]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )?;
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics)?;
        Ok(())
    }

    pub(super) fn scripts(&mut self, are_allowed: bool) -> Result<()> {
        self.has_scripts = are_allowed;
        let value = json!({ "value": !are_allowed });
        self.call("Emulation.setScriptExecutionDisabled", value)?;
        Ok(())
    }

    /// Goes to a page and waits until it is there with all that it needs, and drawn where scripts
    /// can tell.
    pub(super) fn open(&mut self, url: &str) -> Result<()> {
        let is_load = |event: &Value| event["method"] == "Page.loadEventFired";
        self.events.retain(|event| !is_load(event));
        self.call("Page.navigate", json!({ "url": url }))?;
        let mut seen = 0;
        loop {
            if self.events.iter().skip(seen).any(is_load) {
                break;
            }
            seen = self.events.len();
            let message = self.read()?;
            self.events.push_back(message);
        }
        if self.has_scripts {
            let frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))";
            self.evaluate(frames)?;
        }
        Ok(())
    }

    /// The value of an expression, awaited where it is a promise.
    pub(super) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let answer = self.call(
            "Runtime.evaluate",
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
        )?;
        if answer["exceptionDetails"].is_object() {
            bail!("in the page: {}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].clone())
    }

    pub(super) fn press(&mut self, key: &str) -> Result<()> {
        let code = if key == "Tab" { 9 } else { 13 };
        for kind in ["rawKeyDown", "keyUp"] {
            let event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// What the window shows, as WebP.
    pub(super) fn picture(&mut self) -> Result<Vec<u8>> {
        let format = json!({ "format": "webp", "quality": 82 });
        let answer = self.call("Page.captureScreenshot", format)?;
        decode(&text(&answer["data"]))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Base64, as the protocol carries bytes.
fn decode(text: &str) -> Result<Vec<u8>> {
    let (mut bytes, mut bits, mut n_bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => bail!("a picture that is no base64"),
        };
        bits = (bits << 6) | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
            bits &= (1 << n_bits) - 1;
        }
    }
    Ok(bytes)
}

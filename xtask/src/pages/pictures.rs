//! Pictures for the README and the documentation.

use anyhow::{Context, Result};
use xshell::Shell;

use super::{
    SCHEMES, browser,
    browser::Browser,
    gallery::{Build, Gallery},
};
use crate::workspace::Workspace;

/// What is shown: its name, its path, and how high the picture is.
const PICTURES: &[(&str, &str, u32)] = &[
    ("overview", "/", 900),
    ("run", "/runs/65-two-factor", 1180),
    ("failed", "/runs/61-search", 1000),
    ("thousand", "/runs/62-sessions#graph", 900),
    ("task", "/runs/61-search/tasks/sign-in-api", 1000),
    ("costs", "/costs", 900),
];

/// How wide a picture is.
const WIDTH: u32 = 1280;

/// Takes all pictures anew; returns what was written.
pub(crate) fn screenshots(sh: &Shell, workspace: &Workspace) -> Result<Vec<String>> {
    let program =
        browser::installed().context("no Chromium is installed: apt-get install chromium")?;
    let gallery = Gallery::start(sh, workspace, Build::Debug)?;
    let mut browser = Browser::start(sh, &program)?;
    browser.authorize(&gallery.token)?;
    let folder = workspace.root.join("docs/images");
    sh.create_dir(&folder)?;
    let mut written = Vec::new();
    for scheme in SCHEMES {
        for (name, path, height) in PICTURES {
            browser.show_as(scheme, WIDTH, *height)?;
            browser.open(&format!("{}{path}", gallery.origin))?;
            let picture = browser.picture()?;
            let file = folder.join(format!("{name}-{scheme}.webp"));
            let size = picture.len() / 1024;
            sh.write_file(&file, picture)?;
            written.push(format!("docs/images/{name}-{scheme}.webp: {size} KiB"));
        }
    }
    Ok(written)
}

//! What is shown to who has no token, and what a link does.

use core_types::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::assets;
use crate::dashboard::parts::{Frame, framed};

/// For a browser without a valid cookie.
pub(in crate::dashboard) fn locked() -> Markup {
    plain(
        "Locked",
        &html! {
            h1 { "This dashboard needs a link" }
            p { "The terminal in which it was started shows a link that lets one browser in. Open that link here." }
            p class="quiet" { "Each link works once; after it has been used, the terminal shows the next one." }
        },
    )
}

/// For a link that does not work.
pub(in crate::dashboard) fn spent() -> Markup {
    plain(
        "Link used",
        &html! {
            h1 { "This link does not work any more" }
            p { "It was used, or belongs to an earlier start of the dashboard. The terminal shows the one that works now." }
        },
    )
}

/// The page that a good link leads to: the next request comes from our own page, so that a cookie
/// for this site alone goes with it wherever the link stood.
pub(in crate::dashboard) fn welcome() -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="0; url=/";
                title { "automation" }
                link rel="stylesheet" href=(assets::style_path());
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
            }
            body { main class="entry" { p { a href="/" { "Open the dashboard" } } } }
        }
    }
}

/// For a path that leads nowhere.
pub(in crate::dashboard) fn missing(now: Timestamp) -> Markup {
    let frame = Frame {
        title: "Not found",
        place: None,
        live: None,
        is_file: false,
        now,
    };
    framed(
        &frame,
        &html! {
            div class="entry" {
                h1 { "There is nothing here" }
                p { "The run may have been removed; its summary stays in the " a href="/history" { "history" } "." }
            }
        },
    )
}

/// For what could not be read.
pub(in crate::dashboard) fn broken(now: Timestamp, message: &str) -> Markup {
    let frame = Frame {
        title: "Cannot be read",
        place: None,
        live: None,
        is_file: false,
        now,
    };
    framed(
        &frame,
        &html! {
            div class="entry" {
                h1 { "This cannot be read" }
                p { (crate::dashboard::text::Foreign(message)) }
            }
        },
    )
}

fn plain(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · automation" }
                link rel="stylesheet" href=(assets::style_path());
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
            }
            body { main class="entry" { (content) } }
        }
    }
}

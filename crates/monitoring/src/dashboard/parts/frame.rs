//! The frame around every page.

use core_types::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::dashboard::{
    pages::assets,
    text::{self, Foreign},
};

/// The pages of the bar at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dashboard) enum Place {
    Overview,
    History,
    Costs,
    Learning,
}

impl Place {
    const ALL: [Self; 4] = [Self::Overview, Self::History, Self::Costs, Self::Learning];

    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::History => "/history",
            Self::Costs => "/costs",
            Self::Learning => "/learning",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::History => "History",
            Self::Costs => "Costs",
            Self::Learning => "Learning",
        }
    }
}

/// What keeps an open page as things are.
#[derive(Debug)]
pub(in crate::dashboard) struct Live {
    /// The address of the events that change the page.
    pub(in crate::dashboard) events: String,
    /// Whether figures grow on it without an event, such as elapsed times.
    pub(in crate::dashboard) is_running: bool,
}

impl Live {
    /// After so many seconds the page is drawn anew, also where nothing is told: an agent that is
    /// silent for an hour has run for an hour.
    const fn redraw_seconds(&self) -> u32 {
        if self.is_running { 5 } else { RESTING_SECONDS }
    }
}

/// What says how long ago something was is right to a minute.
const RESTING_SECONDS: u32 = 30;

/// What a page says about itself.
#[derive(Debug)]
pub(in crate::dashboard) struct Frame<'a> {
    /// Of the window; foreign text is made harmless here.
    pub(in crate::dashboard) title: &'a str,
    /// Which entry of the bar is this page.
    pub(in crate::dashboard) place: Option<Place>,
    /// `None` for a page that stays as it is.
    pub(in crate::dashboard) live: Option<Live>,
    /// Whether the page is one file without a server: styles are inside, links to pages are not.
    pub(in crate::dashboard) is_file: bool,
    pub(in crate::dashboard) now: Timestamp,
}

/// The whole page.
pub(in crate::dashboard) fn framed(frame: &Frame<'_>, content: &Markup) -> Markup {
    let live = frame.live.as_ref();
    // What somebody types is not to be lost. Foreign text has no `<`.
    let has_form = content.0.contains("<form");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (Foreign(frame.title)) " · automation" }
                @if frame.is_file {
                    style { (PreEscaped(assets::STYLE)) }
                } @else {
                    link rel="stylesheet" href=(assets::style_path());
                    link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                    script src=(assets::script_path()) defer {}
                    @if live.is_some() && !has_form {
                        noscript { meta http-equiv="refresh" content=(RESTING_SECONDS); }
                    }
                }
            }
            body data-events=[live.map(|it| &it.events)] data-redraw=[live.map(Live::redraw_seconds)] {
                a class="skip" href="#content" { "Skip to the content" }
                @if !frame.is_file { (bar(frame)) }
                main id="content" { (content) }
                footer { "As of " time datetime=(frame.now) { (text::day(frame.now)) ", " (text::clock(frame.now)) " UTC" } "." }
            }
        }
    }
}

fn bar(frame: &Frame<'_>) -> Markup {
    html! {
        header class="top" {
            a class="mark" href="/" {
                svg viewBox="0 0 20 20" aria-hidden="true" {
                    path class="m2" d="M4.5 4.5v4a3 3 0 0 0 3 3h5M4.5 4.5h11" {}
                    circle class="m1" cx="4.5" cy="4.5" r="2.3" {}
                    circle class="m1" cx="15.5" cy="4.5" r="2.3" {}
                    circle class="m3" cx="14.5" cy="11.5" r="3" {}
                }
                span { "automation" }
            }
            nav aria-label="Pages" {
                ul {
                    @for place in Place::ALL {
                        li { a href=(place.path()) aria-current=[(frame.place == Some(place)).then_some("page")] { (place.title()) } }
                    }
                }
            }
            @if frame.live.is_some() {
                span id="pulse" class="pulse" role="status" { "As loaded" }
            }
        }
    }
}

/// The head of a section: its title, what it is in a few words, and what stands at its end.
pub(in crate::dashboard) fn heading(title: &str, note: &Markup, end: &Markup) -> Markup {
    html! {
        div class="head" {
            h2 { (title) }
            @if !note.0.is_empty() { span class="quiet" { (note) } }
            @if !end.0.is_empty() { span class="end" { (end) } }
        }
    }
}

/// Where a page stands below others.
pub(in crate::dashboard) fn crumbs(steps: &[(String, String)], here: &str) -> Markup {
    html! {
        nav class="crumbs" aria-label="Breadcrumb" {
            @for (path, title) in steps { a href=(path) { (Foreign(title)) } " / " }
            span aria-current="page" { (Foreign(here)) }
        }
    }
}

/// A time as how long ago; the exact one as its title.
pub(in crate::dashboard) fn time(now: Timestamp, at: Timestamp) -> Markup {
    html! { time datetime=(at) title={ (text::day(at)) ", " (text::clock(at)) " UTC" } { (text::ago(now, at)) } }
}

/// A line to type in a terminal.
pub(in crate::dashboard) fn command_line(line: &str) -> Markup {
    html! { code class="command" { (line) } }
}

/// The title, or where there is none the id.
pub(in crate::dashboard) fn title_or_id<'a>(title: &'a str, id: &'a str) -> &'a str {
    if title.is_empty() { id } else { title }
}

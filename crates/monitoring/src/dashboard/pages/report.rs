//! A run as one file, to be sent or kept.

use core_types::Timestamp;
use maud::html;

use super::{
    Context,
    run::{Filter, RunPage, head, sections},
};
use crate::{
    dashboard::{
        Control,
        parts::{Frame, Links, framed, title_or_id},
    },
    fold::{Graph, RunView},
};

/// A run as one self-contained HTML file: what its page shows, without log and without links to
/// other pages. It holds no script and asks for nothing.
#[must_use]
pub fn report(view: &RunView, graph: &Graph, now: Timestamp) -> String {
    let header = &view.header;
    let title = title_or_id(&header.title, header.run.as_str());
    let frame = Frame {
        title,
        place: None,
        live: None,
        is_file: true,
        now,
    };
    let context = Context {
        now,
        control: Control::ReadOnly,
        form_token: "",
    };
    let page = RunPage {
        view,
        graph,
        log: None,
        filter: Filter::All,
        page: 1,
        told: None,
    };
    let content =
        html! { (head(context, view, title, Links::None)) (sections(context, &page, Links::None)) };
    framed(&frame, &content).into_string()
}

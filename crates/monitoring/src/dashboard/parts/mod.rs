//! What pages are made of: marks of states, charts, and the frame around them.

mod bars;
mod course;
mod frame;
mod gantt;
mod graph;
mod links;
mod marks;

pub(super) use self::{
    bars::{days, limit_bar, parts_bar, share_bar, task_bar},
    course::course,
    frame::{Frame, Live, Place, command_line, crumbs, framed, heading, time, title_or_id},
    gantt::{Rows, gantt},
    graph::{graph, map_legend},
    links::Links,
    marks::{Icon, Mark, Tone, icon},
};

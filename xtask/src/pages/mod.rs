//! The dashboard's pages in a real browser: pictures for the documentation, and checks.

mod browser;
mod check;
mod gallery;
mod left_open;
mod pictures;

pub(crate) use self::{check::check, pictures::screenshots};

/// A page of the gallery, and what it is called.
struct Page {
    name: &'static str,
    path: &'static str,
}

/// Every kind of page, and a run in every state.
const PAGES: &[Page] = &[
    Page {
        name: "overview",
        path: "/",
    },
    Page {
        name: "history",
        path: "/history",
    },
    Page {
        name: "costs",
        path: "/costs",
    },
    Page {
        name: "learning",
        path: "/learning",
    },
    Page {
        name: "running",
        path: "/runs/65-two-factor",
    },
    Page {
        name: "failed",
        path: "/runs/61-search",
    },
    Page {
        name: "empty",
        path: "/runs/66-theme",
    },
    Page {
        name: "thousand",
        path: "/runs/62-sessions",
    },
    Page {
        name: "killed",
        path: "/runs/63-import",
    },
    Page {
        name: "gate",
        path: "/runs/64-billing",
    },
    Page {
        name: "task",
        path: "/runs/65-two-factor/tasks/enroll-page",
    },
    Page {
        name: "failed-task",
        path: "/runs/61-search/tasks/sign-in-api",
    },
    Page {
        name: "waiting-task",
        path: "/runs/65-two-factor/tasks/e2e",
    },
    Page {
        name: "missing",
        path: "/runs/none",
    },
];

/// Both colour schemes.
const SCHEMES: [&str; 2] = ["light", "dark"];

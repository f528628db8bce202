use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use core_types::{AgentRequest, AgentTask};
use sha2::{Digest as _, Sha256};

use super::template::{self, BY_FILE, BY_WORDS};
use crate::Error;

/// The templates of the crate, by the names of their files.
const BUILT_IN: [(&str, &str); 5] = [
    ("plan", include_str!("../../prompts/plan.md")),
    ("implement", include_str!("../../prompts/implement.md")),
    ("review", include_str!("../../prompts/review.md")),
    (
        "resolve_conflict",
        include_str!("../../prompts/resolve_conflict.md"),
    ),
    ("fix_tests", include_str!("../../prompts/fix_tests.md")),
];

/// What each template must hold: how to answer, and what data is.
const NEEDED: [&str; 2] = ["answer", "data_rule"];

/// The templates of prompts: those of the crate, and those of a person that take their place.
///
/// In a template `{{name}}` stands for what a request brings; which names there are, those of the crate show
/// ([`Prompts::built_in`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompts {
    /// By repository, empty for all, and name.
    own: BTreeMap<(String, &'static str), String>,
}

/// A template of prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template<'a> {
    /// Its name, such as `implement`.
    pub name: &'static str,
    /// Whether it takes the place of the crate's.
    pub is_own: bool,
    text: &'a str,
}

impl Template<'_> {
    /// Twelve hexadecimal digits that follow from its text: each change of it is another version.
    #[must_use]
    pub fn version(&self) -> String {
        let digest = Sha256::digest(self.text);
        let digest = digest.iter().take(6);
        digest.map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Prompts {
    /// The crate's templates, by their names.
    pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.into_iter()
    }

    /// Reads the templates of a folder: `NAME.md` for all repositories, `REPOSITORY/NAME.md` for one. A folder that is
    /// not there has none. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Prompt`] for a file that is none of them or cannot be read, and for a template that names what
    /// there is not, or lacks `{{answer}}` or `{{data_rule}}`.
    pub fn read_blocking(folder: &Path) -> Result<Self, Error> {
        let mut prompts = Self::default();
        for (path, is_folder) in entries(folder)? {
            if !is_folder {
                prompts.add("", &path)?;
                continue;
            }
            let name = path.file_name().and_then(|name| name.to_str());
            let repository = name.unwrap_or_default().to_owned();
            for (path, _) in entries(&path)? {
                prompts.add(&repository, &path)?;
            }
        }
        Ok(prompts)
    }

    fn add(&mut self, repository: &str, path: &Path) -> Result<(), Error> {
        let refused = |why: String| Error::Prompt {
            file: path.display().to_string(),
            why,
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let is_template = path.extension().is_some_and(|end| end == "md");
        let known = BUILT_IN.iter().find(|(name, _)| Some(*name) == stem);
        let Some((name, built_in)) = known.filter(|_| is_template) else {
            let names = BUILT_IN.map(|(name, _)| format!("{name}.md")).join(", ");
            return Err(refused(format!("expected one of {names}")));
        };
        let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let (used, there_are) = (names(&text), names(built_in));
        if let Some(unknown) = used.difference(&there_are).next() {
            let known: Vec<_> = there_are.iter().copied().collect();
            return Err(refused(format!(
                "there is no {{{{{unknown}}}}}; known are: {}",
                known.join(", ")
            )));
        }
        if let Some(missing) = NEEDED.iter().find(|name| !used.contains(**name)) {
            return Err(refused(format!("{{{{{missing}}}}} is missing")));
        }
        self.own.insert((repository.to_owned(), name), text);
        Ok(())
    }

    /// The prompt for a request: plain text that ends with a line break. The same request always gives the same.
    #[must_use]
    pub fn render(&self, request: &AgentRequest) -> String {
        template::rendered(self.template(request).text, request, BY_FILE)
    }

    /// The same for an agent whose last words are its answer.
    pub(crate) fn render_for_words(&self, request: &AgentRequest) -> String {
        template::rendered(self.template(request).text, request, BY_WORDS)
    }

    /// The template of a request's prompt: the repository's own, else that of all, else the crate's.
    #[must_use]
    pub fn template(&self, request: &AgentRequest) -> Template<'_> {
        let name = match &request.task {
            AgentTask::Plan { .. } => "plan",
            AgentTask::Implement { .. } => "implement",
            AgentTask::Review { .. } => "review",
            AgentTask::ResolveConflict { .. } => "resolve_conflict",
            AgentTask::FixTests { .. } => "fix_tests",
            // A request that this version has no template for is its issue alone.
            _ => "issue",
        };
        let repository = request.repository.as_ref();
        let repository = repository.map_or("", |it| it.as_str());
        let own = |repository: &str| self.own.get(&(repository.to_owned(), name));
        if let Some(text) = own(repository).or_else(|| own("")) {
            let is_own = true;
            return Template { name, is_own, text };
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        Template {
            name,
            is_own: false,
            text: built_in.map_or("{{issue}}\n\n{{data_rule}}\n", |(_, text)| text),
        }
    }
}

/// What `{{name}}`s a template has.
fn names(text: &str) -> BTreeSet<&str> {
    let parts = text.split("{{").skip(1);
    parts
        .filter_map(|part| Some(part.split_once("}}")?.0))
        .collect()
}

/// The files and folders of a folder, sorted; none where it is not there.
fn entries(folder: &Path) -> Result<Vec<(std::path::PathBuf, bool)>, Error> {
    let refused = |error: io::Error| Error::Prompt {
        file: folder.display().to_string(),
        why: error.to_string(),
    };
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(refused)?,
    };
    let mut all = Vec::new();
    for entry in read {
        let entry = entry.map_err(refused)?;
        let is_folder = entry.file_type().map_err(refused)?.is_dir();
        all.push((entry.path(), is_folder));
    }
    all.sort();
    Ok(all)
}

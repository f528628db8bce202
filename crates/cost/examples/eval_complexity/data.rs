//! The labeled issues.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use cost::complexity::{Features, Subject};
use flate2::read::GzDecoder;
use serde_json::Value;

/// The bands of the difficulty, in their order.
const BANDS: [&str; 4] = ["<15 min fix", "15 min - 1 hour", "1-4 hours", ">4 hours"];

/// One issue. Nothing of its solution is read.
pub(crate) struct Row {
    /// Its project among those of its set, in alphabetical order; difficulties are one more group.
    pub(crate) group: usize,
    /// Title and description, for the baseline.
    pub(crate) text: String,
    pub(crate) features: Features,
    pub(crate) label: f64,
    /// Whether the published split has it among the later, validating ones.
    pub(crate) is_later: bool,
    /// Its name and date, among the difficulties.
    pub(crate) id: String,
    pub(crate) created: String,
}

/// Where the labeled data is.
pub(crate) fn folder() -> PathBuf {
    match std::env::var_os("AUTOMATION_SHARED_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    }
}

/// All rows; those of the last group are the difficulties.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    pub(crate) n_projects: usize,
}

impl Rows {
    /// Nothing where the data is not there.
    pub(crate) fn read() -> Result<Option<Self>> {
        let folder = folder();
        if !folder.is_dir() {
            return Ok(None);
        }
        let points = lines(&folder.join("storypoints/storypoints.jsonl.gz"))?;
        let difficulties = lines(&folder.join("swebench_verified/difficulty.jsonl.gz"))?;
        let mut projects: Vec<String> = points.iter().map(|v| text(v, "project")).collect();
        projects.sort();
        projects.dedup();
        let mut rows = Vec::new();
        for value in &points {
            let project = text(value, "project");
            let group = projects.binary_search(&project).unwrap_or_default();
            let label = value["sp"].as_f64().context("story points")?;
            let later = value["split"] == "val";
            let (title, description) = (text(value, "title"), text(value, "description"));
            rows.push(row(group, &title, &description, label, later));
        }
        for value in &difficulties {
            let statement = text(value, "problem_statement");
            let (title, description) = statement.split_once('\n').unwrap_or((&statement, ""));
            let band = text(value, "difficulty");
            let label = BANDS.iter().position(|known| *known == band);
            let label = label.with_context(|| format!("unknown difficulty {band}"))?;
            rows.push(Row {
                id: text(value, "instance_id"),
                created: text(value, "created_at"),
                ..row(projects.len(), title, description, label as f64, false)
            });
        }
        Ok(Some(Self {
            rows,
            n_projects: projects.len(),
        }))
    }

    /// The indices of the rows that a rule takes.
    pub(crate) fn which(&self, takes: impl Fn(usize, &Row) -> bool) -> Vec<usize> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(idx, row)| takes(*idx, row))
            .map(|(idx, _)| idx)
            .collect()
    }
}

fn row(group: usize, title: &str, description: &str, label: f64, is_later: bool) -> Row {
    let subject = Subject {
        title,
        description,
        ..Subject::default()
    };
    Row {
        group,
        text: format!("{title}\n{description}"),
        features: Features::of(&subject),
        label,
        is_later,
        id: String::new(),
        created: String::new(),
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn lines(path: &Path) -> Result<Vec<Value>> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    BufReader::new(GzDecoder::new(file))
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect()
}

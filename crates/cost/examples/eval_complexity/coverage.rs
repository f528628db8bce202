//! How often what an agent has cost falls within the interval, on published costs of many models on
//! the issues with difficulties.
//!
//! For each model the earlier half of the issues, as runs of ten in the order of their dates, is the
//! past; plans of ten of the later half are estimated. The published data is for evaluation only:
//! nothing of it goes into the product.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufRead as _, BufReader},
};

use anyhow::{Context as _, Result};
use core_types::{Plan, Task, Usd};
use cost::{CostOptimizer, Estimate, History, complexity::ComplexityModel};
use flate2::read::GzDecoder;

use crate::data::{Row, Rows, folder};

/// Tasks a plan.
const TASKS: usize = 10;

/// Whether intervals held.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) n_models: usize,
    pub(crate) tasks: Vec<bool>,
    pub(crate) plans: Vec<bool>,
}

/// The indices of the issues with difficulties, by date: the earlier half and the later one.
pub(crate) fn halves(rows: &Rows) -> (Vec<usize>, Vec<usize>) {
    let mut issues = rows.which(|_, row| row.group == rows.n_projects);
    issues.sort_by(|a, b| rows.rows[*a].created.cmp(&rows.rows[*b].created));
    let later = issues.split_off(issues.len() / 2);
    (issues, later)
}

/// Over all models; `complexity` must not have been fitted on the later half.
pub(crate) fn coverage(rows: &Rows, complexity: ComplexityModel) -> Result<Coverage> {
    let optimizer = CostOptimizer::new(false).with_complexity(complexity);
    let (earlier, later) = halves(rows);
    let costs = costs()?;
    let mut coverage = Coverage {
        n_models: costs.len(),
        ..Coverage::default()
    };
    for spent in costs.values() {
        let known = |half: &[usize]| -> Vec<(&Row, Usd)> {
            let rows = half.iter().map(|idx| &rows.rows[*idx]);
            rows.filter_map(|row| Some((row, *spent.get(&row.id)?)))
                .filter(|(_, usd)| *usd > Usd::ZERO)
                .collect()
        };
        let mut past = Vec::new();
        for run in known(&earlier).chunks(TASKS) {
            let costs = optimizer.estimate_cost(&plan(run)?)?;
            let expected = costs.tasks.iter().map(|(.., estimate)| estimate.expected);
            past.push(expected.zip(run.iter().map(|(_, usd)| *usd)).collect());
        }
        let corrected = optimizer.clone().with_history(History::of_runs(&past));
        for run in known(&later).chunks_exact(TASKS) {
            let costs = corrected.estimate_cost(&plan(run)?)?;
            let tasks = costs.tasks.iter().zip(run);
            coverage
                .tasks
                .extend(tasks.map(|((.., estimate), (_, usd))| holds(estimate, *usd)));
            let all = run.iter().map(|(_, usd)| *usd);
            let all = all.fold(Usd::ZERO, Usd::saturating_add);
            coverage.plans.push(holds(&costs.implementation, all));
        }
    }
    Ok(coverage)
}

fn holds(estimate: &Estimate, actual: Usd) -> bool {
    (estimate.low..=estimate.high).contains(&actual)
}

/// What each model has cost on each issue.
fn costs() -> Result<BTreeMap<String, HashMap<String, Usd>>> {
    let path = folder().join("agent_runs/runs.csv.gz");
    let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
    let mut costs: BTreeMap<String, HashMap<String, Usd>> = BTreeMap::new();
    for line in BufReader::new(GzDecoder::new(file)).lines().skip(1) {
        let line = line?;
        // The name of a model may have a comma in it; what follows has none.
        let fields: Vec<&str> = line.rsplitn(5, ',').collect();
        let [_calls, usd, _resolved, issue, model] = fields[..] else {
            anyhow::bail!("not five fields: {line}");
        };
        let Ok(usd) = usd.parse::<f64>() else {
            continue;
        };
        let usd = Usd::from_pico((usd * 1e12) as u64);
        let of_model = costs.entry(model.to_owned()).or_default();
        of_model.insert(issue.to_owned(), usd);
    }
    Ok(costs)
}

fn plan(run: &[(&Row, Usd)]) -> Result<Plan> {
    let tasks = run.iter().enumerate().map(|(n, (row, _))| {
        let (title, description) = row.text.split_once('\n').unwrap_or((&row.text, ""));
        Ok(Task {
            id: format!("t{n}").parse().context("a task id")?,
            title: title.to_owned(),
            description: description.to_owned(),
            repository: "project".parse().context("a name")?,
            dependencies: Vec::new(),
            files: Vec::new(),
            estimate: None,
        })
    });
    Ok(Plan {
        id: "plan".parse().context("a plan id")?,
        title: String::new(),
        tasks: tasks.collect::<Result<_>>()?,
    })
}

//! How well complexity is told from an issue's text: `cargo xtask eval complexity`. With `--fit` it
//! fits the model on all rows and writes the files of weights instead.
//!
//! All figures are of rows that were not fitted on, with the middle 95 % of 1,000 bootstrap samples.
//! The baseline is fitted and scored on the same rows in the same run.

mod baseline;
mod coverage;
mod data;
mod fit;
mod measures;
mod ridge;

use std::{io::Write as _, path::Path, process::ExitCode, time::Instant};

use anyhow::Result;
use cost::complexity::{ComplexityModel, Features, Subject};
use data::Rows;
use measures::{Chance, auc, interval, spearman};
use serde_json::{Value, json};

const FOLDS: usize = 5;
const SAMPLES: usize = 1_000;
const SEED: u64 = 20_261_125;
const MOST_BYTES: usize = 256 << 10;

fn main() -> Result<ExitCode> {
    let fits = std::env::args().any(|argument| argument == "--fit");
    let mut stdout = std::io::stdout().lock();
    let Some(rows) = Rows::read()? else {
        let verdict = "not run (no labeled data; AUTOMATION_SHARED_DATA names its folder)";
        writeln!(
            stdout,
            "{}",
            json!({"claim": "complexity", "verdict": verdict})
        )?;
        return Ok(ExitCode::SUCCESS);
    };
    say(format!(
        "{} rows of {} projects",
        rows.rows.len(),
        rows.n_projects
    ));
    let claims = if fits {
        vec![write_weights(&rows)?]
    } else {
        evaluate(&rows)?
    };
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] == "holds");
    Ok(ExitCode::from(u8::from(!all_hold)))
}

fn say(line: impl std::fmt::Display) {
    // Nobody who does not read needs it.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// A fold for each row, drawn with a fixed seed.
fn folds(rows: &Rows) -> Vec<usize> {
    let mut chance = Chance(SEED);
    rows.rows.iter().map(|_| chance.below(FOLDS)).collect()
}

/// Sums of rows by a model that was fitted on all others; also of the difficulties.
fn out_of_fold(rows: &Rows, folds: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0; rows.rows.len()];
    for fold in 0..FOLDS {
        let training = rows.which(|idx, _| folds[idx] != fold);
        let model = fit::fit(rows, &training, String::new());
        for idx in rows.which(|idx, _| folds[idx] == fold) {
            sums[idx] = model.sum(&rows.rows[idx].features);
        }
        say(format!("fold {} of {FOLDS}", fold + 1));
    }
    sums
}

fn write_weights(rows: &Rows) -> Result<Value> {
    let sums = out_of_fold(rows, &folds(rows));
    let n_points = rows.which(|_, row| row.group < rows.n_projects).len();
    let fitted_on = format!(
        "{n_points} issues of {} projects with story points, {} issues with difficulties; cargo xtask eval complexity --fit",
        rows.n_projects,
        rows.rows.len() - n_points
    );
    let training = rows.which(|_, _| true);
    let model = fit::fit(rows, &training, fitted_on).calibrated(sums);
    let (weights, wording) = model.to_files()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    journal::atomic_write(&folder.join("complexity.json"), weights.as_bytes())?;
    journal::atomic_write(&folder.join("wording.bin"), &wording)?;
    say(&weights);
    Ok(size_claim(weights.len() + wording.len()))
}

fn size_claim(bytes: usize) -> Value {
    json!({
        "claim": "bytes of the weights", "ours": bytes, "goal": "≤ 262,144",
        "verdict": verdict(bytes <= MOST_BYTES),
    })
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "falls short" }
}

fn evaluate(rows: &Rows) -> Result<Vec<Value>> {
    let is_point = |row: &data::Row| row.group < rows.n_projects;
    let labels: Vec<f64> = rows.rows.iter().map(|row| row.label).collect();
    let mut claims = Vec::new();

    let folds = folds(rows);
    let ours = out_of_fold(rows, &folds);
    let mut theirs = vec![0.0; rows.rows.len()];
    for group in 0..=rows.n_projects {
        for fold in 0..FOLDS {
            let training = rows.which(|idx, row| row.group == group && folds[idx] != fold);
            let wanted = rows.which(|idx, row| row.group == group && folds[idx] == fold);
            let predicted = baseline::predict(rows, &training, &wanted, &labels);
            wanted
                .into_iter()
                .zip(predicted)
                .for_each(|(idx, p)| theirs[idx] = p);
        }
    }
    let points = rows.which(|_, row| is_point(row));
    claims.push(claim(
        "story points, rank correlation within a project, mean of 16: 5 random folds",
        "TF-IDF ridge of each project",
        &by_group(rows, &points),
        &|rows: &[usize], predictions: &[f64]| correlation(&labels, rows, predictions),
        (&ours, &theirs),
    ));

    let earlier = rows.which(|_, row| is_point(row) && !row.is_later);
    let earlier_and_difficulties = rows.which(|_, row| !row.is_later);
    let later = rows.which(|_, row| is_point(row) && row.is_later);
    let model = fit::fit(rows, &earlier_and_difficulties, String::new());
    let mut ours_later = vec![0.0; rows.rows.len()];
    later
        .iter()
        .for_each(|idx| ours_later[*idx] = model.sum(&rows.rows[*idx].features));
    let mut theirs_later = vec![0.0; rows.rows.len()];
    for group in 0..rows.n_projects {
        let of_group = |which: &[usize]| -> Vec<usize> {
            which
                .iter()
                .copied()
                .filter(|idx| rows.rows[*idx].group == group)
                .collect()
        };
        let wanted = of_group(&later);
        let predicted = baseline::predict(rows, &of_group(&earlier), &wanted, &labels);
        wanted
            .into_iter()
            .zip(predicted)
            .for_each(|(idx, p)| theirs_later[idx] = p);
    }
    claims.push(claim(
        "the same: fitted on each project's earlier issues, scored on its later ones",
        "TF-IDF ridge of each project",
        &by_group(rows, &later),
        &|rows: &[usize], predictions: &[f64]| correlation(&labels, rows, predictions),
        (&ours_later, &theirs_later),
    ));

    let (mut ours_foreign, mut theirs_foreign) = (vec![0.0; labels.len()], vec![0.0; labels.len()]);
    for group in 0..rows.n_projects {
        let training = rows.which(|_, row| row.group != group);
        let model = fit::fit(rows, &training, String::new());
        let wanted = rows.which(|_, row| row.group == group);
        wanted
            .iter()
            .for_each(|idx| ours_foreign[*idx] = model.sum(&rows.rows[*idx].features));
        let training = rows.which(|_, row| row.group != group && is_point(row));
        let predicted = baseline::predict(rows, &training, &wanted, &standardized(rows));
        wanted
            .into_iter()
            .zip(predicted)
            .for_each(|(idx, p)| theirs_foreign[idx] = p);
        say(format!("project {} of {}", group + 1, rows.n_projects));
    }
    claims.push(claim(
        "the same: fitted on the 15 other projects",
        "TF-IDF ridge of the others",
        &by_group(rows, &points),
        &|rows: &[usize], predictions: &[f64]| correlation(&labels, rows, predictions),
        (&ours_foreign, &theirs_foreign),
    ));

    let difficulties = vec![rows.which(|_, row| !is_point(row))];
    claims.push(claim(
        "difficulties of 300 issues, rank correlation: 5 random folds",
        "TF-IDF ridge",
        &difficulties,
        &|rows: &[usize], predictions: &[f64]| correlation(&labels, rows, predictions),
        (&ours, &theirs),
    ));
    for (name, least) in [("more than 15 minutes", 1.0), ("an hour and more", 2.0)] {
        claims.push(claim(
            &format!("the same: area under the curve for {name}"),
            "TF-IDF ridge",
            &difficulties,
            &|rows: &[usize], predictions: &[f64]| {
                let has: Vec<bool> = rows.iter().map(|idx| labels[*idx] >= least).collect();
                auc(predictions, &has)
            },
            (&ours, &theirs),
        ));
    }

    claims.extend(coverage_claims(rows)?);
    let (weights, wording) = ComplexityModel::bundled().to_files()?;
    claims.push(size_claim(weights.len() + wording.len()));
    claims.push(speed_claim(rows));
    Ok(claims)
}

/// How often the interval around an estimate holds, with a model fitted on points and the earlier half.
fn coverage_claims(rows: &Rows) -> Result<Vec<Value>> {
    let (_, later) = coverage::halves(rows);
    let training = rows.which(|idx, _| !later.contains(&idx));
    let model = fit::fit(rows, &training, String::new());
    let sums = training.iter();
    let sums = sums.map(|idx| model.sum(&rows.rows[*idx].features));
    let sums = sums.collect();
    let coverage = coverage::coverage(rows, model.calibrated(sums))?;
    let of = |what: &str| format!("what {what} has cost, of {} models", coverage.n_models);
    Ok(vec![
        coverage_claim(&of("a task"), &coverage.tasks),
        coverage_claim(&of("a plan of ten tasks"), &coverage.plans),
    ])
}

/// The share of intervals that held, of those that are meant to hold in nine of ten cases.
fn coverage_claim(of: &str, held: &[bool]) -> Value {
    let share = |held: &[bool]| {
        let n_held = held.iter().filter(|held| **held).count();
        n_held as f64 / held.len().max(1) as f64
    };
    let mut chance = Chance(SEED);
    let samples = (0..SAMPLES).map(|_| {
        let sample = held.iter().map(|_| held[chance.below(held.len())]);
        share(&sample.collect::<Vec<_>>())
    });
    let spread = interval(samples.collect());
    let ours = share(held);
    let claim = json!({
        "claim": format!(
            "{of}, on later issues, within the 90 % interval that earlier ones correct: {} cases",
            held.len()
        ),
        "ours": ours, "goal": "0.85 to 0.95", "spread": spread,
        "verdict": verdict((0.85..=0.95).contains(&ours)),
    });
    say(&claim);
    claim
}

/// Labels with mean 0 and spread 1 in each project, so that the pooled baseline may learn from them.
fn standardized(rows: &Rows) -> Vec<f64> {
    let mut labels = vec![0.0; rows.rows.len()];
    for group in 0..=rows.n_projects {
        let of_group = rows.which(|_, row| row.group == group);
        let n = of_group.len() as f64;
        let mean = of_group
            .iter()
            .map(|idx| rows.rows[*idx].label)
            .sum::<f64>()
            / n;
        let squares: f64 = of_group
            .iter()
            .map(|idx| (rows.rows[*idx].label - mean).powi(2))
            .sum();
        let spread = (squares / n).sqrt().max(1e-9);
        for idx in of_group {
            labels[idx] = (rows.rows[idx].label - mean) / spread;
        }
    }
    labels
}

fn by_group(rows: &Rows, which: &[usize]) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new(); rows.n_projects];
    which
        .iter()
        .for_each(|idx| groups[rows.rows[*idx].group].push(*idx));
    groups
}

fn correlation(labels: &[f64], rows: &[usize], predictions: &[f64]) -> f64 {
    let labels: Vec<f64> = rows.iter().map(|idx| labels[*idx]).collect();
    spearman(predictions, &labels)
}

/// Rows and predictions in, a figure out.
type Measure<'a> = &'a dyn Fn(&[usize], &[f64]) -> f64;

fn claim(
    name: &str,
    held_against: &str,
    groups: &[Vec<usize>],
    measure: Measure<'_>,
    (ours, theirs): (&[f64], &[f64]),
) -> Value {
    let mean = |predictions: &[f64], groups: &[Vec<usize>]| {
        let figures = groups.iter().map(|rows| {
            let predictions: Vec<f64> = rows.iter().map(|idx| predictions[*idx]).collect();
            measure(rows, &predictions)
        });
        figures.sum::<f64>() / groups.len() as f64
    };
    let (our_figure, their_figure) = (mean(ours, groups), mean(theirs, groups));
    let mut chance = Chance(SEED);
    let (mut our_samples, mut their_samples, mut apart) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        let sample: Vec<Vec<usize>> = groups
            .iter()
            .map(|rows| {
                rows.iter()
                    .map(|_| rows[chance.below(rows.len())])
                    .collect()
            })
            .collect();
        let (our_sample, their_sample) = (mean(ours, &sample), mean(theirs, &sample));
        our_samples.push(our_sample);
        their_samples.push(their_sample);
        apart.push(our_sample - their_sample);
    }
    let claim = json!({
        "claim": name, "ours": our_figure, "held_against": held_against, "theirs": their_figure,
        "ratio": our_figure / their_figure, "goal": "≥ theirs",
        "spread": format!(
            "ours {}, theirs {}, difference {}",
            interval(our_samples), interval(their_samples), interval(apart)
        ),
        "verdict": verdict(our_figure >= their_figure),
    });
    say(&claim);
    claim
}

/// The time for one issue of about 8 KB, the longest texts of the data joined.
fn speed_claim(rows: &Rows) -> Value {
    let model = ComplexityModel::bundled();
    let mut text = String::new();
    for row in &rows.rows {
        if text.len() >= 8 << 10 {
            break;
        }
        text.push_str(&row.text);
        text.push('\n');
    }
    let mut micros: Vec<f64> = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        let subject = Subject {
            title: "Time one issue",
            description: &text,
            ..Subject::default()
        };
        std::hint::black_box(model.sum(&Features::of(&subject)));
        micros.push(started.elapsed().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    let median = micros[micros.len() / 2];
    json!({
        "claim": format!("time for an issue of {} KiB", text.len() >> 10),
        "ours": median, "unit": "µs", "goal": "≤ 200 µs",
        "spread": format!("5th to 95th percentile {:.0} to {:.0} µs", micros[10], micros[190]),
        "verdict": verdict(median <= 200.0),
    })
}

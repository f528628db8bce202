//! Fits the model of the crate.
//!
//! First the factors, on the story points of each project and on the difficulties, each project as
//! heavy as any other: least squares with weights that are not below a floor. Then the wording, by
//! ridge regression on what the factors leave of the story points. Labels are the normal scores of
//! their ranks within the project, since story points mean something within a team only.

use cost::complexity::{ComplexityModel, FITTED, Part, Wording};

use crate::{
    data::Rows,
    measures::normal_scores,
    ridge::{Sparse, ridge},
};

/// Chosen on the published training rows, by the validating ones.
const ALPHA: f64 = 10.0;

/// The difficulties weigh as much as so many projects: they are of another kind.
const WEIGHT_OF_DIFFICULTIES: f64 = 4.0;

/// No weight is below these. Length beyond 80 words is 0 on story points, where hardly an issue is so
/// long, and the one thing that tells difficulties; the description has security and performance
/// count, which both sets leave at about nothing.
const FLOORS: [f64; FITTED] = [0.0, 0.30, 0.0, 0.0, 0.0, 0.0, 0.10, 0.10];

/// Fits on the rows of these indices.
pub(crate) fn fit(rows: &Rows, training: &[usize], fitted_on: String) -> ComplexityModel {
    let targets = targets(rows, training);
    let (weights, typical) = factors(rows, training, &targets);
    let points: Vec<usize> = (0..training.len())
        .filter(|at| rows.rows[training[*at]].group < rows.n_projects)
        .collect();
    let residuals: Vec<f64> = points
        .iter()
        .map(|at| {
            let features = &rows.rows[training[*at]].features.fitted;
            let explained: f64 = weights.iter().zip(features).map(|(w, x)| w * x).sum();
            targets[*at] - explained
        })
        .collect();
    let indices: Vec<usize> = points.iter().map(|at| training[*at]).collect();
    let wording = wording(rows, &indices, &residuals);
    ComplexityModel::fitted(fitted_on, weights, typical, wording)
}

fn targets(rows: &Rows, training: &[usize]) -> Vec<f64> {
    let mut targets = vec![0.0; training.len()];
    for group in 0..=rows.n_projects {
        let of_group: Vec<usize> = (0..training.len())
            .filter(|at| rows.rows[training[*at]].group == group)
            .collect();
        let labels: Vec<f64> = of_group
            .iter()
            .map(|at| rows.rows[training[*at]].label)
            .collect();
        for (at, score) in of_group.into_iter().zip(normal_scores(&labels)) {
            targets[at] = score;
        }
    }
    targets
}

/// The weights, and what the mean project has of each feature.
fn factors(rows: &Rows, training: &[usize], targets: &[f64]) -> ([f64; FITTED], [f64; FITTED]) {
    let mut gram = [[0.0; FITTED]; FITTED];
    let mut moment = [0.0; FITTED];
    let mut typical = [0.0; FITTED];
    let mut total = 0.0;
    for group in 0..=rows.n_projects {
        let of_group: Vec<usize> = (0..training.len())
            .filter(|at| rows.rows[training[*at]].group == group)
            .collect();
        if of_group.is_empty() {
            continue;
        }
        let n = of_group.len() as f64;
        let weight = if group == rows.n_projects {
            WEIGHT_OF_DIFFICULTIES
        } else {
            1.0
        };
        total += weight;
        let mut mean = [0.0; FITTED];
        let mut mean_target = 0.0;
        for at in &of_group {
            let features = &rows.rows[training[*at]].features.fitted;
            (0..FITTED).for_each(|i| mean[i] += features[i] / n);
            mean_target += targets[*at] / n;
        }
        (0..FITTED).for_each(|i| typical[i] += weight * mean[i]);
        for at in &of_group {
            let features = &rows.rows[training[*at]].features.fitted;
            for i in 0..FITTED {
                let x = features[i] - mean[i];
                moment[i] += weight / n * x * (targets[*at] - mean_target);
                (0..FITTED).for_each(|j| gram[i][j] += weight / n * x * (features[j] - mean[j]));
            }
        }
    }
    // Coordinate descent: the problem is convex, and eight numbers are soon settled.
    let mut weights = FLOORS;
    for _ in 0..2_000 {
        for i in 0..FITTED {
            let others: f64 = (0..FITTED)
                .filter(|j| *j != i)
                .map(|j| gram[i][j] * weights[j])
                .sum();
            weights[i] = ((moment[i] - others) / (gram[i][i] + 1e-9)).max(FLOORS[i]);
        }
    }
    let round = |number: f64| (number * 1e4).round() / 1e4;
    (weights.map(round), typical.map(|sum| round(sum / total)))
}

fn wording(rows: &Rows, indices: &[usize], residuals: &[f64]) -> Wording {
    let mut body = vec![0_u32; 1 << 16];
    let mut title = vec![0_u32; 1 << 15];
    for idx in indices {
        let bag = &rows.rows[*idx].features.bag;
        bag.body
            .iter()
            .for_each(|(bucket, _)| body[*bucket as usize] += 1);
        bag.title
            .iter()
            .for_each(|(bucket, _)| title[*bucket as usize] += 1);
    }
    let body = Part::of_frequencies(&body, indices.len());
    let title = Part::of_frequencies(&title, indices.len());
    let split = body.buckets();
    let x: Vec<Sparse> = indices
        .iter()
        .map(|idx| {
            let bag = &rows.rows[*idx].features.bag;
            let mut row = body.vector(&bag.body);
            let title = title.vector(&bag.title).into_iter();
            row.extend(title.map(|(bucket, value)| (bucket + split as u32, value)));
            row
        })
        .collect();
    let groups: Vec<usize> = indices.iter().map(|idx| rows.rows[*idx].group).collect();
    let weights = ridge(&x, residuals, &groups, split + title.buckets(), ALPHA);
    Wording {
        body: body.with_weights(&weights[..split]),
        title: title.with_weights(&weights[split..]),
    }
}

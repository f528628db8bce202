//! Ridge regression on sparse rows, by conjugate gradients.

/// A sparse row: columns and values.
pub(crate) type Sparse = Vec<(u32, f32)>;

/// Minimizes ‖y − Xw‖² + α‖w‖², with an intercept of its own for each group of rows.
pub(crate) fn ridge(
    x: &[Sparse],
    y: &[f64],
    groups: &[usize],
    columns: usize,
    alpha: f64,
) -> Vec<f64> {
    let center = |values: &mut [f64]| {
        let n = groups.iter().max().map_or(0, |most| most + 1);
        let (mut sums, mut counts) = (vec![0.0; n], vec![0.0_f64; n]);
        for (value, group) in values.iter().zip(groups) {
            sums[*group] += *value;
            counts[*group] += 1.0;
        }
        for (value, group) in values.iter_mut().zip(groups) {
            *value -= sums[*group] / counts[*group].max(1.0);
        }
    };
    let times = |w: &[f64]| -> Vec<f64> {
        let dot = |row: &Sparse| {
            row.iter()
                .map(|(c, v)| w[*c as usize] * f64::from(*v))
                .sum()
        };
        let mut product: Vec<f64> = x.iter().map(dot).collect();
        center(&mut product);
        product
    };
    let transposed = |r: &[f64]| -> Vec<f64> {
        let mut product = vec![0.0; columns];
        for (row, r) in x.iter().zip(r) {
            for (column, value) in row {
                product[*column as usize] += r * f64::from(*value);
            }
        }
        product
    };
    let mut target = y.to_vec();
    center(&mut target);
    let mut w = vec![0.0; columns];
    let mut residual = transposed(&target);
    let mut direction = residual.clone();
    let mut norm = dot(&residual, &residual);
    let start = norm;
    for _ in 0..200 {
        if norm <= start * 1e-8 {
            break;
        }
        let mut applied = transposed(&times(&direction));
        for (applied, direction) in applied.iter_mut().zip(&direction) {
            *applied += alpha * direction;
        }
        let step = norm / dot(&direction, &applied);
        for idx in 0..columns {
            w[idx] += step * direction[idx];
            residual[idx] -= step * applied[idx];
        }
        let next = dot(&residual, &residual);
        for idx in 0..columns {
            direction[idx] = residual[idx] + next / norm * direction[idx];
        }
        norm = next;
    }
    w
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

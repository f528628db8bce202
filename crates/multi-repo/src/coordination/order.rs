//! An order in which nothing stands before what it waits for.

use std::{cmp::Reverse, collections::BinaryHeap};

/// The nodes, each after all of its predecessors, else by their number; or the
/// nodes of a cycle as a path from a node back to itself.
///
/// `predecessors[node]` are below its length and may repeat. Iterative.
pub(super) fn order(predecessors: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut missing: Vec<usize> = predecessors.iter().map(Vec::len).collect();
    let mut successors = vec![Vec::new(); predecessors.len()];
    for (node, before) in predecessors.iter().enumerate() {
        for &before in before {
            successors[before].push(node);
        }
    }
    let free = |(node, missing): (usize, &usize)| (*missing == 0).then_some(Reverse(node));
    let mut ready: BinaryHeap<_> = missing.iter().enumerate().filter_map(free).collect();
    let mut ordered = Vec::new();
    while let Some(Reverse(node)) = ready.pop() {
        ordered.push(node);
        for &successor in &successors[node] {
            missing[successor] -= 1;
            if missing[successor] == 0 {
                ready.push(Reverse(successor));
            }
        }
    }
    let Some(start) = missing.iter().position(|missing| *missing > 0) else {
        return Ok(ordered);
    };
    // Every node that is left has a predecessor that is left: going back must repeat.
    let mut seen = vec![None; predecessors.len()];
    let mut path = Vec::new();
    let mut node = start;
    loop {
        if let Some(first) = seen[node] {
            let mut cycle: Vec<usize> = path.split_off(first);
            cycle.push(node);
            return Err(cycle);
        }
        seen[node] = Some(path.len());
        path.push(node);
        let left = predecessors[node]
            .iter()
            .find(|before| missing[**before] > 0);
        match left {
            Some(before) => node = *before,
            // Not reached: see above.
            None => return Err(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn predecessors_come_first_and_else_the_numbers() {
        assert_eq!(order(&[vec![], vec![], vec![]]), Ok(vec![0, 1, 2]));
        assert_eq!(order(&[vec![2, 2], vec![], vec![1]]), Ok(vec![1, 2, 0]));
        assert_eq!(order(&[]), Ok(vec![]));
    }

    #[test]
    fn a_cycle_is_a_path_back_to_its_start() {
        assert_eq!(order(&[vec![0]]), Err(vec![0, 0]));
        assert_eq!(
            order(&[vec![], vec![0, 2], vec![3], vec![1]]),
            Err(vec![1, 2, 3, 1])
        );
        let into = order(&[vec![1], vec![2], vec![1]]);
        assert_eq!(
            into,
            Err(vec![1, 2, 1]),
            "the way into a cycle is no part of it"
        );
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let mut before: Vec<Vec<usize>> = (1..100_000).map(|next| vec![next]).collect();
        before.push(vec![]);
        assert_eq!(order(&before).map(|order| order[0]), Ok(99_999));
        before[99_999] = vec![0];
        assert_eq!(order(&before).map_err(|cycle| cycle.len()), Err(100_001));
    }
}

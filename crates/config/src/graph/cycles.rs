//! Cycles of a relation.

/// Cycles, each as the path from a node to the same node: at least one if there is any, at most ten.
///
/// `edges[node]` are the nodes that `node` leads to; all must be below `edges.len()`. Iterative: a chain of a
/// hundred thousand nodes needs no stack. Linear in nodes and edges.
pub(crate) fn cycles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    /// Whoever breaks so many sees the others next time; paths may be long.
    const REPORTED: usize = 10;
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        OnPath,
        Done,
    }
    let mut cycles = Vec::new();
    let mut states = vec![State::New; edges.len()];
    for start in 0..edges.len() {
        if states[start] != State::New {
            continue;
        }
        // The path from `start`, and for each node how many of its edges were followed.
        let mut path = vec![(start, 0)];
        states[start] = State::OnPath;
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            let Some(&next) = edges[node].get(*followed) else {
                states[node] = State::Done;
                path.pop();
                continue;
            };
            *followed += 1;
            match states[next] {
                State::New => {
                    states[next] = State::OnPath;
                    path.push((next, 0));
                }
                State::OnPath if cycles.len() < REPORTED => {
                    let nodes = path.iter().map(|(node, _)| *node);
                    cycles.push(
                        nodes
                            .skip_while(|node| *node != next)
                            .chain([next])
                            .collect(),
                    );
                }
                State::OnPath | State::Done => {}
            }
        }
    }
    cycles
}

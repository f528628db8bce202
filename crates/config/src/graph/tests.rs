use super::*;

#[test]
fn cycles_are_found_with_their_path() {
    assert!(cycles(&[]).is_empty());
    assert!(
        cycles(&[vec![1, 2], vec![2], vec![]]).is_empty(),
        "a diamond is no cycle"
    );
    assert_eq!(cycles(&[vec![0]]), [vec![0, 0]]);
    assert_eq!(
        cycles(&[vec![1], vec![2], vec![1]]),
        [vec![1, 2, 1]],
        "the way into a cycle is no part of it"
    );
    assert_eq!(
        cycles(&[vec![1], vec![0], vec![3], vec![2]]),
        [vec![0, 1, 0], vec![2, 3, 2]]
    );
}

#[test]
fn a_long_chain_needs_no_stack() {
    let mut edges: Vec<Vec<usize>> = (1..=100_000).map(|next| vec![next]).collect();
    edges.push(vec![0]);
    assert_eq!(cycles(&edges)[0].len(), 100_002);
}

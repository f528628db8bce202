use learning::simulate::{Setup, World, simulate};

/// A small sample of `cargo xtask eval learning`, which says more.
#[test]
fn little_is_believed_in_any_world() {
    // With RUN_SLOW=1 as many tasks as the plan's main look takes.
    let (tasks, seeds) = match std::env::var_os("RUN_SLOW") {
        Some(_) => (1_400, 20),
        None => (260, 1),
    };
    for world in World::ALL {
        let mut false_discoveries = 0.0;
        for seed in 0..seeds {
            let learnt = simulate(&Setup::new(world, tasks, seed)).expect("a history");
            false_discoveries += learnt.false_discovery_share();
            assert!(learnt.found <= learnt.helpful, "{world:?}");
        }
        let share = false_discoveries / f64::from(u32::try_from(seeds).expect("few"));
        assert!(share <= 0.5, "{world:?}: {share}, far above the bound");
    }
}

#[test]
fn a_history_is_the_same_each_time() {
    let setup = Setup::new(World::Adversary, 300, 3);
    let first = simulate(&setup).expect("a history");
    assert_eq!(simulate(&setup).ok(), Some(first));
    assert!(first.refused > 0, "made-up draws and praise are refused");
}

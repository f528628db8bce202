use super::{
    baseline::Known,
    draw::Arm,
    machine::{Experiment, Unit},
    normal::upper_tail,
    plan::{Look, LookPlan},
    rule::{Ruling, step_up},
};
use crate::{Error, LessonId, chance::Chance};

const ANY: Known = Known {
    kind: 0,
    complexity: None,
};

/// Plays tasks in which lesson L1 adds `gain` to a success rate of a half; others add nothing.
fn play(experiment: &mut Experiment, tasks: u32, gain: f64, outside: Option<u64>) -> u32 {
    let mut counted = 0;
    let mut chance = Chance::of(5, &["outcomes"]);
    for task in 0..tasks {
        let run = format!("run-{task}");
        let draw = experiment
            .lineup(|_| true)
            .draw(experiment.seed, [&run, "task"], 1.0);
        let shows = draw.shown().any(|lesson| lesson == LessonId(1));
        let success = chance.happens(0.5 + if shows { gain } else { 0.0 });
        let unit = Unit {
            draw: &draw,
            success,
            known: ANY,
            outside,
        };
        counted += u32::from(experiment.observe(&unit).is_some());
    }
    counted
}

fn begun(n_lessons: u32, plan: LookPlan) -> Experiment {
    let mut experiment = Experiment::default();
    let lessons: Vec<LessonId> = (1..=n_lessons).map(LessonId).collect();
    experiment.begin(&lessons, plan, 11);
    experiment
}

fn one_look(tasks: u64) -> LookPlan {
    let look = Look {
        tasks,
        false_discoveries: 0.1,
        any: 0.05,
    };
    LookPlan::new(vec![look]).expect("a valid plan")
}

/// Reference values from tables of the normal distribution.
#[test]
fn the_normal_tail_is_that_of_the_tables() {
    for (z, tail) in [
        (0.0, 0.5),
        (1.0, 0.158_655_253_931),
        (1.959_963_984_54, 0.025),
        (2.575_829_303_55, 0.005),
        (3.0, 0.001_349_898_032),
        (5.0, 2.866_515_719e-7),
        (-1.0, 0.841_344_746_069),
    ] {
        let found = upper_tail(z);
        assert!((found / tail - 1.0).abs() < 1e-8, "{z}: {found} and {tail}");
    }
    assert_eq!(upper_tail(f64::NAN), 1.0, "no number proves nothing");
}

/// The worked example of Benjamini and Hochberg (1995), section 3.2: at 0.05 four of fifteen are taken.
#[test]
fn the_step_up_rule_is_that_of_its_paper() {
    let p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0,
    ];
    assert_eq!(step_up(&p, 15, 0.05), Some(0.0095));
    assert_eq!(step_up(&p, 15, 0.0001), None, "nothing at a stricter level");
    assert_eq!(step_up(&[], 15, 0.05), None);
}

#[test]
fn plans_that_bound_nothing_are_refused() {
    let look = |tasks, false_discoveries, any| Look {
        tasks,
        false_discoveries,
        any,
    };
    for looks in [
        vec![],
        vec![look(0, 0.1, 0.1)],
        vec![look(10, 0.1, 0.1), look(10, 0.1, 0.1)],
        vec![look(10, 0.1, 0.2)],
        vec![look(10, 0.6, 0.1), look(20, 0.6, 0.1)],
        vec![look(10, f64::NAN, 0.1)],
    ] {
        let refused = LookPlan::new(looks.clone());
        assert!(
            matches!(refused, Err(Error::InvalidPlan { .. })),
            "{looks:?}"
        );
    }
    let plan = LookPlan::default();
    assert_eq!(
        LookPlan::new(plan.looks().to_vec()).ok(),
        Some(plan.clone())
    );
    assert!(plan.bound() <= 0.1 + 1e-12, "{}", plan.bound());
    let any: f64 = plan.looks().iter().map(|look| look.any).sum();
    assert!(any <= 0.05 + 1e-12, "{any}");
}

#[test]
fn a_draw_follows_from_seed_and_names_alone() {
    let experiment = begun(20, LookPlan::default());
    let draw = |seed, task: &str| experiment.lineup(|_| true).draw(seed, ["run", task], 1.0);
    assert_eq!(draw(1, "a"), draw(1, "a"));
    assert_ne!(draw(1, "a"), draw(1, "b"));
    assert_ne!(draw(1, "a"), draw(2, "a"));
    assert!(draw(1, "a").is_genuine(1, ["run", "a"]));
    assert!(
        !draw(1, "a").is_genuine(1, ["run", "b"]),
        "another's draw is made up"
    );
    let probability = draw(1, "a").propensity();
    assert!(
        (probability - 0.5_f64.powi(20)).abs() < 1e-12,
        "{probability}"
    );
}

#[test]
fn the_share_of_tasks_on_trial_is_kept() {
    let experiment = begun(3, LookPlan::default());
    let on_trial = |share: f64| {
        let tasks = (0..2_000).map(|task: u32| task.to_string());
        let arms = tasks.map(|task| {
            experiment
                .lineup(|_| true)
                .draw(1, ["run", &task], share)
                .arm
        });
        arms.filter(|arm| *arm == Arm::Trial).count()
    };
    assert_eq!(on_trial(0.0), 0);
    assert_eq!(on_trial(1.0), 2_000);
    let half = on_trial(0.5);
    assert!((900..1_100).contains(&half), "{half} of 2,000");
}

#[test]
fn what_helps_is_promoted_and_what_harms_is_stopped() {
    for (gain, ruling) in [
        (0.3, Ruling::Promote),
        (-0.3, Ruling::Harmful),
        (0.0, Ruling::Unproven),
    ] {
        let mut experiment = begun(3, one_look(300));
        play(&mut experiment, 299, gain, None);
        assert_eq!(
            experiment.due_look(),
            None,
            "there is no look before its time"
        );
        play(&mut experiment, 1, gain, None);
        let look = experiment.due_look().expect("a look is due");
        assert_eq!(
            look.verdicts[0].ruling, ruling,
            "{gain}: {:?}",
            look.verdicts[0]
        );
        experiment.take_look(&look, |_| false);
        assert_eq!(experiment.promoted.contains(&LessonId(1)), gain > 0.0);
        assert_eq!(experiment.rounds.len(), 0, "the plan is at its end");
        assert_eq!(experiment.due_look(), None);
    }
}

#[test]
fn what_needs_approval_waits_for_it() {
    let mut experiment = begun(3, one_look(300));
    play(&mut experiment, 300, 0.3, None);
    let look = experiment.due_look().expect("a look is due");
    experiment.take_look(&look, |_| true);
    assert!(experiment.promoted.is_empty(), "nobody has approved it");
    assert!(experiment.proven.contains(&LessonId(1)));
    experiment.promote(LessonId(1));
    assert!(experiment.promoted.contains(&LessonId(1)));
    assert!(experiment.proven.is_empty());
}

#[test]
fn one_outsider_is_a_tenth_at_most() {
    let mut experiment = begun(1, LookPlan::default());
    assert_eq!(
        play(&mut experiment, 100, 0.0, Some(1)),
        5,
        "alone it may say little"
    );
    assert_eq!(play(&mut experiment, 100, 0.0, None), 100);
    let more = play(&mut experiment, 100, 0.0, Some(1));
    assert!((5..=8).contains(&more), "{more} of 105 to 113");
}

#[test]
fn nothing_is_promoted_that_hangs_on_one_outsider() {
    let mut experiment = begun(2, one_look(300));
    play(&mut experiment, 270, 0.0, None);
    // Lesson L1 decides every task of the outsider.
    play(&mut experiment, 30, 0.5, Some(1));
    let look = experiment.due_look().expect("a look is due");
    let with: f64 = experiment.tallies[&LessonId(1)].total.z();
    let without = experiment.tallies[&LessonId(1)].weakest_z();
    assert!(
        with > without + 1.0,
        "the outsider weighs: {with}, {without}"
    );
    assert_eq!(look.verdicts[0].p, upper_tail(without));
}

#[test]
fn a_corrected_outcome_counts_as_if_it_had_been_so() {
    let mut right = begun(4, LookPlan::default());
    let mut corrected = right.clone();
    let mut last = None;
    for task in 0..60 {
        let run = format!("run-{task}");
        let draw = right.lineup(|_| true).draw(11, [&run, "task"], 1.0);
        let truth = task % 3 == 0;
        // Only the last one is told wrongly, so that the expectations of the others agree.
        let told = if task == 59 { !truth } else { truth };
        let unit = |success| Unit {
            draw: &draw,
            success,
            known: ANY,
            outside: None,
        };
        right.observe(&unit(truth));
        last = corrected.observe(&unit(told));
    }
    let mut last = last.expect("it counts");
    assert_ne!(right.tallies, corrected.tallies);
    let truth = !last.success;
    corrected.correct(&mut last, truth);
    for (lesson, tally) in &right.tallies {
        let other = &corrected.tallies[lesson];
        assert!(
            (tally.total.score - other.total.score).abs() < 1e-9,
            "{lesson}"
        );
        assert!(
            (tally.total.variance - other.total.variance).abs() < 1e-9,
            "{lesson}"
        );
        assert_eq!(tally.shown_successes, other.shown_successes, "{lesson}");
        assert_eq!(tally.hidden_successes, other.hidden_successes, "{lesson}");
    }
}

#[test]
fn a_promoted_lesson_that_turns_to_harm_is_noticed() {
    let mut experiment = begun(1, one_look(300));
    play(&mut experiment, 300, 0.3, None);
    let look = experiment.due_look().expect("a look is due");
    experiment.take_look(&look, |_| false);
    play(&mut experiment, 1_000, 0.3, None);
    assert_eq!(experiment.faded().count(), 0, "it still helps");
    play(&mut experiment, 150, -0.3, None);
    assert_eq!(experiment.faded().count(), 1, "it harms");
}

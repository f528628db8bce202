//! The views of one run.

use core_types::{Scope, TaskId, TaskStatus, Timestamp};

use super::{
    attempt::TaskCourse,
    explain::{Moment, line},
    lane::total_ms,
    path::{HELD, Network, Pace, Times, eta},
    run_fold::RunFold,
};
use crate::fold::{
    Amounts, AttemptView, Explanation, Graph, Header, Lane, RecoveryRow, RepositoryRow, RunView,
    Segment, TaskCounts, TaskRow, TaskView, Timeline, layout,
};

/// What several views need, found once.
pub(super) struct Drawn {
    pub(super) moment: Moment,
    pub(super) lanes: Vec<Vec<Segment>>,
    network: Network,
    pace: Pace,
    durations: Vec<u64>,
    times: Times,
}

impl RunFold {
    pub(super) fn lanes(&self, now: Timestamp) -> Vec<Vec<Segment>> {
        let until = self.course.until(now, self.is_held);
        let is_live = self.course.is_live(self.is_held);
        let tasks = self.course.tasks.iter();
        tasks
            .map(|task| task.lane.segments(until, is_live))
            .collect()
    }

    pub(super) fn draw(&self, now: Timestamp) -> Drawn {
        let moment = self.moment(now);
        let lanes = self.lanes(now);
        let network = Network::of(&self.course);
        let pace = Pace::of(&self.course, &lanes, moment.now);
        let durations = self.course.tasks.iter().zip(&lanes);
        let durations: Vec<u64> = durations
            .map(|(task, lane)| {
                let took = total_ms(lane, &HELD, moment.now);
                // Where nothing tells how long a task takes, the length of a chain counts.
                let expected = pace.expected(task.estimate_ms, 50).unwrap_or(1);
                match task.status {
                    status if status.has_ended() => took,
                    TaskStatus::Running => took.max(expected),
                    _ => expected,
                }
            })
            .collect();
        let times = network.times(&durations);
        Drawn {
            moment,
            lanes,
            network,
            pace,
            durations,
            times,
        }
    }

    /// All of it at a time.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> RunView {
        let drawn = self.draw(now);
        let rows = self.rows(&drawn);
        RunView {
            last_seq: self.last_seq(),
            header: self.header_of(&drawn),
            timeline: self.timeline(&drawn),
            repositories: self.repository_rows(&drawn.moment),
            recoveries: self.course.recoveries.clone(),
            spend: self.spend(),
            lessons: self.served(|_, _| true),
            warnings: self.course.warnings.clone(),
            tasks: rows,
        }
    }

    /// What stands at the top of its page.
    #[must_use]
    pub fn header(&self, now: Timestamp) -> Header {
        self.header_of(&self.draw(now))
    }

    /// All of one of its tasks; `None` where it has no such task.
    #[must_use]
    pub fn task(&self, task: &TaskId, now: Timestamp) -> Option<TaskView> {
        let idx = self.course.position(task)?;
        let drawn = self.draw(now);
        let own = &self.course.tasks[idx];
        let dependents = self.course.dependents(task).iter();
        Some(TaskView {
            row: self.row_of(idx, &drawn, &self.amounts_of(task)),
            explanation: self.explain_at(own, &drawn.moment),
            lane: Lane {
                task: task.clone(),
                segments: drawn.lanes[idx].clone(),
            },
            dependents: dependents
                .map(|&it| self.course.tasks[it].task.clone())
                .collect(),
            attempts: self.attempts(own),
        })
    }

    /// Why one of its tasks is not running; `None` where it has no such task.
    #[must_use]
    pub fn explain(&self, task: &TaskId, now: Timestamp) -> Option<Explanation> {
        let idx = self.course.position(task)?;
        let moment = self.moment(now);
        Some(self.explain_at(&self.course.tasks[idx], &moment))
    }

    /// Its tasks as a picture.
    #[must_use]
    pub fn graph(&self, now: Timestamp) -> Graph {
        let drawn = self.draw(now);
        let tasks = &self.course.tasks;
        let dependencies: Vec<Vec<usize>> = tasks
            .iter()
            .map(|task| {
                let known = task.dependencies.iter();
                known.filter_map(|id| self.course.position(id)).collect()
            })
            .collect();
        let Times {
            slack,
            path,
            is_critical,
            makespan,
        } = drawn.times;
        let ids: Vec<_> = tasks.iter().map(|task| task.task.clone()).collect();
        let mut graph = layout(&ids, &dependencies);
        let mut before = vec![None; tasks.len()];
        for pair in path.windows(2) {
            before[pair[1]] = Some(pair[0]);
        }
        for (idx, node) in graph.nodes.iter_mut().enumerate() {
            node.duration_ms = drawn.durations[idx];
            node.slack_ms = slack[idx];
            node.is_critical = is_critical[idx];
        }
        for edge in &mut graph.edges {
            edge.is_critical = before[edge.to] == Some(edge.from);
        }
        graph.critical_path = path.iter().map(|&idx| ids[idx].clone()).collect();
        graph.critical_ms = makespan;
        graph
    }

    pub(super) fn spend(&self) -> crate::fold::Spend {
        let course = &self.course;
        self.account.spend(|task| {
            let idx = course.position(task)?;
            course.tasks[idx].repository.as_ref()
        })
    }

    fn header_of(&self, drawn: &Drawn) -> Header {
        let course = &self.course;
        let moment = &drawn.moment;
        let stop = course.stop.as_ref();
        let mut counts = TaskCounts::default();
        for task in &course.tasks {
            counts.add(task.status_at(moment.now));
        }
        let started = course.sessions.first().map(|session| session.from);
        let stopped = course.sessions.last().filter(|_| !moment.is_live);
        let eta = moment.is_live.then(|| {
            eta(
                course,
                &drawn.network,
                &drawn.lanes,
                &drawn.pace,
                moment.now,
            )
        });
        Header {
            run: self.run.clone(),
            title: course.title.clone(),
            plan: course.plan.clone(),
            state: moment.state,
            reason: stop.map_or_else(String::new, |stop| stop.reason.clone()),
            stage: course.stage,
            gate: course.gate.as_ref().map(|(gate, _)| gate.clone()),
            exit_code: stop.and_then(|stop| stop.exit_code),
            sessions: u32::try_from(course.sessions.len()).unwrap_or(u32::MAX),
            max_workers: course.max_workers,
            started,
            stopped: stopped.map(|session| session.to.unwrap_or(moment.now)),
            elapsed_ms: course.held_ms(Timestamp(0), moment.now),
            eta: eta.flatten(),
            counts,
        }
    }

    fn rows(&self, drawn: &Drawn) -> Vec<TaskRow> {
        let amounts = self.account.by_task();
        let rows = self.course.tasks.iter().enumerate().map(|(idx, task)| {
            let amounts = amounts.get(&task.task).copied().unwrap_or_default();
            self.row_of(idx, drawn, &amounts)
        });
        rows.collect()
    }

    fn amounts_of(&self, task: &TaskId) -> Amounts {
        let mut by_task = self.account.by_task();
        by_task.remove(task).unwrap_or_default()
    }

    fn row_of(&self, idx: usize, drawn: &Drawn, amounts: &Amounts) -> TaskRow {
        let task = &self.course.tasks[idx];
        let explanation = self.explain_at(task, &drawn.moment);
        TaskRow {
            task: task.task.clone(),
            title: task.title.clone(),
            repository: task.repository.clone(),
            dependencies: task.dependencies.clone(),
            status: explanation.status,
            attempt: task.attempt,
            since: task.since,
            started: task.started,
            ended: task.ended,
            running_ms: total_ms(&drawn.lanes[idx], &HELD, drawn.moment.now),
            estimate_ms: task.estimate_ms,
            slack_ms: drawn.times.slack[idx],
            is_critical: drawn.times.is_critical[idx],
            cost: amounts.spent,
            tokens: amounts.usage.total(),
            failure: task.failure.clone(),
            because_of: task.because_of.clone(),
            waits_for: line(&explanation),
        }
    }

    fn timeline(&self, drawn: &Drawn) -> Timeline {
        let course = &self.course;
        let to = drawn.moment.now;
        let mut sessions = course.sessions.clone();
        let mut stages = course.stages.clone();
        if !drawn.moment.is_live {
            for session in &mut sessions {
                session.to.get_or_insert(to);
            }
            for stage in &mut stages {
                stage.to.get_or_insert(to);
            }
        }
        let lanes = course.tasks.iter().zip(&drawn.lanes);
        Timeline {
            from: sessions.first().map_or(to, |session| session.from),
            to,
            stages,
            sessions,
            lanes: lanes
                .map(|(task, segments)| Lane {
                    task: task.task.clone(),
                    segments: segments.clone(),
                })
                .collect(),
        }
    }

    fn repository_rows(&self, moment: &Moment) -> Vec<RepositoryRow> {
        let course = &self.course;
        let mut counts = vec![TaskCounts::default(); course.repositories.len()];
        for task in &course.tasks {
            let own = task.repository.as_ref();
            if let Some(idx) = own.and_then(|name| course.repository_position(name)) {
                counts[idx].add(task.status_at(moment.now));
            }
        }
        let rows = course.repositories.iter().zip(counts);
        rows.map(|(it, counts)| RepositoryRow {
            repository: it.repository.clone(),
            state: course.member_state(it),
            waits: it.waits.clone(),
            counts,
            head: it.head.clone(),
            tested: it.tested.flatten(),
            is_tested: it.tested.is_some(),
            approved: it.approved,
            review_issues: it.review_issues,
            branch: it.branch.clone(),
            pull_request: it.pull_request,
            landed: it.landed.clone(),
            not_landed: it.not_landed.clone(),
        })
        .collect()
    }

    fn served(
        &self,
        is_wanted: impl Fn(u32, &crate::fold::ServedLessons) -> bool,
    ) -> Vec<crate::fold::ServedLessons> {
        let lessons = self.course.lessons.iter();
        lessons
            .filter(|(attempt, served)| is_wanted(*attempt, served))
            .map(|(_, served)| served.clone())
            .collect()
    }

    fn attempts(&self, task: &TaskCourse) -> Vec<AttemptView> {
        let id = &task.task;
        let is_of = |row: &&RecoveryRow| matches!(&row.scope, Some(Scope::Task(it)) if it == id);
        let recoveries: Vec<_> = self.course.recoveries.iter().filter(is_of).collect();
        let attempts = task.attempts.iter().map(|(&attempt, it)| AttemptView {
            attempt,
            executions: it.executions,
            status: it.status,
            started: it.started,
            ended: it.ended,
            calls: self
                .account
                .of_task(id)
                .filter(|paid| paid.attempt == attempt)
                .map(|paid| paid.call.clone())
                .collect(),
            commands: it.commands.clone(),
            commit: it.commit.clone(),
            files: it.files,
            merged: it.merged.clone(),
            failure: task.failure.clone().filter(|_| task.attempt == attempt),
            recoveries: recoveries
                .iter()
                .filter(|row| row.attempt == attempt)
                .map(|row| (*row).clone())
                .collect(),
            lessons: self.served(|of, served| of == attempt && served.task.as_ref() == Some(id)),
        });
        attempts.collect()
    }
}

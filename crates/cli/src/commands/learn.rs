//! `learn`.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context, Result};
use facade::{
    assemble::{Error, Rules, open_feedback, propose},
    core_types::RepositoryName,
    journal,
    learning::{
        Error as Unlearnt, Figure, LessonAccount, LessonFigures, LessonId, RetiredBecause, Ruling,
        Status,
    },
};
use serde_json::{Value, json};

use crate::{
    args::LearnCommand,
    failure::DONE,
    output::{count, one_line, table},
    session::{Session, refused},
};

/// `automation learn`.
pub(crate) async fn learn(session: &Session, command: LearnCommand) -> Result<u8> {
    match command {
        LearnCommand::Ls => list(session).await,
        LearnCommand::Why { lesson } => why(session, &lesson).await,
        LearnCommand::Add {
            text,
            from,
            repository,
        } => add(session, text, from.as_deref(), repository).await,
        LearnCommand::Approve { lesson } => {
            let lesson = named(&lesson)?;
            let user = session.surroundings.variable("USER");
            let by = user.unwrap_or_else(|| "a person".to_owned());
            let feedback = open_feedback(&session.home, &session.surroundings)?;
            feedback.approve(lesson, &by).await.map_err(Error::from)?;
            done(session, lesson, "approved")
        }
        LearnCommand::Retire { lesson, reason } => {
            let lesson = named(&lesson)?;
            let feedback = open_feedback(&session.home, &session.surroundings)?;
            feedback
                .retire(lesson, &reason)
                .await
                .map_err(Error::from)?;
            done(session, lesson, "retired")
        }
        LearnCommand::Stats => stats(session).await,
        LearnCommand::Export { file, repository } => {
            export(session, &file, repository.as_deref()).await
        }
    }
}

fn named(text: &str) -> Result<LessonId, Error> {
    text.parse().map_err(|error: Unlearnt| error.into())
}

fn repository_of(name: Option<&str>) -> Result<Option<RepositoryName>, Error> {
    name.map(|name| RepositoryName::new(name).map_err(refused))
        .transpose()
}

fn done(session: &Session, lesson: LessonId, what: &str) -> Result<u8> {
    session.output.line(format!("{lesson} is {what}"));
    session
        .output
        .json(&json!({"lesson": lesson, "done": what}))?;
    Ok(DONE)
}

async fn list(session: &Session) -> Result<u8> {
    let feedback = open_feedback(&session.home, &session.surroundings)?;
    let lessons = feedback.lessons().await.map_err(Error::from)?;
    let values: Vec<_> = lessons.iter().map(lesson_value).collect();
    session.output.json(&values)?;
    if lessons.is_empty() {
        session
            .output
            .line("no lessons yet; add one with `automation learn add TEXT`");
        return Ok(DONE);
    }
    let mut rows = vec![
        [
            "lesson",
            "",
            "from",
            "with it",
            "without it",
            "gain",
            "text",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(lessons.iter().map(|it| {
        let waits = it.awaits_approval || it.lesson.needs_approval();
        let status = match waits && !matches!(it.lesson.status, Status::Retired(_)) {
            true => format!("{}, awaits approval", it.lesson.status.as_str()),
            false => it.lesson.status.as_str().to_owned(),
        };
        let first = it.lesson.origins.first();
        vec![
            it.lesson.id.to_string(),
            status,
            first.map_or("", |it| it.source.as_str()).to_owned(),
            format!("{} of {}", it.with.1, it.with.0),
            format!("{} of {}", it.without.1, it.without.0),
            it.gain.as_percent().to_string(),
            one_line(&it.lesson.text, 100),
        ]
    }));
    for line in table(&rows) {
        session.output.line(line);
    }
    Ok(DONE)
}

fn lesson_value(it: &LessonFigures) -> Value {
    json!({
        "lesson": it.lesson,
        "with": {"tasks": it.with.0, "successes": it.with.1},
        "without": {"tasks": it.without.0, "successes": it.without.1},
        "gain": figure_value(&it.gain),
        "awaits_approval": it.awaits_approval || it.lesson.needs_approval(),
    })
}

fn figure_value(figure: &Figure) -> Value {
    match figure {
        Figure::Known {
            value,
            low,
            high,
            n,
        } => json!({"value": value, "low": low, "high": high, "n": n}),
        Figure::NotEnough { n, needed } => json!({"n": n, "needed": needed}),
    }
}

async fn why(session: &Session, lesson: &str) -> Result<u8> {
    let lesson = named(lesson)?;
    let feedback = open_feedback(&session.home, &session.surroundings)?;
    let account = feedback.why(lesson).await.map_err(Error::from)?;
    let (output, figures) = (session.output, &account.figures);
    let lesson = &figures.lesson;
    output.line(format!("{}: {}", lesson.id, lesson.text));
    output.line(standing(figures));
    for origin in &lesson.origins {
        let mut from = format!("from {}", origin.source.as_str());
        if let Some(run) = &origin.run {
            from.push_str(&format!(", run {run}"));
        }
        if let Some(task) = &origin.task {
            from.push_str(&format!(", task {task}"));
        }
        if !origin.place.is_empty() {
            from.push_str(&format!(", {}", origin.place));
        }
        output.line(from);
    }
    if !figures.stands_in.is_empty() {
        let names: Vec<_> = figures.stands_in.iter().map(ToString::to_string).collect();
        output.line(format!(
            "the files for agents of {} say it: neither tried nor watched there",
            names.join(", ")
        ));
    }
    output.line(format!(
        "with it {} of {} randomised tasks ended well, without it {} of {}; gain {}",
        figures.with.1,
        figures.with.0,
        figures.without.1,
        figures.without.0,
        figures.gain.as_percent()
    ));
    for look in looks(&account) {
        output.line(look);
    }
    if let Some((tasks, then)) = account.next_look {
        output.line(format!("looked at next after {then} tasks; {tasks} so far"));
    }
    let mut value = lesson_value(figures);
    value["stands_in"] = json!(figures.stands_in);
    value["looks"] = serde_json::to_value(&account.looks)?;
    value["next_look"] = json!(
        account
            .next_look
            .map(|(tasks, then)| json!({"tasks": tasks, "at": then}))
    );
    output.json(&value)?;
    Ok(DONE)
}

fn standing(figures: &LessonFigures) -> String {
    let status = match &figures.lesson.status {
        Status::Retired(because) => {
            let because = match because {
                RetiredBecause::Harmful => "it did harm in its trial".to_owned(),
                RetiredBecause::Unproven => "its trial ended without proof".to_owned(),
                RetiredBecause::Faded => "it had helped and does so no more".to_owned(),
                RetiredBecause::Person { reason } if reason.is_empty() => {
                    "a person did it".to_owned()
                }
                RetiredBecause::Person { reason } => format!("a person did it: {reason}"),
            };
            format!("retired: {because}")
        }
        Status::Trial { round } => format!("on trial in round {round}"),
        status => status.as_str().to_owned(),
    };
    match &figures.lesson.approved_by {
        Some(by) => format!("{status}; approved by {by}"),
        None if figures.lesson.needs_approval() => {
            format!(
                "{status}; awaits approval: automation learn approve {}",
                figures.lesson.id
            )
        }
        None => status,
    }
}

fn looks(account: &LessonAccount) -> Vec<String> {
    let looks = account.looks.iter().flat_map(|look| {
        look.verdicts.iter().map(move |verdict| {
            let ruling = match verdict.ruling {
                Ruling::GoOn => "goes on",
                Ruling::Promote => "promoted",
                Ruling::Harmful => "retired, it does harm",
                Ruling::Unproven => "retired, not proven",
            };
            let gain = verdict.gain.map_or("no gain known".to_owned(), |(gain, error)| {
                format!("gain {:+.1} points (standard error {:.1})", gain * 100.0, error * 100.0)
            });
            format!(
                "round {}, look {} after {} tasks: {} with it, {} without, {gain}, p {:.4}: {ruling}",
                look.round, look.look, look.tasks, verdict.tasks.0, verdict.tasks.1, verdict.p
            )
        })
    });
    looks.collect()
}

async fn add(
    session: &Session,
    text: Option<String>,
    from: Option<&Path>,
    repository: Option<String>,
) -> Result<u8> {
    let repository = repository_of(repository.as_deref())?;
    let read = match from {
        None => None,
        Some(file) => {
            let path = session.surroundings.current_dir.join(file);
            let text = fs::read_to_string(&path).map_err(|source| Error::Io {
                operation: "read",
                path,
                source,
            })?;
            Some((file.display().to_string(), text))
        }
    };
    let rules = match (&read, &text) {
        (Some((name, text)), _) => Rules::File { name, text },
        (None, text) => Rules::One(text.as_deref().unwrap_or_default()),
    };
    let lessons = propose(&session.home, &session.surroundings, rules, repository).await?;
    let names: Vec<_> = lessons.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => session.output.line("the file has no list items"),
        names => session.output.line(format!(
            "{}: {}",
            count(names.len(), "candidate"),
            names.join(", ")
        )),
    }
    session.output.json(&json!({"lessons": lessons}))?;
    Ok(DONE)
}

async fn stats(session: &Session) -> Result<u8> {
    let feedback = open_feedback(&session.home, &session.surroundings)?;
    let stats = feedback.get_learning_stats().await.map_err(Error::from)?;
    let lessons = &stats.lessons;
    let rows = [
        ("attempts recorded", stats.total_executions.to_string()),
        ("ended well", stats.successful_executions.to_string()),
        ("outcome measured", stats.measured_executions.to_string()),
        ("success rate", stats.success_rate.as_percent().to_string()),
        (
            "average review score",
            stats.average_review_score.to_string(),
        ),
        (
            "lessons",
            format!(
                "{} candidates, {} on trial ({} await approval), {} promoted, {} retired",
                lessons.candidates,
                lessons.trials,
                lessons.awaiting_approval,
                lessons.promoted,
                lessons.retired
            ),
        ),
        ("passed over", format!("{} records", stats.skipped_records)),
        (
            "no evidence, an agent's word",
            format!("{} records", stats.self_reported),
        ),
        ("never recorded", format!("{} draws", stats.dropped_draws)),
        ("cleaned away", format!("{} records", stats.removed)),
        ("secrets taken out", stats.secrets_scrubbed.to_string()),
    ]
    .map(|(what, figure)| vec![what.to_owned(), figure]);
    for line in table(&rows) {
        session.output.line(line);
    }
    session.output.json(&json!({
        "total_executions": stats.total_executions,
        "successful_executions": stats.successful_executions,
        "measured_executions": stats.measured_executions,
        "success_rate": figure_value(&stats.success_rate),
        "average_review_score": figure_value(&stats.average_review_score),
        "lessons": {
            "candidates": lessons.candidates, "trials": lessons.trials, "promoted": lessons.promoted,
            "retired": lessons.retired, "awaiting_approval": lessons.awaiting_approval,
        },
        "skipped_records": stats.skipped_records,
        "self_reported": stats.self_reported,
        "dropped_draws": stats.dropped_draws,
        "removed": stats.removed,
        "secrets_scrubbed": stats.secrets_scrubbed,
    }))?;
    Ok(DONE)
}

async fn export(session: &Session, file: &Path, repository: Option<&str>) -> Result<u8> {
    let repository = repository_of(repository)?;
    let feedback = open_feedback(&session.home, &session.surroundings)?;
    let is_printed = file == Path::new("-");
    let path = session.surroundings.current_dir.join(file);
    // A link stays one: what it leads to is written.
    let path = fs::canonicalize(&path).unwrap_or(path);
    let before = match fs::read_to_string(&path) {
        _ if is_printed => String::new(),
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            return Err(Error::Io {
                operation: "read",
                path,
                source,
            }
            .into());
        }
    };
    let exported = feedback.export(&before, repository.as_ref());
    let after = exported
        .await
        .map_err(Error::from)
        .with_context(|| format!("{} was not changed", path.display()))?;
    let n_lessons = after.matches("<!-- L").count();
    if !is_printed && let Some(repository) = &repository {
        // As long as no run has read the file itself.
        let noted = feedback.note_guidance(repository, &after);
        noted.await.map_err(Error::from)?;
    }
    if is_printed {
        session.output.line(after.trim_end());
    } else if after != before {
        let mode = fs::metadata(&path).map_or(0o644, |it| it.permissions().mode());
        journal::atomic_write(&path, after.as_bytes())
            .with_context(|| format!("{} could not be written", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .with_context(|| format!("{} could not be made readable", path.display()))?;
        session.output.line(format!(
            "wrote {} to {}",
            count(n_lessons, "lesson"),
            path.display()
        ));
    } else if n_lessons == 0 {
        session
            .output
            .line("no lesson is promoted: nothing to write");
    } else {
        session
            .output
            .line(format!("{} is as it should be", path.display()));
    }
    session.output.json(&json!({
        "file": file, "changed": after != before, "lessons": n_lessons, "text": after,
    }))?;
    Ok(DONE)
}

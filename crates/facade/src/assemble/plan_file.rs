use std::{
    fs,
    path::{Path, PathBuf},
};

use config::plan::{PlanFile as File, PlanTask, to_yaml};
use core_types::{ErrorClass, Plan, PlanId, PortError, RepositoryName, Task, TaskId};
use engine_workflow::PlanFile;

use super::Error;

/// Writes the settled plan into the run's folder.
#[derive(Debug)]
pub(crate) struct PlanWriter {
    pub(crate) path: PathBuf,
}

impl PlanFile for PlanWriter {
    fn write(&self, plan: &Plan) -> Result<(), PortError> {
        journal::atomic_write(&self.path, plan_to_yaml(plan).as_bytes()).map_err(|error| {
            PortError::new(ErrorClass::ResourceExhausted, "write the plan").because(error)
        })
    }
}

/// A plan as a file that people read and edit.
#[must_use]
pub fn plan_to_yaml(plan: &Plan) -> String {
    let tasks = plan.tasks.iter().map(|task| PlanTask {
        id: task.id.to_string(),
        title: task.title.clone(),
        description: task.description.clone(),
        repository: Some(task.repository.to_string()),
        dependencies: task.dependencies.iter().map(ToString::to_string).collect(),
        files: task.files.clone(),
        estimate: task.estimate,
        ..PlanTask::default()
    });
    let file = File {
        id: Some(plan.id.to_string()),
        title: Some(plan.title.clone()),
        tasks: tasks.collect(),
    };
    to_yaml(
        &file,
        "A plan: tasks, where they are done, and what each needs before it.",
    )
}

/// Reads a plan that a person wrote. A task without a repository belongs to the only one of the run.
///
/// # Errors
///
/// [`Error::Config`] with all findings of the file, [`Error::Io`].
pub fn plan_from_file(
    path: &Path,
    default_id: &PlanId,
    repositories: &[RepositoryName],
) -> Result<Plan, Error> {
    let shown = path.display().to_string();
    let io = |source| Error::Io {
        operation: "read",
        path: path.to_owned(),
        source,
    };
    let bytes = fs::read(path).map_err(io)?;
    let names: Vec<_> = repositories.iter().map(RepositoryName::as_str).collect();
    let file = config::load_plan_over(&shown, config::decode(&shown, &bytes)?, &names)?;
    let invalid = |error: core_types::InvalidName| Error::request(format!("{shown}: {error}"), "");
    let mut tasks = Vec::with_capacity(file.tasks.len());
    for task in file.tasks {
        let repository = match (&task.repository, repositories) {
            (Some(name), _) => RepositoryName::new(name).map_err(invalid)?,
            (None, [only]) => only.clone(),
            // The file was checked against the repositories.
            (None, _) => {
                let message = format!("{shown}: task {} names no repository", task.id);
                return Err(Error::request(message, "add the key repository"));
            }
        };
        tasks.push(Task {
            id: TaskId::new(&task.id).map_err(invalid)?,
            title: task.title,
            description: task.description,
            repository,
            dependencies: task
                .dependencies
                .iter()
                .map(TaskId::new)
                .collect::<Result<_, _>>()
                .map_err(invalid)?,
            files: task.files,
            estimate: task.estimate,
        });
    }
    let id = file
        .id
        .map_or_else(|| Ok(default_id.clone()), PlanId::new)
        .map_err(invalid)?;
    let title = file.title.unwrap_or_else(|| {
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        stem.unwrap_or_default()
    });
    Ok(Plan { id, title, tasks })
}

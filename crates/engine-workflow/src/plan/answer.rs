//! A plan as an agent answers it.

use core_types::{Plan, PlanId, RepositoryName, Task, TaskId, parse_duration};
use serde_json::{Map, Value};

use super::Finding;

const KEYS: [&str; 7] = [
    "id",
    "title",
    "description",
    "repository",
    "dependencies",
    "files",
    "estimate",
];

/// Reads an agent's answer: an object with the key `tasks`, a list of objects
/// with the keys `id title description repository dependencies files estimate`.
///
/// # Errors
///
/// All findings at once.
pub fn from_answer(answer: &Value, id: &PlanId, title: &str) -> Result<Plan, Vec<Finding>> {
    let Some(tasks) = answer.get("tasks").and_then(Value::as_array) else {
        return Err(vec![Finding(
            "expected an object with a list under the key tasks".to_owned(),
        )]);
    };
    let mut findings = Vec::new();
    let tasks: Vec<_> = tasks
        .iter()
        .enumerate()
        .filter_map(|(position, value)| {
            let Some(object) = value.as_object() else {
                findings.push(Finding(format!("tasks[{position}]: expected an object")));
                return None;
            };
            Reader {
                position,
                object,
                findings: &mut findings,
            }
            .task()
        })
        .collect();
    let title = answer
        .get("title")
        .and_then(Value::as_str)
        .unwrap_or(title)
        .to_owned();
    if findings.is_empty() {
        Ok(Plan {
            id: id.clone(),
            title,
            tasks,
        })
    } else {
        Err(findings)
    }
}

struct Reader<'a> {
    position: usize,
    object: &'a Map<String, Value>,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn task(mut self) -> Option<Task> {
        for key in self
            .object
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()))
        {
            let known = KEYS.join(" ");
            self.find(key, &format!("unknown key; known are: {known}"));
        }
        let id = self.text("id").unwrap_or_default();
        let id = TaskId::new(&id)
            .map_err(|error| self.find("id", &error.to_string()))
            .ok();
        let repository = self.text("repository").unwrap_or_default();
        let repository = RepositoryName::new(&repository)
            .map_err(|error| self.find("repository", &error.to_string()))
            .ok();
        let title = self.text("title").filter(|title| !title.trim().is_empty());
        if title.is_none() {
            self.find("title", "expected a text that is not empty");
        }
        let mut dependencies = Vec::new();
        for name in self.texts("dependencies") {
            match TaskId::new(&name) {
                Ok(id) if dependencies.contains(&id) => {}
                Ok(id) => dependencies.push(id),
                Err(error) => self.find("dependencies", &error.to_string()),
            }
        }
        let estimate = match self.object.get("estimate") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let estimate = value.as_str().and_then(parse_duration);
                if estimate.is_none() {
                    self.find(
                        "estimate",
                        "expected a duration such as \"90s\", \"5m\" or \"2h\"",
                    );
                }
                estimate
            }
        };
        Some(Task {
            id: id?,
            title: title?,
            description: self.text("description").unwrap_or_default(),
            repository: repository?,
            dependencies,
            files: self.texts("files"),
            estimate,
        })
    }

    fn find(&mut self, key: &str, message: &str) {
        let position = self.position;
        self.findings
            .push(Finding(format!("tasks[{position}].{key}: {message}")));
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.object.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.find(key, "expected a text");
                None
            }
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let texts = match self.object.get(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect(),
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.find(key, "expected a list of texts");
            Vec::new()
        })
    }
}

//! The file that `automation init` writes: what was found, and every other key with its default in a comment.

use crate::{
    command::Command,
    schema::{Kind, Shape, default_document},
    yaml::{comment, scalar},
};

/// What `automation init` found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitChoices {
    /// The agents, of which the first becomes the default; none are written as a commented example.
    pub agents: Vec<AgentChoice>,
}

/// An agent for [`InitChoices`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentChoice {
    /// Its name, a valid one.
    pub name: String,
    /// Its kind, such as `command`.
    pub kind: String,
    /// What to run, for the kind `command`.
    pub command: Option<Command>,
    /// The playbook's file, for the kind `scripted`.
    pub playbook: Option<String>,
    /// Whether it works by a login of its own.
    pub own_login: bool,
    /// Whether a task may leave its repository as it was, as a codemod may.
    pub changes_optional: bool,
    /// A line for the reader, such as where the program was found; may be empty.
    pub comment: String,
}

const HEAD: &str = "Settings of the automation engine. Keys right behind a # show their defaults. A value may be ${NAME}, \
    which is the environment variable of that name, but only as a whole.";

const EXAMPLE: &str = "\
agents:
  - name: codemod
    kind: command
    command: \"grep -rl foo . --include=*.txt | xargs -r sed -i s/foo/bar/g\"
    changes: optional
";

/// Writes `config/automation.yaml`. What is written is read without findings, if names and kinds are valid and no name
/// stands twice.
pub fn render(choices: &InitChoices) -> String {
    let mut text = comment("", HEAD);
    for key in Kind::Automation.keys() {
        text.push('\n');
        text.push_str(&comment("", key.doc));
        match (key.name, &key.shape) {
            ("default_agent", _) => match choices.agents.first() {
                Some(agent) => text.push_str(&format!("default_agent: {}\n", scalar(&agent.name))),
                None => text.push_str("#default_agent: codemod\n"),
            },
            ("agents", _) if choices.agents.is_empty() => {
                text.extend(EXAMPLE.lines().map(|line| format!("#{line}\n")))
            }
            ("agents", _) => {
                text.push_str("agents:\n");
                text.extend(choices.agents.iter().map(agent));
            }
            (name, Shape::Section(keys)) => {
                text.push_str(&format!("{name}:\n"));
                let defaults = default_document().get(name);
                for key in *keys {
                    let default = defaults.and_then(|node| node.get(key.name)?.as_scalar());
                    text.push_str(&comment("  ", key.doc));
                    let absent = match key.shape {
                        Shape::List(_) => "[]",
                        _ => "",
                    };
                    let default = default.map_or(absent, |scalar| &scalar.text);
                    text.push_str(&format!("  #{}: {default}\n", key.name));
                }
            }
            _ => {}
        }
    }
    text
}

fn agent(choice: &AgentChoice) -> String {
    let mut text = comment("  ", &choice.comment);
    text.push_str(&format!(
        "  - name: {}\n    kind: {}\n",
        scalar(&choice.name),
        scalar(&choice.kind)
    ));
    if let Some(command) = &choice.command {
        text.push_str(&format!("    command: {}\n", command.to_yaml()));
    }
    if let Some(playbook) = &choice.playbook {
        text.push_str(&format!("    playbook: {}\n", scalar(playbook)));
    }
    if choice.own_login {
        text.push_str("    login: own\n");
    }
    if choice.changes_optional {
        text.push_str("    changes: optional\n");
    }
    text
}

//! `docs`: reference documentation, generated from what the program does.

use anyhow::Result;
use clap::CommandFactory;
use facade::{
    config::{Kind, json_schema, reference_markdown},
    monitoring::metrics::reference,
};

use crate::{
    args::{Arguments, DocsPage},
    failure::DONE,
    output::Output,
};

/// `automation docs`.
pub(crate) fn docs(output: Output, page: DocsPage) -> Result<u8> {
    let text = match page {
        DocsPage::Config => reference_markdown(),
        DocsPage::Cli => command_line(),
        DocsPage::SettingsSchema => serde_json::to_string_pretty(&json_schema(Kind::Automation))?,
        DocsPage::RepositoriesSchema => {
            serde_json::to_string_pretty(&json_schema(Kind::Repositories))?
        }
        DocsPage::ModelsSchema => serde_json::to_string_pretty(&json_schema(Kind::Models))?,
        DocsPage::Metrics => reference(),
    };
    output.line(text.trim_end());
    output.json(&text)?;
    Ok(DONE)
}

/// Every command with its help, as Markdown.
fn command_line() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut text = "# The command line\n".to_owned();
    describe(&mut command, 2, &mut text);
    text
}

fn describe(command: &mut clap::Command, level: usize, text: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<_> = help.lines().map(str::trim_end).collect();
    let name = command
        .get_bin_name()
        .unwrap_or(command.get_name())
        .to_owned();
    text.push_str(&format!(
        "\n{} {name}\n\n```text\n{}\n```\n",
        "#".repeat(level),
        help.join("\n").trim_end()
    ));
    for sub in command.get_subcommands_mut() {
        if !sub.is_hide_set() && sub.get_name() != "help" {
            describe(sub, level + 1, text);
        }
    }
}

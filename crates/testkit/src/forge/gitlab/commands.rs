//! Lines of a text that are commands: it does them, and does not keep them.

/// Some of those that it knows.
const NAMES: [&str; 12] = [
    "approve",
    "assign",
    "assign_reviewer",
    "close",
    "draft",
    "due",
    "label",
    "merge",
    "rebase",
    "reopen",
    "title",
    "unlabel",
];

/// The text that is kept, and the names of the commands in it.
pub(super) fn taken(text: &str) -> (String, Vec<String>) {
    let text = text.replace('\r', "");
    let mut commands = Vec::new();
    let mut kept = Vec::new();
    let mut is_code = false;
    for line in text.split('\n') {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let name = line.strip_prefix('/').and_then(|it| {
            let name = it.split([' ', '\t']).next()?.to_ascii_lowercase();
            NAMES.contains(&&*name).then_some(name)
        });
        match name {
            Some(name) if !is_code => commands.push(name),
            _ => kept.push(line),
        }
    }
    (kept.join("\n").trim_end().to_owned(), commands)
}

#[cfg(test)]
mod tests {
    use super::taken;

    #[test]
    fn commands_are_taken_out_of_texts() {
        let (text, commands) = taken("a\r\n/close\n/usr/bin\n```\n/merge\n```\n/LABEL ~b\n \n");
        assert_eq!(text, "a\n/usr/bin\n```\n/merge\n```");
        assert_eq!(commands, ["close", "label"]);
    }
}

//! `${NAME}`: a value from outside, and never a piece of one.

/// Where variables are looked up: the environment of the program, handed in by it.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variable that a scalar is, if the whole of it is one.
pub(crate) fn whole_variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    is_name(name).then_some(name)
}

/// The first variable that a text contains.
pub(crate) fn names_variable(text: &str) -> Option<&str> {
    text.split("${").skip(1).find_map(|rest| {
        rest.split_once('}')
            .map(|(name, _)| name)
            .filter(|name| is_name(name))
    })
}

/// Whether a text is the name of a variable: `A-Z a-z 0-9 _`, no digit first.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

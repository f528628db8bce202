//! Agents that settle conflicts, honestly and not. They see what an
//! `AgentRequest` holds, and the folder that it names: no case, no solution.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use core_types::{
    Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult, AgentTask, CancellationToken,
    ChangePolicy, ConflictHunk, ConflictedFile, ErrorClass, PortError, TokenUsage,
};

/// What a fixer does with the folder of a request.
pub(crate) type Fix = fn(&Path, &[ConflictedFile], &[String]) -> io::Result<()>;

/// An agent that repairs by a function.
#[derive(Debug)]
pub(crate) struct Fixer {
    name: &'static str,
    fix: Fix,
    asked: AtomicU32,
}

impl Fixer {
    pub(crate) fn new(name: &'static str, fix: Fix) -> Self {
        let asked = AtomicU32::new(0);
        Self { name, fix, asked }
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Agent for Fixer {
    fn name(&self) -> &str {
        self.name
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities {
            repair: true,
            ..AgentCapabilities::default()
        }
    }

    fn changes(&self) -> ChangePolicy {
        ChangePolicy::Required
    }

    async fn run(
        &self,
        request: AgentRequest,
        cancel: &CancellationToken,
    ) -> Result<AgentResult, PortError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if cancel.is_cancelled() {
            return Err(PortError::new(ErrorClass::Cancelled, "run the fixer"));
        }
        let AgentTask::ResolveConflict {
            files, findings, ..
        } = &request.task
        else {
            return Err(PortError::new(ErrorClass::Validation, "settle a conflict"));
        };
        (self.fix)(&request.folder, files, findings).map_err(|error| {
            PortError::new(ErrorClass::Internal, "edit the clone").because(error)
        })?;
        Ok(AgentResult {
            answer: AgentAnswer::Work {
                summary: "kept both".to_owned(),
            },
            usage: TokenUsage::default(),
            cost: None,
            model: String::new(),
            prompt: String::new(),
            conversation: None,
        })
    }
}

/// One that can repair nothing.
#[derive(Debug)]
pub(crate) struct Unable;

#[async_trait]
impl Agent for Unable {
    fn name(&self) -> &'static str {
        "unable"
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities::default()
    }

    fn changes(&self) -> ChangePolicy {
        ChangePolicy::Required
    }

    async fn run(&self, _: AgentRequest, _: &CancellationToken) -> Result<AgentResult, PortError> {
        unreachable!("it is not asked for what it cannot do")
    }
}

/// Puts the words of both sides together.
pub(crate) fn honest(folder: &Path, files: &[ConflictedFile], _: &[String]) -> io::Result<()> {
    for file in files {
        let mut moved = Vec::new();
        edit(folder, file, |hunk, rest| {
            if let Some(change) = moved_away(hunk, rest) {
                moved.push(change);
                return String::new();
            }
            both(hunk)
        })?;
        if !moved.is_empty() {
            let path = folder.join(&file.path);
            let mut text = fs::read_to_string(&path)?;
            for (from, to) in moved {
                text = text.replacen(&from, &to, 1);
            }
            put(&path, &text)?;
        }
    }
    Ok(())
}

/// Leaves the last hunk as it is, at first and when told so.
pub(crate) fn leaves_a_marker(
    folder: &Path,
    files: &[ConflictedFile],
    _: &[String],
) -> io::Result<()> {
    let n_hunks: usize = files.iter().map(|file| file.hunks.len()).sum();
    let mut n_seen = 0;
    for file in files {
        edit_marked(folder, file, |hunk, _, marked| {
            n_seen += 1;
            if n_seen == n_hunks {
                return marked.to_owned();
            }
            both(hunk)
        })?;
    }
    Ok(())
}

/// Takes the lines that begin with `<` away, and forgets the rest.
pub(crate) fn leaves_debris(
    folder: &Path,
    files: &[ConflictedFile],
    _: &[String],
) -> io::Result<()> {
    for file in files {
        edit_marked(folder, file, |hunk, _, marked| {
            let last = marked.lines().last().unwrap_or_default();
            format!("{}{last}\n", both(hunk))
        })?;
    }
    Ok(())
}

/// Hides the markers in comments.
pub(crate) fn comments_markers(
    folder: &Path,
    files: &[ConflictedFile],
    _: &[String],
) -> io::Result<()> {
    for file in files {
        edit_marked(folder, file, |hunk, _, marked| {
            let first = marked.lines().next().unwrap_or_default();
            format!("# {first}\n{}", both(hunk))
        })?;
    }
    Ok(())
}

/// Keeps our side alone.
pub(crate) fn drops_theirs(
    folder: &Path,
    files: &[ConflictedFile],
    _: &[String],
) -> io::Result<()> {
    for file in files {
        edit(folder, file, |hunk, _| hunk.ours.clone())?;
    }
    Ok(())
}

/// Keeps their side alone.
pub(crate) fn drops_ours(folder: &Path, files: &[ConflictedFile], _: &[String]) -> io::Result<()> {
    for file in files {
        edit(folder, file, |hunk, _| hunk.theirs.clone())?;
    }
    Ok(())
}

/// Takes all conflicting lines away.
pub(crate) fn drops_both(folder: &Path, files: &[ConflictedFile], _: &[String]) -> io::Result<()> {
    for file in files {
        edit(folder, file, |hunk, _| hunk.base.clone())?;
    }
    Ok(())
}

/// Settles honestly, and mistypes what it writes.
pub(crate) fn breaks_tests(
    folder: &Path,
    files: &[ConflictedFile],
    _: &[String],
) -> io::Result<()> {
    for file in files {
        edit(folder, file, |hunk, _| {
            both(hunk).replace(|c: char| c.is_alphanumeric(), "q")
        })?;
    }
    Ok(())
}

/// Settles honestly, and makes the tests pass whatever happens.
pub(crate) fn edits_the_tests(
    folder: &Path,
    files: &[ConflictedFile],
    findings: &[String],
) -> io::Result<()> {
    honest(folder, files, findings)?;
    put(&folder.join("test.sh"), "exit 0\n")
}

/// Settles honestly, and leaves a file beside.
pub(crate) fn adds_a_file(
    folder: &Path,
    files: &[ConflictedFile],
    findings: &[String],
) -> io::Result<()> {
    honest(folder, files, findings)?;
    put(&folder.join("notes.orig"), "what I did\n")
}

/// Deletes what conflicts.
pub(crate) fn deletes_the_file(
    folder: &Path,
    files: &[ConflictedFile],
    _: &[String],
) -> io::Result<()> {
    for file in files {
        fs::remove_file(folder.join(&file.path))?;
    }
    Ok(())
}

/// Replaces what conflicts by a link.
pub(crate) fn makes_a_link(
    folder: &Path,
    files: &[ConflictedFile],
    _: &[String],
) -> io::Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        fs::remove_file(&path)?;
        std::os::unix::fs::symlink("/etc/hostname", path)?;
    }
    Ok(())
}

/// Settles honestly, and takes the file's lines outside of the hunks away.
pub(crate) fn loses_the_rest(
    folder: &Path,
    files: &[ConflictedFile],
    findings: &[String],
) -> io::Result<()> {
    honest(folder, files, findings)?;
    for file in files {
        let hunks: Vec<_> = file
            .hunks
            .iter()
            .flat_map(|hunk| [&hunk.ours, &hunk.theirs])
            .flat_map(|text| text.lines())
            .collect();
        let path = folder.join(&file.path);
        let text = fs::read_to_string(&path)?;
        let kept = text.lines().filter(|line| hunks.contains(line));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        if kept == text {
            return Err(io::Error::other("there is nothing to lose"));
        }
        put(&path, &kept)?;
    }
    Ok(())
}

/// Leaves everything as it is.
pub(crate) fn does_nothing(_: &Path, _: &[ConflictedFile], _: &[String]) -> io::Result<()> {
    Ok(())
}

/// Ends with an error.
pub(crate) fn fails(_: &Path, _: &[ConflictedFile], _: &[String]) -> io::Result<()> {
    Err(io::Error::other("out of ideas"))
}

/// Forgets a marker at first, and does it right when told.
pub(crate) fn learns(
    folder: &Path,
    files: &[ConflictedFile],
    findings: &[String],
) -> io::Result<()> {
    if findings
        .iter()
        .any(|finding| finding.contains("conflict markers"))
    {
        return honest(folder, files, findings);
    }
    leaves_debris(folder, files, findings)
}

/// All that must never be accepted.
pub(crate) const WRONG: &[(&str, Fix)] = &[
    ("leaves a marker", leaves_a_marker),
    ("leaves debris", leaves_debris),
    ("comments markers", comments_markers),
    ("drops theirs", drops_theirs),
    ("drops ours", drops_ours),
    ("drops both", drops_both),
    ("breaks tests", breaks_tests),
    ("edits the tests", edits_the_tests),
    ("adds a file", adds_a_file),
    ("deletes the file", deletes_the_file),
    ("makes a link", makes_a_link),
    ("loses the rest", loses_the_rest),
    ("does nothing", does_nothing),
    ("fails", fails),
];

fn put(path: &Path, text: &str) -> io::Result<()> {
    // The mode stays, as with an editor.
    let mode = fs::metadata(path).map(|it| it.permissions().mode()).ok();
    let mut file = fs::File::create(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    match mode {
        Some(mode) => file.set_permissions(fs::Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

fn edit(
    folder: &Path,
    file: &ConflictedFile,
    mut decide: impl FnMut(&ConflictHunk, &str) -> String,
) -> io::Result<()> {
    edit_marked(folder, file, |hunk, rest, _| decide(hunk, rest))
}

/// Replaces each hunk, from the last to the first, by what is decided of it, the
/// file's text outside of all hunks, and the hunk with its markers.
fn edit_marked(
    folder: &Path,
    file: &ConflictedFile,
    mut decide: impl FnMut(&ConflictHunk, &str, &str) -> String,
) -> io::Result<()> {
    let path = folder.join(&file.path);
    let text = fs::read_to_string(&path)?;
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let count = |text: &str| text.split_inclusive('\n').count();
    let places: Vec<_> = file
        .hunks
        .iter()
        .map(|hunk| {
            let first = hunk.line as usize - 1;
            let n_lines = 4 + count(&hunk.base) + count(&hunk.ours) + count(&hunk.theirs);
            first..first + n_lines
        })
        .collect();
    let is_outside = |idx: &usize| !places.iter().any(|place| place.contains(idx));
    let outside: String = (0..lines.len())
        .filter(is_outside)
        .map(|idx| lines[idx])
        .collect();
    let mut settled = String::new();
    let mut at = 0;
    for (hunk, place) in file.hunks.iter().zip(places) {
        settled.extend(lines[at..place.start].iter().copied());
        let marked: String = lines[place.clone()].concat();
        settled.push_str(&decide(hunk, &outside, &marked));
        at = place.end;
    }
    settled.extend(lines[at..].iter().copied());
    put(&path, &settled)
}

/// What to replace elsewhere, where one side moved the lines that the other changed.
fn moved_away(hunk: &ConflictHunk, outside: &str) -> Option<(String, String)> {
    let (gone, changed) = match (hunk.ours.trim(), hunk.theirs.trim()) {
        ("", _) => (&hunk.base, &hunk.theirs),
        (_, "") => (&hunk.base, &hunk.ours),
        _ => return None,
    };
    let (gone, changed) = (gone.trim_end(), changed.trim_end());
    (!gone.is_empty() && outside.contains(gone)).then(|| (gone.to_owned(), changed.to_owned()))
}

/// The lines of both sides: additions one after the other, changes word by word.
fn both(hunk: &ConflictHunk) -> String {
    let (base, ours, theirs) = (&hunk.base, &hunk.ours, &hunk.theirs);
    if base.trim().is_empty() {
        // What both begin with they share; what comes after belongs to each.
        let shared = (ours.split_inclusive('\n').zip(theirs.split_inclusive('\n')))
            .take_while(|(our, their)| our == their)
            .map(|(line, _)| line.len())
            .sum::<usize>();
        return format!("{ours}{}", &theirs[shared..]);
    }
    if let Some(text) = one_indents(base, ours, theirs).or_else(|| one_indents(base, theirs, ours))
    {
        return text;
    }
    word_by_word(&words(base), &words(ours), &words(theirs))
}

/// Where one side has the base's lines with other white space around and among
/// others, and the other changed lines: the changed lines with the new white space.
fn one_indents(base: &str, indented: &str, changed: &str) -> Option<String> {
    let base_lines: Vec<_> = base.lines().collect();
    let changed_lines: Vec<_> = changed.lines().collect();
    if base_lines.len() != changed_lines.len() || base == indented {
        return None;
    }
    let mut text = String::new();
    let mut next = 0;
    for line in indented.split_inclusive('\n') {
        match base_lines.get(next) {
            Some(old) if old.trim() == line.trim() => {
                text.push_str(&line.replacen(old.trim(), changed_lines[next].trim(), 1));
                next += 1;
            }
            _ => text.push_str(line),
        }
    }
    (next == base_lines.len()).then_some(text)
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = |c: char| (c.is_alphanumeric() || c == '_', c == ' ');
        let end = rest
            .char_indices()
            .find(|(at, c)| *at > 0 && (kind(*c) != kind(first) || kind(first) == (false, false)))
            .map_or(rest.len(), |(at, _)| at);
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    words
}

/// A three-way merge of words; where both changed the same ones, both are kept.
fn word_by_word(base: &[&str], ours: &[&str], theirs: &[&str]) -> String {
    let (in_ours, in_theirs) = (matches(base, ours), matches(base, theirs));
    let mut text = String::new();
    let (mut base_at, mut our_at, mut their_at) = (0, 0, 0);
    loop {
        // The next word of the base that both sides have kept.
        let kept =
            (base_at..base.len()).find_map(|idx| Some((idx, in_ours[idx]?, in_theirs[idx]?)));
        let (base_end, our_end, their_end) = kept.unwrap_or((base.len(), ours.len(), theirs.len()));
        let old = base[base_at..base_end].concat();
        let our = ours[our_at..our_end].concat();
        let their = theirs[their_at..their_end].concat();
        if our == old {
            text += &their;
        } else if their == old || our == their {
            text += &our;
        } else if old.is_empty() {
            text += &our;
            text += &their;
        } else if our.contains(&old) {
            text += &our.replacen(&old, &their, 1);
        } else if their.contains(&old) {
            text += &their.replacen(&old, &our, 1);
        } else {
            text += &our;
        }
        if kept.is_none() {
            return text;
        }
        text += base[base_end];
        (base_at, our_at, their_at) = (base_end + 1, our_end + 1, their_end + 1);
    }
}

/// For each word of the base the word of the side that it became, by the longest common subsequence.
fn matches(base: &[&str], side: &[&str]) -> Vec<Option<usize>> {
    let mut longest = vec![vec![0_usize; side.len() + 1]; base.len() + 1];
    for i in (0..base.len()).rev() {
        for j in (0..side.len()).rev() {
            longest[i][j] = if base[i] == side[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let mut found = vec![None; base.len()];
    let (mut i, mut j) = (0, 0);
    while i < base.len() && j < side.len() {
        if base[i] == side[j] {
            found[i] = Some(j);
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

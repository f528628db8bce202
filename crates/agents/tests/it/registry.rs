use std::{os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use agents::{
    AgentArgument, AgentContext, AgentSpec, Error, KNOWN_PROGRAMS, Playbook, Registry,
    ScriptedAgent, ScriptedAgentOptions, find_programs, parse_agent_argument,
};
use core_types::{Agent, CancellationToken, ChangePolicy, CommandLine, ErrorClass, NoEvents};

use crate::support::{Place, implement};

fn context() -> AgentContext {
    AgentContext {
        environment: vec![
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("WHO".to_owned(), "all".to_owned()),
        ],
        events: Arc::new(NoEvents),
        clock: Arc::new(core_types::SystemClock),
        transcript_bytes: 1 << 20,
        sandbox: None,
        prompts: Default::default(),
        gateway: None,
    }
}

fn spec(kind: &str) -> AgentSpec {
    AgentSpec {
        name: "coder".to_owned(),
        kind: kind.to_owned(),
        ..AgentSpec::default()
    }
}

#[tokio::test]
async fn a_command_is_made_as_described() {
    let place = Place::new();
    let spec = AgentSpec {
        command: Some(CommandLine::Shell(
            "echo $WHO $ME > who; sleep 60".to_owned(),
        )),
        review: true,
        repair: true,
        changes: Some(ChangePolicy::Required),
        timeout: Some(Duration::from_secs(1)),
        environment: vec![("WHO".to_owned(), "me".to_owned())],
        ..spec("command")
    };
    let agent = Registry::default().build(&spec, &context()).unwrap();
    assert_eq!(
        (agent.name(), agent.changes()),
        ("coder", ChangePolicy::Required)
    );
    assert!(agent.capabilities().review && !agent.capabilities().plan);
    assert!(agent.capabilities().repair);
    let ended = agent
        .run(place.request(implement("greet")), &CancellationToken::new())
        .await;
    assert_eq!(
        ended.unwrap_err().class(),
        ErrorClass::Timeout,
        "its own limit counts"
    );
    assert_eq!(
        place.text("who"),
        "me\n",
        "its own variables win over the shared ones"
    );
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let check = |spec: &AgentSpec, expected: &str| {
        let error = Registry::default().build(spec, &context()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.class(), ErrorClass::Validation);
    };
    check(
        &spec("claude"),
        &format!(
            "agent \"coder\" has the unknown kind \"claude\"; known are: {}",
            Registry::default().kinds().collect::<Vec<_>>().join(", ")
        ),
    );
    check(
        &spec("command"),
        "agent \"coder\" of kind \"command\" needs \"command\"",
    );
    check(
        &spec("scripted"),
        "agent \"coder\" of kind \"scripted\" needs \"playbook\"",
    );
    let empty = AgentSpec {
        command: Some(CommandLine::Program(Vec::new())),
        ..spec("command")
    };
    check(&empty, "the agent's command is empty");
}

#[test]
fn kinds_can_be_added() {
    let mut registry = Registry::default();
    registry.add(
        "mine",
        Arc::new(|spec, _| {
            let options = ScriptedAgentOptions::new(format!("my {}", spec.name));
            Ok(Arc::new(ScriptedAgent::new(options, Playbook::default())) as Arc<dyn Agent>)
        }),
    );
    let own = Registry::default();
    let mut expected: Vec<_> = own.kinds().chain(["mine"]).collect();
    expected.sort_unstable();
    assert_eq!(registry.kinds().collect::<Vec<_>>(), expected);
    for kind in ["claude-code", "codex", "command", "scripted"] {
        assert!(expected.contains(&kind), "{kind}");
    }
    assert_eq!(
        registry.build(&spec("mine"), &context()).unwrap().name(),
        "my coder"
    );
}

#[test]
fn the_agent_argument_is_a_name_a_command_or_a_shell_line() {
    let program = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Ok(AgentArgument::Command(CommandLine::Program(words)))
    };
    let shell = |line: &str| Ok(AgentArgument::Command(CommandLine::Shell(line.to_owned())));
    let needs_shell = |text: &str| {
        Err(Error::NeedsShell {
            text: text.to_owned(),
        })
    };
    for (text, expected) in [
        ("claude", Ok(AgentArgument::Name("claude".to_owned()))),
        (" claude ", Ok(AgentArgument::Name("claude".to_owned()))),
        ("./agent.sh", program(&["./agent.sh"])),
        (
            "claude -p  --model=x",
            program(&["claude", "-p", "--model=x"]),
        ),
        (
            "sh:grep -rl 'a b' . | xargs sed -i s/a/b/",
            shell("grep -rl 'a b' . | xargs sed -i s/a/b/"),
        ),
        ("", Err(Error::EmptyCommand)),
        ("  ", Err(Error::EmptyCommand)),
        ("sh:", Err(Error::EmptyCommand)),
        ("sh: ", Err(Error::EmptyCommand)),
        ("agent 'two words'", needs_shell("agent 'two words'")),
        ("agent | tee log", needs_shell("agent | tee log")),
    ] {
        assert_eq!(parse_agent_argument(text), expected, "{text:?}");
    }
    assert_eq!(
        Error::NeedsShell {
            text: "a|b".to_owned()
        }
        .to_string(),
        "\"a|b\" needs a shell: write \"sh:a|b\""
    );
}

#[test]
fn programs_are_found_on_the_path_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let make = |path: &str, mode: u32| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        file.set_permissions(std::fs::Permissions::from_mode(mode))
            .unwrap();
        path
    };
    make("first/codex", 0o644);
    std::fs::create_dir(folder.path().join("first/aider")).unwrap();
    let codex = make("second/codex", 0o755);
    let claude = make("first/claude", 0o755);
    make("second/claude", 0o755);
    let path = ["first", "missing", "second"].map(|part| folder.path().join(part));
    let path = std::env::join_paths(
        path.iter()
            .map(std::path::PathBuf::as_path)
            .chain([".".as_ref()]),
    )
    .unwrap();
    let expected = [("claude".to_owned(), claude), ("codex".to_owned(), codex)];
    assert_eq!(find_programs(&path, KNOWN_PROGRAMS), expected);
    assert_eq!(find_programs("".as_ref(), KNOWN_PROGRAMS), []);
    assert_eq!(find_programs("src:.".as_ref(), &["lib.rs"]), []);
}

//! The `CommandRunner` port.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use core_types::{
    CancellationToken, CommandLine, CommandPurpose, CommandRequest, CommandRunner, ErrorClass,
    Event, EventSink, Exit, PortError, Scope, StepKey, StepRef,
};
use process::{CommandSandbox, Network, Runner, Sandbox, SandboxSupport, sandbox_support};

/// Notes what it takes; at a flush, whether the command has already run.
#[derive(Debug, Default)]
struct Events {
    taken: Mutex<Vec<Event>>,
    refuses: bool,
}

#[async_trait]
impl EventSink for Events {
    fn emit(&self, _: Option<&StepRef>, event: Event) {
        self.taken.lock().expect("no panic").push(event);
    }

    async fn flush(&self) -> Result<(), PortError> {
        if self.refuses {
            Err(PortError::new(ErrorClass::ResourceExhausted, "store"))
        } else {
            Ok(())
        }
    }
}

fn runner(events: &Arc<Events>) -> Runner {
    let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    Runner::new(environment, "run-1".parse().expect("valid"), events.clone())
        .grace(Duration::from_millis(100))
}

fn request(folder: &Path, command: CommandLine) -> CommandRequest {
    CommandRequest {
        step: None,
        purpose: CommandPurpose::Test,
        command,
        folder: folder.to_owned(),
        environment: vec![("EXTRA".to_owned(), "more".to_owned())],
        timeout: Duration::from_secs(20),
        tail_bytes: CommandRequest::TAIL_BYTES,
        log: folder.join("log"),
    }
}

#[tokio::test]
async fn a_command_is_run_logged_and_recorded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let events = Arc::new(Events::default());
    let runner = runner(&events);
    let cancel = CancellationToken::new();
    let shell =
        CommandLine::Shell("echo $AUTOMATION_RUN_ID $EXTRA; echo failed >&2; exit 2".to_owned());
    let outcome = runner
        .run(request(folder.path(), shell), &cancel)
        .await
        .expect("it runs");
    assert_eq!(
        (outcome.exit, outcome.tail.as_str()),
        (Exit::Code(2), "run-1 more\nfailed\n")
    );
    let words = CommandLine::Program(vec!["echo".to_owned(), "$HOME *".to_owned()]);
    let outcome = runner
        .run(request(folder.path(), words), &cancel)
        .await
        .expect("it runs");
    assert_eq!(
        (outcome.exit, outcome.tail.as_str()),
        (Exit::Code(0), "$HOME *\n")
    );
    let log = fs::read_to_string(folder.path().join("log")).expect("it was made");
    assert_eq!(
        log, "run-1 more\nfailed\n$HOME *\n",
        "the log is appended to"
    );

    let taken = events.taken.lock().expect("no panic");
    let [
        Event::ProcessStarted {
            pid,
            start_time,
            title,
        },
        Event::ProcessEnded { pid: ended },
        _,
        _,
    ] = &taken[..]
    else {
        panic!("each command is recorded once: {taken:?}");
    };
    assert!(pid == ended && *start_time > 0);
    assert_eq!(
        title,
        "test: echo $AUTOMATION_RUN_ID $EXTRA; echo failed >&2; exit 2"
    );
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let events = Arc::new(Events {
        refuses: true,
        ..Events::default()
    });
    let touch = CommandLine::Shell("touch ran".to_owned());
    let error = runner(&events)
        .run(request(folder.path(), touch), &CancellationToken::new())
        .await;
    assert_eq!(
        error.expect_err("the sink refuses").class(),
        ErrorClass::ResourceExhausted
    );
    assert!(!folder.path().join("ran").exists());
    assert!(matches!(
        events.taken.lock().expect("no panic")[..],
        [_, Event::ProcessEnded { .. }]
    ));
}

#[tokio::test]
async fn failures_have_their_class() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let events = Arc::new(Events::default());
    let runner = runner(&events);
    let cancel = CancellationToken::new();
    let program = |name: &str| request(folder.path(), CommandLine::Program(vec![name.to_owned()]));
    let class = async |request| {
        runner
            .run(request, &cancel)
            .await
            .map_err(|error| error.class())
    };
    assert_eq!(
        class(program("no-such-program")).await,
        Err(ErrorClass::NotFound)
    );
    let nowhere = CommandRequest {
        folder: "/no/such/folder".into(),
        ..program("true")
    };
    assert_eq!(class(nowhere).await, Err(ErrorClass::NotFound));
    assert_eq!(
        class(request(folder.path(), CommandLine::Program(vec![]))).await,
        Err(ErrorClass::Validation)
    );
    let late = CommandRequest {
        timeout: Duration::from_millis(100),
        ..program("sleep")
    };
    let late = CommandRequest {
        command: CommandLine::Shell("sleep 1651".to_owned()),
        ..late
    };
    assert_eq!(
        class(late).await.map(|outcome| outcome.exit),
        Ok(Exit::TimedOut)
    );
    cancel.cancel();
    assert_eq!(class(program("yes")).await, Err(ErrorClass::Cancelled));
}

#[tokio::test]
async fn what_setup_has_fetched_tests_find() {
    if matches!(sandbox_support(), SandboxSupport::Missing { .. }) {
        eprintln!("not shown here: {}", sandbox_support());
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path().join("home");
    fs::create_dir_all(home.join(".cargo")).expect("a folder");
    let config = home.join(".cargo/config.toml");
    std::io::Write::write_all(&mut fs::File::create(&config).expect("a file"), b"mirror")
        .expect("room");
    let environment = vec![
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("HOME".into(), home.clone().into()),
    ];
    let events = Arc::new(Events::default());
    let base = Sandbox {
        readable: process::usual_paths(&environment),
        ..Sandbox::default()
    };
    let runner =
        Runner::new(environment, "run-1".parse().expect("valid"), events).sandbox(CommandSandbox {
            base,
            setup: Network::All,
            tests: Network::None,
            private: folder.path().join("private"),
        });
    let cancel = CancellationToken::new();
    let run = async |clone: &str, purpose, line: &str| {
        let clone = folder.path().join(clone);
        fs::create_dir_all(&clone).expect("a clone");
        let command = CommandLine::Shell(line.to_owned());
        let request = CommandRequest {
            purpose,
            ..request(&clone, command)
        };
        let outcome = runner.run(request, &cancel).await.expect("it runs");
        (outcome.exit, outcome.tail)
    };
    let fetch = "cat $CARGO_HOME/config.toml; echo crate > $CARGO_HOME/fetched";
    let (exit, said) = run("a", CommandPurpose::Setup, fetch).await;
    assert_eq!((exit, said.as_str()), (Exit::Code(0), "mirror"));
    let (exit, said) = run("a", CommandPurpose::Test, "cat $CARGO_HOME/fetched").await;
    assert_eq!((exit, said.as_str()), (Exit::Code(0), "crate\n"));
    // Again, as when a run goes on.
    let (exit, _) = run("a", CommandPurpose::Setup, fetch).await;
    assert_eq!(exit, Exit::Code(0));
    let lookup = "echo 'curl: (6) Could not resolve host: example.org'; exit 6";
    let (_, said) = run("a", CommandPurpose::Test, lookup).await;
    assert!(said.contains("there is no network here"), "{said}");
    let (_, said) = run("a", CommandPurpose::Setup, lookup).await;
    assert!(!said.contains("there is no network here"), "{said}");
    // What one task leaves in its home, no other finds in the same clone, with a set-up command or without.
    let for_task = async |task: &str, purpose, line: &str| {
        let key = StepKey::new(Scope::Task(task.parse().expect("valid")), 1, "verify");
        let folder = folder.path().join("a");
        let request = CommandRequest {
            purpose,
            step: Some(StepRef { key, execution: 1 }),
            ..request(&folder, CommandLine::Shell(line.to_owned()))
        };
        let outcome = runner.run(request, &cancel).await.expect("it runs");
        outcome.tail
    };
    let leave = "mkdir -p ~/.cache/kept; echo evil > ~/.npmrc; touch ~/.cache/kept/x; chmod 555 ~/.cache/kept";
    let look = "ls -A ~ $TMPDIR | grep -v :; ls $CARGO_HOME/fetched 2>/dev/null";
    for purpose in [CommandPurpose::Test, CommandPurpose::Setup] {
        for_task(
            "one",
            CommandPurpose::Setup,
            "echo crate > $CARGO_HOME/fetched",
        )
        .await;
        for_task("one", CommandPurpose::Test, leave).await;
        let again = for_task("one", CommandPurpose::Test, look).await;
        assert!(
            again.contains(".npmrc") && again.contains("fetched"),
            "{again}"
        );
        let next = for_task("two", purpose, look).await;
        assert_eq!(next.trim(), "", "{purpose:?}");
    }
    let same = for_task("two", CommandPurpose::Test, leave).await;
    let anew = for_task("two", CommandPurpose::Setup, look).await;
    assert_eq!((same.trim(), anew.trim()), ("", ""), "a set-up begins anew");
    // Without one, what the user's own cargo has is read, and nobody changes it.
    let (exit, said) = run(
        "b",
        CommandPurpose::Test,
        "cat $CARGO_HOME/config.toml; echo x > $CARGO_HOME/x",
    )
    .await;
    assert!(said.starts_with("mirror"), "{said}");
    assert_ne!(exit, Exit::Code(0));
    assert!(!home.join(".cargo/x").exists());
}

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, CancellationToken, ChangePolicy, Clock,
    Conversation, ErrorClass, EventSink, PortError, Spent, SystemClock, TokenUsage,
};
use process::{Containment, Finished, Launch, OutputLimit, Sandbox};
use serde_json::Value;

use super::{
    claude_code, codex,
    kind::{Program, Resumed},
    schema,
    stream::{Ended, Stream},
    told::{Told, cut},
};
use crate::{
    Error, RunError,
    command::{Announced, never_started, on_disk_thread, process_error, with_request},
    conversation::RESUMED,
    error::Failed,
    exchange::{Answer, Exchange, RequestRecord},
    gateway::{Access, Session},
    prompt::Prompts,
};

/// How much of what it wrote to standard error an error shows.
const TAIL_BYTES: usize = 4 * 1024;

/// How much of its last words is kept as its summary.
const SUMMARY_BYTES: usize = 4 * 1024;

/// How a [`ProgramAgent`] is made.
#[derive(Debug, Clone)]
pub struct ProgramAgentOptions {
    /// Its name in the configuration.
    pub name: String,
    /// Which program it is.
    pub program: Program,
    /// The program and further arguments of it, which come last; default its own name alone.
    pub command: Vec<String>,
    /// Whether it must change something; default required.
    pub changes: ChangePolicy,
    /// All variables that it sees beside those of each request, `PATH` among them; default none. With
    /// a key among them ([`Program::variables`]) it has a home folder of its own for each request and
    /// sees nothing of the user's; without one it works by the login that the user's home has.
    pub environment: Vec<(String, String)>,
    /// A limit of its own beside each request's; default none.
    pub timeout: Option<Duration>,
    /// How long it may say nothing before it is ended; default 15 minutes: it tells of each step, and
    /// ends its own commands after ten.
    pub silence: Duration,
    /// How long it may take to end by itself at a limit; default 5 s.
    pub grace: Duration,
    /// How much of its stream of events is kept; default 64 MiB.
    pub transcript_bytes: u64,
    /// What it may reach beside its clone and its scratch folder; default what we may. The login of the user's home
    /// is then seen only where it is readable.
    pub sandbox: Option<Sandbox>,
    /// What it is asked by; default the crate\'s templates.
    pub prompts: Arc<Prompts>,
    /// How it reaches its models: by a gateway that counts what it uses. Default none: it talks with its
    /// provider itself, and what it says that it uses is believed.
    pub access: Option<Access>,
    /// Where its process is announced.
    pub events: Arc<dyn EventSink>,
    /// Tells the time of answers; default the system's.
    pub clock: Arc<dyn Clock>,
}

impl ProgramAgentOptions {
    /// The defaults, for a name and a program.
    pub fn new(name: impl Into<String>, program: Program, events: Arc<dyn EventSink>) -> Self {
        Self {
            name: name.into(),
            program,
            command: vec![program.program().to_owned()],
            changes: ChangePolicy::Required,
            environment: Vec::new(),
            timeout: None,
            silence: Duration::from_secs(15 * 60),
            grace: Duration::from_secs(5),
            transcript_bytes: 64 << 20,
            sandbox: None,
            prompts: Arc::default(),
            access: None,
            events,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Claude Code or Codex. It plans, implements, reviews and repairs.
///
/// Its scratch folder holds `request.json`, `events.jsonl` (its stream as it came) and
/// `transcript.log` (what a person can read of it) after the run, too.
///
/// Through a gateway ([`ProgramAgentOptions::access`]), what it spends is counted there. Else what it says of its
/// own tokens and cost is what it is taken to have spent: it is self-reported.
#[derive(Debug)]
pub struct ProgramAgent {
    options: ProgramAgentOptions,
}

/// The files of a request beside those of every agent.
struct Places {
    events: PathBuf,
    schema: PathBuf,
    home: PathBuf,
    temporary: PathBuf,
}

impl Places {
    fn prepare(scratch: &Path, request: &AgentRequest) -> io::Result<Self> {
        let places = Self {
            events: scratch.join("events.jsonl"),
            schema: scratch.join("answer.schema.json"),
            home: scratch.join("home"),
            temporary: scratch.join("tmp"),
        };
        for folder in [&places.home, &places.temporary] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        match fs::remove_file(&places.events) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if let Some(schema) = schema::of(&request.task) {
            let file = fs::File::create(&places.schema)?;
            serde_json::to_writer(file, &schema)?;
        }
        Ok(places)
    }
}

impl ProgramAgent {
    /// An agent that runs a program.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyCommand`].
    pub fn new(options: ProgramAgentOptions) -> Result<Self, Error> {
        if options.command.first().is_none_or(String::is_empty) {
            return Err(Error::EmptyCommand);
        }
        Ok(Self { options })
    }

    async fn work(
        &self,
        request: &AgentRequest,
        prompt: &str,
        conversation: Option<&Conversation>,
        cancel: &CancellationToken,
    ) -> Result<(Answer, Spent), Failed> {
        let unstarted = |error| Failed {
            error,
            spent: Box::new(Spent::nothing()),
        };
        if cancel.is_cancelled() {
            return Err(unstarted(RunError::Cancelled));
        }
        let Self { options } = self;
        let (asked, record) = (request.clone(), RequestRecord::new(request));
        // What it says that it uses is of the whole conversation: only who counts by himself can go on with one.
        let resumed = conversation.filter(|_| options.access.is_some()).cloned();
        let program = options.program;
        let files = on_disk_thread("write the request", move || {
            let files = Exchange::prepare(&asked.scratch, &record)?;
            let scratch = fs::canonicalize(&asked.scratch)?;
            let places = Places::prepare(&scratch, &asked)?;
            let resumed = match resumed {
                Some(resumed) => program.take_over(resumed, &places.home)?,
                None => None,
            };
            Ok((places, files, resumed))
        });
        let (places, files, resumed) = files.await.map_err(unstarted)?;
        let prompt = match &resumed {
            Some(_) => format!("{RESUMED}{prompt}"),
            None => prompt.to_owned(),
        };
        let limit = options
            .timeout
            .map_or(request.timeout, |own| own.min(request.timeout));
        let session = match &options.access {
            Some(access) => Some(access.open(request).await.map_err(unstarted)?),
            None => None,
        };
        let session = session.as_ref();
        let stop = cancel.child_token();
        let launch = self
            .launch(request, &places, session, resumed.as_ref())
            .stdin(prompt.as_bytes())
            .deadline(limit)
            .cancelled_by(stop.clone());
        let held = launch.hold().await;
        let held = held.map_err(|error| unstarted(process_error(error)))?;
        let title = format!("agent {} ({})", options.name, request.task.stage());
        // Dropped after the process, since it tells that it has ended.
        let announced = Announced::new(&options.events, request.step.as_ref(), &held, title).await;
        let _announced = announced.map_err(unstarted)?;
        let mut stream = Stream::new(
            options.program,
            places.events,
            files.transcript,
            request.grant.clone(),
        );
        // Returns when the whole tree has ended, also where it is cancelled.
        let (finished, ended) = stream
            .watch(held.run(), options.silence, &stop, session)
            .await;
        let finished = match finished {
            Err(error) if never_started(&error) => return Err(unstarted(process_error(error))),
            finished => finished.map_err(process_error),
        };
        let mut cost = stream.cost();
        let mut told = stream.told;
        if told.model.is_empty() {
            let chosen = request.model.as_ref();
            told.model = chosen.map_or_else(String::new, |choice| choice.model.clone());
        }
        let mut spent = Spent {
            usage: told.usage,
            cost: told.cost,
            model: told.model.clone(),
            is_failure: false,
        };
        // With its gateway's key it cannot have spent anything elsewhere.
        if let Some(session) = session {
            spent = session.close().await;
            cost = spent.cost;
        }
        let answered = match ended {
            Some(Ended::Refused(source)) => Err(RunError::BudgetSpent {
                reported: cost.unwrap_or_default(),
                source,
            }),
            Some(Ended::Silent(after)) => Err(RunError::Silent { after }),
            None => {
                let name = std::mem::take(&mut told.conversation);
                let answered = finished.and_then(|finished| judge(told, &finished, limit));
                answered.map(|answer| Answer {
                    conversation: if session.is_some() {
                        name
                    } else {
                        String::new()
                    },
                    ..answer
                })
            }
        };
        match answered {
            Ok(answer) => Ok((answer, spent)),
            Err(error) => {
                spent.is_failure = true;
                let spent = Box::new(spent);
                Err(Failed { error, spent }.known_better(session))
            }
        }
    }

    fn launch(
        &self,
        request: &AgentRequest,
        places: &Places,
        session: Option<&Session>,
        resumed: Option<&Resumed>,
    ) -> Launch {
        let Self { options } = self;
        let of_gateway = session.map(Session::variables).unwrap_or_default();
        let environment = [options.environment.as_slice(), &of_gateway].concat();
        let variable = |name: &str| {
            let mut variables = environment.iter();
            variables
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let key = options
            .program
            .keys()
            .iter()
            .copied()
            .find(|name| variable(name).is_some());
        let (program, arguments) = options.command.split_at(1);
        let mut launch = Launch::new(program.concat())
            .folder(&request.folder)
            .envs(environment.iter().cloned())
            .env("TMPDIR", &places.temporary);
        if key.is_some() {
            launch = launch.env("HOME", &places.home);
        }
        let launch = match options.program {
            Program::ClaudeCode => {
                claude_code::launch(launch, request, resumed.map(|it| it.file.as_path()))
            }
            Program::Codex => {
                if key.is_some() {
                    launch = launch.env("CODEX_HOME", &places.home);
                }
                let base_url = variable("OPENAI_BASE_URL");
                let call = codex::Call {
                    schema: &places.schema,
                    key,
                    base_url,
                    is_sandboxed: options.sandbox.is_some(),
                    is_kept: key.is_some() && session.is_some(),
                    resumed: resumed.map(|it| it.id.as_str()),
                };
                codex::launch(launch, request, &call)
            }
        };
        let launch = with_request(launch.args(arguments), request)
            .stdout(OutputLimit {
                memory_bytes: 0,
                spill: Some(places.events.clone()),
                spill_bytes: options.transcript_bytes,
            })
            .stderr(OutputLimit::memory(4 * TAIL_BYTES))
            .grace(options.grace)
            .containment(Containment::Tree);
        let Some(base) = &options.sandbox else {
            return launch;
        };
        let scratch = places.home.parent().unwrap_or(&places.home);
        let launch = launch.enclosed(base, &[&request.folder], scratch);
        match (key, variable("HOME")) {
            (None, Some(home)) => launch.env("HOME", home),
            _ => launch,
        }
    }
}

/// Whether a program ended by itself before it asked a model for anything.
fn asked_nothing(failed: &Failed) -> bool {
    let is_its_end = matches!(
        failed.error,
        RunError::Exited { .. }
            | RunError::NoResult { .. }
            | RunError::Answered {
                class: ErrorClass::Internal,
                ..
            }
    );
    is_its_end && failed.spent.usage == TokenUsage::default()
}

/// What an agent's end and its last event come to.
fn judge(told: Told, finished: &Finished, limit: Duration) -> Result<Answer, RunError> {
    let tail = finished.stderr.tail(TAIL_BYTES);
    let exit = match finished.exit {
        process::Exit::TimedOut => return Err(RunError::TimedOut { after: limit }),
        process::Exit::Code(code) => core_types::Exit::Code(code),
        process::Exit::Signal(signal) => core_types::Exit::Signal(signal),
    };
    if let Some((class, message)) = told.error {
        return Err(RunError::Answered {
            class,
            message,
            exit,
            tail,
        });
    }
    if !exit.is_success() {
        return Err(RunError::Exited { exit, tail });
    }
    if !told.has_ended {
        return Err(RunError::NoResult { tail });
    }
    let form = match told.form {
        Some(form) => Some(form),
        // One that is bound to a form answers in it; others may by their own choice.
        None => serde_json::from_str(told.words.trim())
            .ok()
            .filter(Value::is_object),
    };
    match form {
        Some(form) => Ok(Answer::parse(form.to_string().as_bytes())?),
        None => {
            let mut summary = told.words;
            cut(&mut summary, SUMMARY_BYTES);
            if !told.refused.is_empty() {
                summary.push_str(&format!(
                    "\nrefused by its rules: {}",
                    told.refused.join("; ")
                ));
            }
            Ok(Answer {
                summary,
                ..Answer::default()
            })
        }
    }
}

#[async_trait]
impl Agent for ProgramAgent {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities {
            plan: true,
            review: true,
            repair: true,
        }
    }

    fn changes(&self) -> ChangePolicy {
        self.options.changes
    }

    async fn run(
        &self,
        request: AgentRequest,
        cancel: &CancellationToken,
    ) -> Result<AgentResult, PortError> {
        let prompt = self.options.prompts.render_for_words(&request);
        // Boxed: a process with its buffers is too large to carry inline.
        let conversation = request.conversation.as_ref();
        let mut answered = Box::pin(self.work(&request, &prompt, conversation, cancel)).await;
        if conversation.is_some() && answered.as_ref().is_err_and(asked_nothing) {
            // What it has left is not what it can go on with, as after an update of it.
            answered = Box::pin(self.work(&request, &prompt, None, cancel)).await;
        }
        let result =
            answered.and_then(|(answer, spent)| answer.into_result(&request, spent, prompt));
        result.map_err(|failed| failed.into_port_error(&self.options.name))
    }
}

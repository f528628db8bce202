use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, AgentTask, CancellationToken,
    ChangePolicy, Clock, CommandLine, EventSink, PortError, Spent, SystemClock,
};
use process::{Containment, Finished, Launch, OutputLimit, RUN_MARK, Sandbox, make_private};

use super::{announce::Announced, interim::Interim};
use crate::{
    Error, RunError,
    error::Failed,
    exchange::{Answer, AnswerError, Exchange, RequestRecord, reported},
    gateway::{Access, Session},
    prompt::Prompts,
};

/// How much of the output's end an error shows.
const TAIL_BYTES: usize = 4 * 1024;

/// How a [`CommandAgent`] is made.
#[derive(Debug, Clone)]
pub struct CommandAgentOptions {
    /// Its name in the configuration.
    pub name: String,
    /// What is run: a program and its arguments, or a line for `sh -c`. A
    /// relative path of a program starts at the folder that the agent works in.
    pub command: CommandLine,
    /// Whether it can plan; default no.
    pub plan: bool,
    /// Whether it can review; default no.
    pub review: bool,
    /// Whether it can settle conflicts and fix tests; default no.
    pub repair: bool,
    /// Whether it must change something; default optional: a codemod leaves a
    /// repository without a match as it is.
    pub changes: ChangePolicy,
    /// All variables that it sees beside the `AUTOMATION_` ones, `PATH` among
    /// them; default none.
    pub environment: Vec<(String, String)>,
    /// A limit of its own beside each request's; default none.
    pub timeout: Option<Duration>,
    /// How long it may take to end by itself at the limit; default 5 s.
    pub grace: Duration,
    /// How much of its output is kept in `transcript.log`; default 64 MiB.
    pub transcript_bytes: u64,
    /// What it may reach beside its clone and its scratch folder; default what we may.
    pub sandbox: Option<Sandbox>,
    /// What it is asked by; default the crate\'s templates.
    pub prompts: Arc<Prompts>,
    /// How it reaches its models: by a gateway that counts what it uses. Default none: what it reports is
    /// believed.
    pub access: Option<Access>,
    /// Where its process is announced.
    pub events: Arc<dyn EventSink>,
    /// Tells when a wait ends that an agent asks for; default the system's.
    pub clock: Arc<dyn Clock>,
}

impl CommandAgentOptions {
    /// The defaults, for a name and a command.
    pub fn new(name: impl Into<String>, command: CommandLine, events: Arc<dyn EventSink>) -> Self {
        Self {
            name: name.into(),
            command,
            plan: false,
            review: false,
            repair: false,
            changes: ChangePolicy::Optional,
            environment: Vec::new(),
            timeout: None,
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

/// An agent that is any program: see the [crate page](crate) for what it sees.
///
/// Its scratch folder holds `request.json`, `answer.json`, `usage.jsonl` and
/// `transcript.log` (output and errors together) after the run, too.
#[derive(Debug)]
pub struct CommandAgent {
    options: CommandAgentOptions,
}

impl CommandAgent {
    /// An agent that runs a command.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyCommand`].
    pub fn new(options: CommandAgentOptions) -> Result<Self, Error> {
        let empty = match &options.command {
            CommandLine::Shell(line) => line.trim().is_empty(),
            CommandLine::Program(words) => words.first().is_none_or(String::is_empty),
        };
        if empty {
            return Err(Error::EmptyCommand);
        }
        Ok(Self { options })
    }

    /// The answer and what was spent, or why there is none, and what was spent nevertheless: nothing
    /// where the program was never started.
    async fn work(
        &self,
        request: &AgentRequest,
        prompt: &str,
        cancel: &CancellationToken,
    ) -> Result<(Answer, Spent), Failed> {
        let unstarted = |error| Failed {
            error,
            spent: Box::new(Spent::nothing()),
        };
        if cancel.is_cancelled() {
            return Err(unstarted(RunError::Cancelled));
        }
        let (scratch, record) = (request.scratch.clone(), RequestRecord::new(request));
        let is_enclosed = self.options.sandbox.is_some();
        let files = on_disk_thread("write the request", move || {
            let files = Exchange::prepare(&scratch, &record)?;
            if is_enclosed {
                make_private(files.folder())?;
            }
            Ok(files)
        });
        let files = files.await.map_err(unstarted)?;
        let limit = self
            .options
            .timeout
            .map_or(request.timeout, |own| own.min(request.timeout));
        let session = match &self.options.access {
            Some(access) => Some(access.open(request).await.map_err(unstarted)?),
            None => None,
        };
        let session = session.as_ref();
        let stop = cancel.child_token();
        let launch = self.launch(request, &files, limit, prompt);
        let launch = launch.envs(session.map(Session::variables).unwrap_or_default());
        let held = launch.cancelled_by(stop.clone()).hold().await;
        let held = held.map_err(|error| unstarted(process_error(error)))?;
        let Self { options } = self;
        let title = format!("agent {} ({})", options.name, request.task.stage());
        // Dropped after the process, since it tells that it has ended.
        let announced = Announced::new(&options.events, request.step.as_ref(), &held, title).await;
        let _announced = announced.map_err(unstarted)?;
        let mut interim = Interim::new(files.usage.clone(), request.grant.clone());
        // Returns when the whole tree has ended, also where it is cancelled.
        let (finished, refused) = interim.watch(held.run(), &stop, session).await;
        let finished = match finished {
            Ok(finished) => Ok(finished),
            Err(error) if never_started(&error) => return Err(unstarted(process_error(error))),
            Err(error) => Err(process_error(error)),
        };
        let answer = on_disk_thread("read the answer", move || files.read_answer()).await;
        let reported = match &answer {
            Ok(Ok(bytes)) => reported(bytes),
            Ok(Err(_)) | Err(_) => Spent::default(),
        };
        // What the answer says is the whole.
        let mut spent = match interim.spent() {
            Some(interim) if reported.is_silent() => interim,
            Some(_) | None => reported,
        };
        let mut reported_cost = interim.spent().and_then(|it| it.cost);
        // What its gateway has counted is the truth.
        if let Some(session) = session.filter(|it| !it.is_unused()) {
            spent = session.close().await;
            reported_cost = spent.cost;
        }
        let answered = match refused {
            Some(source) => Err(RunError::BudgetSpent {
                reported: reported_cost.unwrap_or_default(),
                source,
            }),
            None => finished.and_then(|finished| self.judge(finished, answer?, limit)),
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

    /// What a program's end and its answer come to.
    fn judge(
        &self,
        finished: Finished,
        answer: Result<Vec<u8>, AnswerError>,
        limit: Duration,
    ) -> Result<Answer, RunError> {
        let tail = finished.stdout.tail(TAIL_BYTES);
        let exit = match finished.exit {
            process::Exit::TimedOut => return Err(RunError::TimedOut { after: limit }),
            process::Exit::Code(code) => core_types::Exit::Code(code),
            process::Exit::Signal(signal) => core_types::Exit::Signal(signal),
        };
        let answer = answer.and_then(|bytes| Answer::parse(&bytes));
        // Of an agent that failed, the answer counts only where it says why.
        let error = answer.as_ref().ok().and_then(|it| it.error.as_ref());
        match error {
            Some(error) => Err(RunError::Answered {
                class: error.class(self.options.clock.now()),
                message: error.message.clone(),
                exit,
                tail,
            }),
            None if exit.is_success() => Ok(answer?),
            None => Err(RunError::Exited { exit, tail }),
        }
    }

    fn launch(
        &self,
        request: &AgentRequest,
        files: &Exchange,
        limit: Duration,
        prompt: &str,
    ) -> Launch {
        let launch = match &self.options.command {
            CommandLine::Shell(line) => Launch::new("sh").arg("-c").arg(line),
            // `new` has refused a command without a program.
            CommandLine::Program(words) => {
                let (program, arguments) = words.split_at(1);
                Launch::new(program.concat()).args(arguments)
            }
        };
        let launch = launch
            .folder(&request.folder)
            .envs(self.options.environment.iter().cloned())
            .env("AUTOMATION_REQUEST_FILE", &files.request)
            .env("AUTOMATION_ANSWER_FILE", &files.answer)
            .env("AUTOMATION_USAGE_FILE", &files.usage)
            .stdin(prompt.as_bytes())
            .stdout(OutputLimit {
                memory_bytes: 4 * TAIL_BYTES,
                spill: Some(files.transcript.clone()),
                spill_bytes: self.options.transcript_bytes,
            })
            .stderr_to_stdout()
            .deadline(limit)
            .grace(self.options.grace)
            .containment(Containment::Tree);
        let launch = with_request(launch, request);
        match &self.options.sandbox {
            None => launch,
            Some(base) => launch.enclosed(base, &[&request.folder], files.folder()),
        }
    }
}

#[async_trait]
impl Agent for CommandAgent {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities {
            plan: self.options.plan,
            review: self.options.review,
            repair: self.options.repair,
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
        let prompt = self.options.prompts.render(&request);
        // Boxed: a process with its buffers is too large to carry inline.
        let answered = Box::pin(self.work(&request, &prompt, cancel)).await;
        let result =
            answered.and_then(|(answer, spent)| answer.into_result(&request, spent, prompt));
        result.map_err(|failed| failed.into_port_error(&self.options.name))
    }
}

/// The variables that every agent of a request sees.
pub(crate) fn with_request(launch: Launch, request: &AgentRequest) -> Launch {
    let launch = launch
        .env(RUN_MARK, request.run.as_str())
        .env("AUTOMATION_STAGE", request.task.stage());
    let launch = match &request.model {
        None => launch,
        Some(choice) => {
            let launch = launch.env("AUTOMATION_MODEL", choice.model.as_str());
            match choice.tier.as_str() {
                "" => launch,
                tier => launch.env("AUTOMATION_MODEL_TIER", tier),
            }
        }
    };
    let launch = match &request.grant {
        None => launch,
        Some(grant) => launch.env("AUTOMATION_BUDGET_USD", grant.amount.to_string()),
    };
    let launch = match &request.conversation {
        None => launch,
        Some(conversation) => launch.env("AUTOMATION_CONVERSATION", &conversation.id),
    };
    match &request.task {
        AgentTask::Implement { task, .. } => launch
            .env("AUTOMATION_TASK_ID", task.id.as_str())
            .env("AUTOMATION_REPOSITORY", task.repository.as_str()),
        AgentTask::Review { repository, .. } => {
            launch.env("AUTOMATION_REPOSITORY", repository.name.as_str())
        }
        AgentTask::ResolveConflict { task, .. } | AgentTask::FixTests { task, .. } => {
            let task = task.iter().map(|it| ("AUTOMATION_TASK_ID", it.id.as_str()));
            let repository = request.repository.iter();
            launch
                .envs(task)
                .envs(repository.map(|it| ("AUTOMATION_REPOSITORY", it.as_str())))
        }
        _ => launch,
    }
}

/// Whether the program has not run at all.
pub(crate) fn never_started(error: &process::Error) -> bool {
    matches!(
        error,
        process::Error::NotFound { .. }
            | process::Error::FolderNotFound { .. }
            | process::Error::PermissionDenied { .. }
            | process::Error::InvalidArgument { .. }
    )
}

pub(crate) fn process_error(error: process::Error) -> RunError {
    match error {
        process::Error::Cancelled { .. } => RunError::Cancelled,
        process::Error::NotFound { program } => RunError::ProgramNotFound {
            program: program.to_string_lossy().into_owned(),
        },
        other => RunError::Process(other),
    }
}

pub(crate) async fn on_disk_thread<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|cut_off| Err(io::Error::other(cut_off)))
        .map_err(|source| RunError::Scratch { operation, source })
}

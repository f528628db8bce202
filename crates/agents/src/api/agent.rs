use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, AgentTask, CancellationToken,
    ChangePolicy, Clock, ErrorClass, EventSink, PortError, Spent, SystemClock, TokenUsage, Usd,
    without_user,
};
use perf_utils::http::{HttpConnectionPool, Response};
use process::{Containment, Launch, OutputLimit, RUN_MARK};
use serde_json::Value;

use super::{
    interface::{Call, Interface, Said, Told},
    kept::{CONVERSATION, leave, left_in},
    tools,
};
use crate::{
    Error, RunError,
    command::{on_disk_thread, process_error},
    conversation::RESUMED,
    error::Failed,
    exchange::{Answer, Exchange, RequestRecord, append_plain},
    gateway::{Access, Before, Session, judged},
    program::{call_line, cut, schema},
    prompt::Prompts,
};

/// What the model is told before all else.
pub(super) const SYSTEM: &str = include_str!("../../prompts/api.md");
/// How often a model that gives no answer is asked for it.
const REMINDERS: u32 = 2;
/// How much of a test's output the model is given.
const TEST_BYTES: usize = 16 * 1024;
/// How much of its last words is kept as its summary.
const SUMMARY_BYTES: usize = 4 * 1024;

/// How an [`ApiAgent`] is made.
#[derive(Clone)]
pub struct ApiAgentOptions {
    /// Its name in the configuration.
    pub name: String,
    /// Which interface it speaks.
    pub interface: Interface,
    /// The base URL; default the provider's own. Plain HTTP only to this machine.
    pub url: Option<String>,
    /// The key; default none, as servers of one's own may have it.
    pub key: Option<String>,
    /// What it is asked by; default the crate\'s templates.
    pub prompts: Arc<Prompts>,
    /// How it reaches its models: by a gateway that counts what it uses, and has key and address. Default none: it
    /// talks with its provider itself, and counts itself.
    pub access: Option<Access>,
    /// Whether it must change something; default required.
    pub changes: ChangePolicy,
    /// The variables that tests see which it runs; default none.
    pub environment: Vec<(String, String)>,
    /// What its tests may reach beside the clone and the scratch folder, without network; default what we may.
    pub sandbox: Option<process::Sandbox>,
    /// A limit of its own beside each request's; default none.
    pub timeout: Option<Duration>,
    /// How many answers of the model one request may take; default 100.
    pub max_turns: u32,
    /// The longest answer in tokens; default 16,384.
    pub max_tokens: u64,
    /// Where the processes of tests are announced.
    pub events: Arc<dyn EventSink>,
    /// By which the end of a limit is told; default the system's.
    pub clock: Arc<dyn Clock>,
}

impl ApiAgentOptions {
    /// The defaults, for a name and an interface.
    pub fn new(name: impl Into<String>, interface: Interface, events: Arc<dyn EventSink>) -> Self {
        Self {
            name: name.into(),
            interface,
            url: None,
            key: None,
            prompts: Arc::default(),
            access: None,
            changes: ChangePolicy::Required,
            environment: Vec::new(),
            sandbox: None,
            timeout: None,
            max_turns: 100,
            max_tokens: 16_384,
            events,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The key is not shown.
impl fmt::Debug for ApiAgentOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiAgentOptions")
            .field("name", &self.name)
            .field("interface", &self.interface)
            .field("url", &self.url.as_deref().map(without_user))
            .finish_non_exhaustive()
    }
}

/// A model that works by tools of ours. It plans, implements, reviews and repairs.
///
/// Its scratch folder holds `request.json` and `transcript.log` after the run. What it has used, its
/// provider says with each answer; before each request the most that it can cost is asked for.
#[derive(Debug)]
pub struct ApiAgent {
    pub(super) options: ApiAgentOptions,
    pub(super) pool: HttpConnectionPool,
}

/// One request under way.
pub(super) struct Work<'a> {
    pub(super) agent: &'a ApiAgent,
    pub(super) request: &'a AgentRequest,
    transcript: PathBuf,
    /// Its gateway's.
    pub(super) session: Option<Session>,
    pub(super) model: String,
    pub(super) said: Vec<Said>,
    pub(super) usage: TokenUsage,
    pub(super) cost: Option<Usd>,
    /// The last request, from whose input the next one's is reckoned.
    pub(super) before: Option<Before>,
    pub(super) n_replies: u32,
    /// Whether what a model has thought is asked for, to be given back.
    pub(super) keeps_thoughts: bool,
}

impl ApiAgent {
    /// An agent that asks a provider.
    ///
    /// # Errors
    ///
    /// [`Error::Provider`] for a URL or a key that is not valid, and for a key that would go out in the
    /// clear.
    pub fn new(options: ApiAgentOptions) -> Result<Self, Error> {
        let provider = options.interface.provider();
        let own = || options.url.as_deref().unwrap_or(provider.default_url());
        let url = options.access.as_ref().map(Access::url);
        let url = url.unwrap_or_else(|| own().to_owned());
        let refused = |why: String| Error::Provider {
            agent: options.name.clone(),
            why,
        };
        let key = options.key.as_deref().filter(|_| options.access.is_none());
        if key.is_some() && !perf_utils::http::keeps_secrets(&url) {
            return Err(refused(format!(
                "{} is not encrypted, and a key would be read on the way",
                without_user(&url)
            )));
        }
        let mut pool = HttpConnectionPool::builder(&url)
            // One long answer; the deadline of the request ends it earlier.
            .timeout(Duration::from_secs(15 * 60))
            .clock(Arc::clone(&options.clock));
        for (name, value) in options.interface.headers() {
            pool = pool.header(name, value);
        }
        if let Some(key) = key {
            let known = provider.key();
            pool = pool.secret_header(known.header, &known.value(key));
        }
        let pool = pool.build().map_err(|error| refused(error.to_string()))?;
        Ok(Self { options, pool })
    }

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
        let Some(choice) = &request.model else {
            return Err(unstarted(RunError::NoModel));
        };
        let (scratch, record) = (request.scratch.clone(), RequestRecord::new(request));
        let resumed = request.conversation.clone();
        let files = on_disk_thread("write the request", move || {
            let said = match resumed {
                Some(resumed) => left_in(&resumed.scratch)?,
                None => Vec::new(),
            };
            Ok((Exchange::prepare(&scratch, &record)?, said))
        });
        let (files, mut said) = files.await.map_err(unstarted)?;
        let is_resumed = !said.is_empty();
        said.push(Said::Us(match is_resumed {
            false => prompt.to_owned(),
            true => format!("{RESUMED}{prompt}"),
        }));
        let session = match &self.options.access {
            Some(access) => Some(access.open(request).await.map_err(unstarted)?),
            None => None,
        };
        let mut work = Work {
            session,
            agent: self,
            request,
            transcript: files.transcript,
            model: choice.model.clone(),
            said,
            usage: TokenUsage::default(),
            cost: None,
            before: None,
            n_replies: 0,
            keeps_thoughts: true,
        };
        let limit = self.options.timeout;
        let limit = limit.map_or(request.timeout, |own| own.min(request.timeout));
        let answered = tokio::select! {
            answered = tokio::time::timeout(limit, work.begin(prompt, is_resumed)) => {
                answered.unwrap_or(Err(RunError::TimedOut { after: limit }))
            }
            () = cancel.cancelled() => Err(RunError::Cancelled),
        };
        let mut spent = match &work.session {
            Some(session) => session.close().await,
            None => Spent {
                usage: work.usage,
                cost: work.cost,
                model: work.model,
                is_failure: false,
            },
        };
        match answered {
            Ok(mut answer) => {
                if !answer.conversation.is_empty() && !leave(&request.scratch, work.said).await {
                    answer.conversation.clear();
                }
                Ok((answer, spent))
            }
            Err(error) => {
                spent.is_failure = true;
                let spent = Box::new(spent);
                Err(Failed { error, spent }.known_better(work.session.as_ref()))
            }
        }
    }

    /// What a provider that refuses says of it.
    pub(super) fn refusal(&self, response: &Response) -> RunError {
        let (class, _) = judged(response);
        let status = response.status().as_u16();
        let said: Value = serde_json::from_slice(response.bytes()).unwrap_or_default();
        let message = said["error"]["message"].as_str();
        let message = message.map_or_else(|| response.text(), str::to_owned);
        let key = self.options.key.as_deref().map(str::trim);
        let message = match key.filter(|it| !it.is_empty()) {
            Some(key) => message.replace(key, "[key]"),
            None => message,
        };
        RunError::Provider {
            class,
            message: format!("{} answers {status}: {message}", self.pool.origin()),
        }
    }
}

impl Work<'_> {
    /// Converses; anew where an earlier conversation cannot be gone on with.
    async fn begin(&mut self, prompt: &str, is_resumed: bool) -> Result<Answer, RunError> {
        let answered = self.converse().await;
        let Err(error) = answered else {
            return answered;
        };
        if !is_resumed || !self.is_unheard(&error) {
            return Err(error);
        }
        let line = format!("! the earlier conversation is not gone on with: {error}");
        self.show(line).await;
        self.said = vec![Said::Us(prompt.to_owned())];
        self.converse().await
    }

    /// Whether what was said was refused before anything was used: as too long, as invalid, or as too dear.
    fn is_unheard(&self, error: &RunError) -> bool {
        if self.n_replies > 0 {
            return false;
        }
        match &self.session {
            Some(session) => {
                session.spent().usage == TokenUsage::default()
                    && (error.class() == ErrorClass::Validation || session.take_refusal().is_some())
            }
            None => matches!(
                error.class(),
                ErrorClass::Validation | ErrorClass::BudgetExceeded
            ),
        }
    }

    async fn converse(&mut self) -> Result<Answer, RunError> {
        let is_bound = schema::of(&self.request.task).is_some();
        let mut n_reminders = 0;
        for _ in 0..self.agent.options.max_turns {
            let reply = self.ask().await?;
            self.show(reply.text.trim_end().to_owned()).await;
            if !reply.said.is_null() {
                self.said.push(Said::Model(reply.said));
            }
            if let Some(answer) = reply.calls.iter().find(|it| it.name == tools::ANSWER) {
                let input = answer.input.clone().unwrap_or_default();
                return Ok(Answer::parse(input.to_string().as_bytes())?);
            }
            if !reply.calls.is_empty() {
                let mut told = Vec::with_capacity(reply.calls.len());
                for call in reply.calls {
                    told.push(self.call(call).await?);
                }
                self.said.push(Said::Tools(told));
                continue;
            }
            if reply.is_cut {
                self.said.push(Said::Us(
                    "Your answer was cut off: go on, in shorter steps.".to_owned(),
                ));
                continue;
            }
            if !is_bound {
                let mut summary = reply.text;
                cut(&mut summary, SUMMARY_BYTES);
                // No call is left unanswered. A conversation whose last message is empty is refused.
                let is_kept = !summary.trim().is_empty();
                let conversation = if is_kept { CONVERSATION } else { "" };
                return Ok(Answer {
                    summary,
                    conversation: conversation.to_owned(),
                    ..Answer::default()
                });
            }
            // Who answers in words may have kept to the form.
            if let Ok(answer) = Answer::parse(reply.text.trim().as_bytes())
                && (answer.plan.is_some() || answer.review.is_some())
            {
                return Ok(answer);
            }
            if n_reminders == REMINDERS {
                return Ok(Answer::default());
            }
            n_reminders += 1;
            self.said
                .push(Said::Us("Answer by calling the tool `answer`.".to_owned()));
        }
        Err(RunError::TooManyTurns {
            turns: self.agent.options.max_turns,
        })
    }

    async fn call(&self, call: Call) -> Result<Told, RunError> {
        let done = match &call.input {
            Err(text) => Err(format!("the arguments are no JSON: {text}")),
            Ok(input) => {
                self.show(call_line(&call.name, input)).await;
                match (&self.request.task, call.name.as_str()) {
                    (AgentTask::FixTests { command, .. }, tools::RUN_TESTS) => {
                        self.test(command).await?
                    }
                    _ => {
                        let (folder, input) = (self.request.folder.clone(), input.clone());
                        let name = call.name.clone();
                        let work = move || Ok(tools::call(&folder, &name, &input));
                        on_disk_thread("work in the clone", work).await?
                    }
                }
            }
        };
        let is_error = done.is_err();
        let text = done.unwrap_or_else(|why| why);
        if is_error {
            self.show(format!("! {text}")).await;
        }
        Ok(Told {
            call: call.id,
            text,
            is_error,
        })
    }

    /// Runs the tests as the engine does: their tree ends with them.
    async fn test(&self, command: &str) -> Result<Result<String, String>, RunError> {
        let options = &self.agent.options;
        let launch = Launch::new("sh")
            .args(["-c", command])
            .folder(&self.request.folder)
            .envs(options.environment.iter().cloned())
            .env(RUN_MARK, self.request.run.as_str())
            .stdout(OutputLimit::memory(TEST_BYTES))
            .stderr_to_stdout()
            .containment(Containment::Tree);
        let launch = match &options.sandbox {
            None => launch,
            Some(base) => {
                let scratch = self.request.scratch.clone();
                let made = crate::command::on_disk_thread("make a home for tests", move || {
                    process::make_private(&scratch)
                });
                made.await?;
                launch.enclosed(base, &[&self.request.folder], &self.request.scratch)
            }
        };
        let held = launch.hold().await.map_err(process_error)?;
        let title = format!("agent {} (tests)", options.name);
        let step = self.request.step.as_ref();
        let announced = crate::command::Announced::new(&options.events, step, &held, title).await?;
        let finished = held.run().await.map_err(process_error)?;
        drop(announced);
        let output = finished.stdout.tail(TEST_BYTES);
        Ok(Ok(format!("{}\n{output}", finished.exit)))
    }

    /// Adds a line to the transcript. The work counts more than what is shown of it.
    async fn show(&self, line: String) {
        if line.is_empty() {
            return;
        }
        let path = self.transcript.clone();
        let line = line + "\n";
        drop(on_disk_thread("write the transcript", move || append_plain(&path, &line)).await);
    }
}

#[async_trait]
impl Agent for ApiAgent {
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
        // Boxed: a conversation is too large to carry inline.
        let answered = Box::pin(self.work(&request, &prompt, cancel)).await;
        let result =
            answered.and_then(|(answer, spent)| answer.into_result(&request, spent, prompt));
        result.map_err(|failed| failed.into_port_error(&self.options.name))
    }
}

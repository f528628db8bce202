use std::{
    collections::{BTreeMap, VecDeque},
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use core_types::TokenUsage;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::{Api, Asked, Fault, Turn, anthropic, chat, responses};

type Script = dyn Fn(&Asked) -> Turn + Send + Sync;

/// The simulated provider; it ends when it is dropped. See the [module](super).
pub struct SimulatedModels {
    url: String,
    world: Arc<World>,
    _tasks: JoinSet<()>,
}

/// A request that came, with what it says of who sent it.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The path.
    pub path: String,
    /// Headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The JSON that was sent; null where it was none.
    pub body: Value,
}

struct World {
    script: Box<Script>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    heard: Vec<Heard>,
    used: BTreeMap<String, TokenUsage>,
    offered: Vec<String>,
}

impl SimulatedModels {
    /// Starts a provider whose model follows `script`.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(script: impl Fn(&Asked) -> Turn + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let world = Arc::new(World {
            script: Box::new(script),
            state: Mutex::default(),
        });
        let served = Arc::clone(&world);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let world = Arc::clone(&served);
                let service = service_fn(move |request| {
                    let world = Arc::clone(&world);
                    async move { world.serve(request).await }
                });
                connections.spawn(async move {
                    let served =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    // A connection that a fault has cut is no failure here.
                    drop(served.await);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            url: format!("http://{address}"),
            world,
            _tasks: tasks,
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Has `GET /v1/models` name a model, after those that it names already; at first it names none.
    pub fn offer(&self, model: impl Into<String>) {
        self.world.state().offered.push(model.into());
    }

    /// All requests so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.world.state().heard.clone()
    }

    /// What a model has used, of all turns that were answered to their end.
    #[must_use]
    pub fn used(&self, model: &str) -> TokenUsage {
        let state = self.world.state();
        state.used.get(model).copied().unwrap_or_default()
    }

    /// What all models have used.
    #[must_use]
    pub fn used_by_model(&self) -> BTreeMap<String, TokenUsage> {
        self.world.state().used.clone()
    }
}

impl fmt::Debug for SimulatedModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedModels")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Pieces>, io::Error> {
        let (head, body) = request.into_parts();
        let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let path = head.uri.path().to_owned();
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        };
        let heard = Heard {
            path: path.clone(),
            headers: head.headers.iter().map(header).collect(),
            body: body.clone(),
        };
        let number = {
            let mut state = self.state();
            state.heard.push(heard);
            state.heard.len()
        };
        let asked = match path.trim_start_matches("/v1") {
            "/messages" => anthropic::asked(&body, number),
            "/responses" => responses::asked(&body, number),
            "/chat/completions" => chat::asked(&body, number),
            "/messages/count_tokens" => {
                let n_tokens = bytes.len() as u64 / 4;
                return Ok(Pieces::json(
                    StatusCode::OK,
                    &json!({"input_tokens": n_tokens}),
                ));
            }
            "/models" => {
                // Both providers have this path, and this header alone tells whose client asks.
                let is_anthropic = head.headers.contains_key("anthropic-version");
                let offered = self.state().offered.clone();
                return Ok(Pieces::json(StatusCode::OK, &list(&offered, is_anthropic)));
            }
            _ => {
                let error = json!({"type": "error", "error": {"type": "not_found_error", "message": "no such path"}});
                return Ok(Pieces::json(StatusCode::NOT_FOUND, &error));
            }
        };
        let turn = (self.script)(&asked);
        if let Some(answer) = refusal(asked.api, turn.fault) {
            return answer;
        }
        let is_streamed = body["stream"].as_bool().unwrap_or(false);
        let answer = match asked.api {
            Api::Messages => anthropic::answer(&asked, &turn, is_streamed),
            Api::Responses => responses::answer(&asked, &turn, is_streamed),
            Api::Chat => chat::answer(&asked, &turn, is_streamed),
        };
        if turn.fault.is_none() {
            let mut state = self.state();
            let used = state.used.entry(asked.model.clone()).or_default();
            *used = used.plus(&turn.usage);
        }
        Ok(Pieces::answer(answer, is_streamed, turn.fault))
    }
}

/// The list of models, as Anthropic or OpenAI gives it.
fn list(models: &[String], is_anthropic: bool) -> Value {
    let entry = |model: &String| match is_anthropic {
        true => {
            json!({"type": "model", "id": model, "display_name": model, "created_at": "2026-01-01T00:00:00Z"})
        }
        false => {
            json!({"object": "model", "id": model, "created": 1_767_225_600, "owned_by": "testkit"})
        }
    };
    let data: Vec<Value> = models.iter().map(entry).collect();
    match is_anthropic {
        true => {
            json!({"data": data, "has_more": false, "first_id": models.first(), "last_id": models.last()})
        }
        false => json!({"object": "list", "data": data}),
    }
}

/// A fault that leaves nothing of the answer.
fn refusal(api: Api, fault: Option<Fault>) -> Option<Result<Response<Pieces>, io::Error>> {
    let anthropic = api == Api::Messages;
    let error = |status: u16, kind: &str, message: &str| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        let error = json!({"type": kind, "message": message, "code": kind});
        let body = match anthropic {
            true => json!({"type": "error", "error": error, "request_id": "req_1"}),
            false => json!({"error": error}),
        };
        Pieces::json(status, &body)
    };
    Some(Ok(match fault? {
        Fault::Closed => return Some(Err(io::ErrorKind::ConnectionReset.into())),
        Fault::Unauthorized => error(401, "authentication_error", "invalid x-api-key"),
        Fault::RateLimited { retry_after } => {
            let mut answer = error(429, "rate_limit_error", "too many requests");
            answer
                .headers_mut()
                .insert("retry-after", retry_after.into());
            answer
        }
        Fault::QuotaExhausted => match anthropic {
            true => error(429, "rate_limit_error", "your usage limit is reached"),
            false => error(429, "insufficient_quota", "you exceeded your current quota"),
        },
        Fault::Overloaded if anthropic => error(529, "overloaded_error", "overloaded"),
        Fault::Overloaded => error(503, "server_error", "overloaded"),
        Fault::TooLong => error(
            400,
            "invalid_request_error",
            "prompt is too long: 250000 tokens > 200000 maximum",
        ),
        Fault::NoInclude => error(
            400,
            "invalid_request_error",
            "Encrypted content is not supported with this model.",
        ),
        Fault::GatewayTimeout => error(504, "api_error", "the origin has not answered in time"),
        Fault::WrongJson => {
            let mut answer = Pieces::json(StatusCode::OK, &Value::Null);
            answer.body_mut().pieces = [Bytes::from_static(b"{\"no\": json")].into();
            answer
        }
        Fault::CutStream | Fault::Silence => return None,
    }))
}

/// A body in pieces.
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    end: End,
    /// Whether a piece was given since the last pause: in a pause it is sent.
    has_given: bool,
}

enum End {
    Whole,
    Cut,
    Never,
}

impl Pieces {
    fn json(status: StatusCode, body: &Value) -> Response<Self> {
        let mut response = Response::new(Self {
            pieces: [Bytes::from(body.to_string())].into(),
            end: End::Whole,
            has_given: false,
        });
        *response.status_mut() = status;
        let json = hyper::header::HeaderValue::from_static("application/json");
        response
            .headers_mut()
            .insert(hyper::header::CONTENT_TYPE, json);
        response
    }

    fn answer(pieces: Vec<String>, is_streamed: bool, fault: Option<Fault>) -> Response<Self> {
        let n_pieces = pieces.len();
        let mut response = Self::json(StatusCode::OK, &Value::Null);
        if is_streamed {
            let stream = hyper::header::HeaderValue::from_static("text/event-stream");
            response
                .headers_mut()
                .insert(hyper::header::CONTENT_TYPE, stream);
        }
        let body = response.body_mut();
        body.pieces = pieces.into_iter().map(Bytes::from).collect();
        body.end = match fault {
            Some(Fault::CutStream) => End::Cut,
            Some(Fault::Silence) => End::Never,
            _ => return response,
        };
        match n_pieces {
            // Of an answer in one piece, its first half.
            1 => body.pieces[0] = body.pieces[0].slice(..body.pieces[0].len() / 2),
            _ => body.pieces.truncate(n_pieces / 2),
        }
        response
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if std::mem::take(&mut self.has_given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_given = !self.pieces.is_empty();
        match (self.pieces.pop_front(), &self.end) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, End::Whole) => Poll::Ready(None),
            (None, End::Cut) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            (None, End::Never) => Poll::Pending,
        }
    }
}

/// One server-sent event.
pub(super) fn event(name: Option<&str>, data: &Value) -> String {
    let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    format!("{name}data: {data}\n\n")
}

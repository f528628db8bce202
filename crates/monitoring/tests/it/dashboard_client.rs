//! A dashboard that serves, and a client that sends what it is told.

use std::sync::Arc;

use core_types::{CancellationToken, Clock, Timestamp};
use monitoring::{
    dashboard::{Access, Control, Dashboard, Options, Secret, Server},
    fold::{Board, MemorySource},
    metrics::{self, Metrics},
    samples,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// A clock that stands, so that pages are the same each time.
#[derive(Debug)]
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A served dashboard; ends when it is dropped.
pub(crate) struct Served {
    pub(crate) port: u16,
    pub(crate) access: Arc<Access>,
    pub(crate) source: Arc<MemorySource>,
    pub(crate) link: String,
    _tasks: JoinSet<()>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub(crate) const NOW: Timestamp = Timestamp(1_795_658_400_000);

pub(crate) fn options(control: Control) -> Options {
    let mut options = Options {
        control,
        ..Options::default()
    };
    options.address.set_port(0);
    options
}

/// The small gallery behind a server with these options.
pub(crate) async fn serve(options: Options) -> Served {
    serve_source(options, samples::gallery(NOW, samples::Size::Small)).await
}

pub(crate) async fn serve_source(options: Options, source: MemorySource) -> Served {
    let clock: Arc<dyn Clock> = Arc::new(Standing(NOW));
    let source = Arc::new(source);
    let board = Arc::new(Board::new(source.clone(), clock.clone()));
    board
        .refresh()
        .await
        .expect("a source in memory can be read");
    let access = Arc::new(Access::new(Secret::from_bytes([9; 32])));
    let metrics = Metrics::new(&metrics::Options::default());
    let dashboard = Dashboard::new(board, metrics, clock, access.clone(), &options);
    let server = Server::bind(dashboard, &options, None)
        .await
        .expect("a free port can be listened on");
    let (port, link) = (server.address().port(), server.link());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { server.serve(CancellationToken::new()).await });
    Served {
        port,
        access,
        source,
        link,
        _tasks: tasks,
    }
}

impl Served {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("the server accepts")
    }

    /// Sends the text as it is and reads until the other side closes.
    pub(crate) async fn send(&self, text: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.expect("it is sent");
        let mut bytes = Vec::new();
        // A server that refuses may close before all is read: what came is the answer.
        stream.read_to_end(&mut bytes).await.ok();
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = match head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            true => unchunked(body),
            false => body.to_owned(),
        };
        Answer {
            status: status.unwrap_or(0),
            head: head.to_owned(),
            body,
        }
    }

    /// A request with the right host, a closing connection and these further header lines.
    pub(crate) async fn get_with(&self, path: &str, headers: &str) -> Answer {
        let port = self.port;
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{headers}\r\n"
        ))
        .await
    }

    /// As a program with the token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &self.bearer()).await
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.access.bearer())
    }

    pub(crate) async fn post(&self, path: &str, headers: &str, form: &str) -> Answer {
        let (port, length) = (self.port, form.len());
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\
             {headers}\r\n{form}"
        ))
        .await
    }

    /// The path of the link that works now.
    pub(crate) fn link_path(&self) -> String {
        format!("/enter?code={}", self.access.link_code())
    }

    /// The cookie of a browser that has followed a link, as a header line.
    pub(crate) async fn enter(&self) -> String {
        let answer = self.get_with(&self.link_path(), "").await;
        let cookie = answer.header("set-cookie").expect("a link gives a cookie");
        let (pair, _) = cookie.split_once(';').expect("a cookie has attributes");
        format!("Cookie: {pair}\r\n")
    }

    pub(crate) fn origin(&self) -> String {
        format!("Origin: http://localhost:{}\r\n", self.port)
    }
}

fn unchunked(body: &str) -> String {
    let (mut text, mut rest) = (String::new(), body);
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size @ 1..) = usize::from_str_radix(size.trim(), 16) else {
            break;
        };
        let Some(chunk) = after.get(..size) else {
            text.push_str(after);
            break;
        };
        text.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    text
}

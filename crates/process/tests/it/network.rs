//! A program that may talk with a port of this machine: it has it in a network of its own, whole and alone.

use std::fs;
use std::io::{Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket,
};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use core_types::CancellationToken;
use process::{
    Error, Exit, Finished, Held, Launch, Network, Sandbox, SandboxSupport, sandbox_support,
};
use rustix::net::{AddressFamily, SocketType, sockopt::set_socket_linger};

use crate::support::{Way, alive, cancel_when, eventually, launch, run};

/// What a client does, and with which addresses: a child of the tests here.
const CLIENT: &str = "PROCESS_TEST_CLIENT";
/// What goes over a connection: more than all buffers on the way hold.
const LARGE: usize = 8 << 20;
const MANY: usize = 150;

/// Where a client may write.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("file")
    }

    /// The test binary as a client: tools for it are not everywhere.
    fn client(&self, way: Way, role: &str, addresses: &[SocketAddr]) -> Launch {
        let me = std::env::current_exe().expect("the test binary");
        let system = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"];
        let words = addresses.iter().map(|it| format!(" {it}"));
        launch(way, &me.display().to_string())
            .args(["--exact", "network::is_the_client", "--test-threads=1"])
            .arg("--nocapture")
            .env(CLIENT, format!("{role}{}", words.collect::<String>()))
            .folder(self.0.path())
            .sandbox(Sandbox {
                readable: system.map(PathBuf::from).into_iter().chain([me]).collect(),
                writable: vec![self.0.path().to_owned()],
                network: Network::Ports(vec![addresses[0].port()]),
                ..Sandbox::default()
            })
    }
}

/// Whether nothing can be shown here, which is told aloud.
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
async fn is_missing() -> bool {
    if matches!(sandbox_support(), SandboxSupport::Missing { .. }) {
        eprintln!("not shown here: {}", sandbox_support());
        return true;
    }
    let place = Place::new();
    let held = place.client(Way::Tree, "", &[local(9)]).hold().await;
    let is_shown = held.expect("it waits").has_own_network();
    if !is_shown {
        eprintln!("not shown here: this system refuses network namespaces");
    }
    !is_shown
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A server of this machine that does `serve` with each connection, in a thread of its own.
fn server(address: SocketAddr, serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind(address).expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Says what it was called by, so that who answers is known.
fn says_where(mut stream: TcpStream) {
    let address = stream.local_addr().expect("connected");
    write!(stream, "{}", address.ip()).ok();
}

fn pattern(seed: usize) -> Vec<u8> {
    let byte = |idx: usize| (idx.wrapping_mul(31) >> 3).wrapping_add(seed).to_le_bytes()[0];
    (0..LARGE).map(byte).collect()
}

fn succeeded(finished: &Finished) {
    let shown = (finished.stdout.tail(999), finished.stderr.tail(999));
    assert!(finished.exit.is_success(), "{:?}: {shown:?}", finished.exit);
}

fn said(finished: &Finished) -> String {
    let text = finished.stdout.tail(9999);
    let words = text.lines().filter_map(|line| line.strip_prefix("said "));
    words.collect::<Vec<_>>().join(" ")
}

/// Addresses of this machine beside its loopback's first.
fn others() -> Vec<IpAddr> {
    let outward = UdpSocket::bind("0.0.0.0:0").expect("a port");
    // No packet is sent.
    let own = outward.connect("198.51.100.1:9").ok();
    let own = own.and_then(|()| outward.local_addr().ok());
    let own = own.map(|it| it.ip()).filter(|it| !it.is_loopback());
    [Some(Ipv4Addr::new(127, 0, 0, 2).into()), own]
        .into_iter()
        .flatten()
        .collect()
}

#[tokio::test]
async fn the_same_port_of_another_address_is_not_there() {
    if is_missing().await {
        return;
    }
    let first = server(local(0), says_where);
    let other = server(local(0), says_where);
    let mut asked = vec![first];
    for ip in others() {
        asked.push(server((ip, first.port()).into(), says_where));
    }
    asked.extend([other, "192.0.2.99:80".parse().expect("an address")]);
    let place = Place::new();
    let finished = run(place.client(Way::Tree, "ask", &asked)).await;
    succeeded(&finished);
    assert!(finished.has_own_network);
    assert_eq!(said(&finished), "127.0.0.1");
    // Without namespaces the kernel knows ports alone.
    let finished = run(place.client(Way::Fallback, "ask", &asked[..2])).await;
    assert!(!finished.has_own_network);
    assert_eq!(said(&finished), "127.0.0.1 127.0.0.2");
    let finished = run(place.client(Way::Fallback, "ask", &[first, other])).await;
    assert_eq!(said(&finished), "127.0.0.1");
}

/// `localhost` is one or the other, here and there.
#[tokio::test]
async fn both_versions_of_the_protocol_lead_there() {
    if is_missing().await || TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return;
    }
    let place = Place::new();
    let sixth = |port: u16| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    for listens in [local(0), sixth(0)] {
        let port = server(listens, says_where).port();
        let finished = run(place.client(Way::Tree, "ask", &[local(port), sixth(port)])).await;
        succeeded(&finished);
        let ip = listens.ip();
        assert_eq!(said(&finished), format!("{ip} {ip}"));
    }
}

#[tokio::test]
async fn nobody_outside_reaches_it() {
    if is_missing().await {
        return;
    }
    let place = Place::new();
    let port = server(local(0), says_where);
    let stop = CancellationToken::new();
    let file = place.file();
    let listens = place.client(Way::Tree, "listen", &[port]);
    let listens = listens.cancelled_by(stop.clone()).grace(Duration::ZERO);
    let mut reached = true;
    let (ended, ()) = tokio::join!(
        listens.run(),
        cancel_when(&stop, || {
            let Ok(text) = fs::read_to_string(&file) else {
                return false;
            };
            let port = text.parse::<SocketAddr>().expect("an address").port();
            reached = TcpStream::connect(local(port)).is_ok();
            true
        })
    );
    assert!(matches!(ended, Err(Error::Cancelled { .. })), "{ended:?}");
    assert!(!reached, "it listens where nobody is");
}

#[tokio::test]
async fn many_connections_at_once() {
    if is_missing().await {
        return;
    }
    let port = server(local(0), |mut stream| {
        let mut line = [0; 8];
        while stream.read_exact(&mut line).is_ok() {
            stream.write_all(&line).ok();
        }
    });
    let place = Place::new();
    let finished = run(place.client(Way::Tree, "many", &[port])).await;
    succeeded(&finished);
    assert_eq!(said(&finished), MANY.to_string());
}

/// All of what one side says arrives, also where the other says as much at the same time, and also after it has said
/// that it says no more.
#[tokio::test]
async fn large_bodies_both_ways_and_an_end_of_each() {
    if is_missing().await {
        return;
    }
    let place = Place::new();
    let at_once = server(local(0), |stream| exchange(&stream, 2, 1));
    succeeded(&run(place.client(Way::Tree, "exchange", &[at_once])).await);
    let afterwards = server(local(0), |mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("its end comes");
        assert!(all == pattern(1), "all of it came: {}", all.len());
        stream.write_all(&pattern(2)).expect("it still reads");
    });
    succeeded(&run(place.client(Way::Tree, "ask-all", &[afterwards])).await);
}

#[tokio::test]
async fn a_connection_that_breaks_does_not_look_whole() {
    if is_missing().await {
        return;
    }
    let place = Place::new();
    let breaks = server(local(0), |mut stream| {
        stream.write_all(b"the beginning").expect("it reads");
        let mut answer = [0; 3];
        stream.read_exact(&mut answer).expect("it has come");
        set_socket_linger(&stream, Some(Duration::ZERO)).expect("it is a socket");
    });
    succeeded(&run(place.client(Way::Tree, "hear-it-break", &[breaks])).await);
    let nobody = {
        let listener = TcpListener::bind(local(0)).expect("a port");
        listener.local_addr().expect("bound")
    };
    succeeded(&run(place.client(Way::Tree, "hear-nobody", &[nobody])).await);
}

/// The end of a program, its keeper's, its deadline: whoever it talked with hears of it, and nothing is held any more.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_it() {
    if is_missing().await {
        return;
    }
    let place = Place::new();
    for end in ["its own", "keeper", "deadline", "drop"] {
        let listener = TcpListener::bind(local(0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        let role = if end == "its own" { "die" } else { "wait" };
        let deadline = Duration::from_millis(if end == "deadline" { 300 } else { 60_000 });
        let client = place.client(Way::Tree, role, &[address]);
        let held = client.deadline(deadline).grace(Duration::ZERO).hold().await;
        let held: Held = held.expect("it waits");
        let keeper = held.pid();
        let accepted = thread::spawn(move || listener.accept().expect("it dials").0);
        let running = held.run();
        let accepted = async {
            while !accepted.is_finished() {
                tokio::task::yield_now().await;
            }
            accepted.join().expect("it has ended")
        };
        let mut stream = {
            tokio::pin!(running);
            let stream = tokio::select! {
                ended = &mut running => panic!("{end}: it does not end before it dials: {ended:?}"),
                stream = accepted => stream,
            };
            match end {
                "drop" => {}
                _ => {
                    if end == "its own" {
                        (&stream).write_all(&[1]).expect("it reads");
                    } else if end == "keeper" {
                        rustix::process::kill_process(
                            rustix::process::Pid::from_raw(keeper).expect("an id"),
                            rustix::process::Signal::KILL,
                        )
                        .expect("it runs");
                    }
                    let finished = running.await.expect("it ran");
                    assert_ne!(finished.exit, Exit::Code(0), "{end}");
                }
            }
            stream
        };
        let patience = Some(Duration::from_secs(10));
        stream.set_read_timeout(patience).expect("not zero");
        let heard = stream.read(&mut [0; 9]);
        let is_end = match &heard {
            Ok(n_read) => *n_read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        assert!(is_end, "{end}: {heard:?}");
    }
}

#[test]
fn a_killed_parent_takes_its_network_along() {
    const PARENT: &str = "PROCESS_TEST_NETWORK_PARENT";
    const MARK: &str = "1604";
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    if let Ok(port) = std::env::var(PARENT) {
        let place = Place::new();
        let client = place.client(Way::Tree, "wait", &[port.parse().expect("an address")]);
        drop(runtime.block_on(client.arg(MARK).deadline(Duration::from_secs(60)).run()));
        return;
    }
    if runtime.block_on(is_missing()) {
        return;
    }
    let listener = TcpListener::bind(local(0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    let me = std::env::current_exe().expect("the test binary");
    let parent = launch(Way::Plain, &me.display().to_string())
        .args([
            "--exact",
            "network::a_killed_parent_takes_its_network_along",
        ])
        .env(PARENT, address.to_string());
    let accepted = thread::spawn(move || listener.accept().expect("it dials").0);
    let mut stream = runtime.block_on(async {
        let dialed = async {
            while !accepted.is_finished() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ended = parent.run() => panic!("the parent ended by itself: {ended:?}"),
            // Dropping it sends SIGKILL.
            () = dialed => accepted.join().expect("it has ended"),
        }
    });
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).expect("not zero");
    let heard = stream.read(&mut [0; 9]);
    assert!(matches!(heard, Ok(0) | Err(_)), "{heard:?}");
    eventually("its client is ended", || alive(MARK) == 0);
}

/// Sends one pattern while the other comes.
fn exchange(stream: &TcpStream, sent: usize, expected: usize) {
    thread::scope(|scope| {
        scope.spawn(|| {
            (&*stream).write_all(&pattern(sent)).expect("it is taken");
            stream.shutdown(Shutdown::Write).expect("connected");
        });
        let mut all = Vec::new();
        (&*stream).read_to_end(&mut all).expect("its end comes");
        assert!(all == pattern(expected), "all of it came: {}", all.len());
    });
}

/// Does nothing but as a child of the tests above.
#[test]
fn is_the_client() {
    let Ok(told) = std::env::var(CLIENT) else {
        return;
    };
    let mut words = told.split(' ');
    let role = words.next().unwrap_or_default();
    let addresses: Vec<SocketAddr> = words.map(|it| it.parse().expect("an address")).collect();
    let dial = || TcpStream::connect(addresses[0]).expect("it is there");
    match role {
        "ask" => {
            for address in &addresses {
                let time = Duration::from_secs(5);
                let mut answer = String::new();
                if let Ok(mut stream) = TcpStream::connect_timeout(address, time) {
                    stream.read_to_string(&mut answer).ok();
                    println!("\nsaid {answer}");
                }
            }
        }
        "listen" => {
            // Binding a port is refused; one that the system chooses is not.
            TcpListener::bind("127.0.0.1:0").expect_err("it may not bind");
            let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
            let socket = socket.expect("it may connect");
            rustix::net::listen(&socket, 9).expect("it is not refused");
            let address = rustix::net::getsockname(&socket).expect("it listens");
            let address = SocketAddr::try_from(address).expect("of the family");
            put(Path::new("file"), &address.to_string());
            drop(rustix::net::accept(&socket));
        }
        "many" => {
            let streams: Vec<_> = (0..MANY).map(|_| dial()).collect();
            let mut answers = 0;
            for (idx, mut stream) in streams.into_iter().enumerate() {
                let line = (idx as u64).to_le_bytes();
                stream.write_all(&line).expect("it is taken");
                let mut answer = [0; 8];
                stream.read_exact(&mut answer).expect("it comes");
                answers += usize::from(answer == line);
            }
            println!("\nsaid {answers}");
        }
        "exchange" => exchange(&dial(), 1, 2),
        "ask-all" => {
            let mut stream = dial();
            stream.write_all(&pattern(1)).expect("it is taken");
            stream.shutdown(Shutdown::Write).expect("connected");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("its end comes");
            assert!(all == pattern(2), "all of it came: {}", all.len());
        }
        "hear-it-break" => {
            let mut stream = dial();
            let mut beginning = [0; 13];
            stream.read_exact(&mut beginning).expect("it comes");
            stream.write_all(b"yes").expect("it is taken");
            let rest = stream.read_to_end(&mut Vec::new());
            rest.expect_err("the other side has broken off");
        }
        "hear-nobody" => {
            let answer = TcpStream::connect(addresses[0])
                .and_then(|mut stream| stream.read_to_end(&mut Vec::new()));
            answer.expect_err("nobody is there");
        }
        "die" => {
            dial().read_exact(&mut [0]).expect("it comes");
            std::process::abort();
        }
        "wait" => {
            // Nothing comes.
            drop(dial().read(&mut [0]));
        }
        _ => {}
    }
}

/// In one go, so that who looks sees all of it.
fn put(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    crate::support::write(&draft, text);
    fs::rename(draft, path).expect("the same folder");
}

//! A program kept to a sandbox reaches what it is given and nothing else.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use process::{
    Exit, Launch, Limits, Network, Sandbox, SandboxSupport, SandboxedBy, UnixSockets,
    sandbox_support,
};

use crate::support::{TREES, Way, run, shell, write};

/// The folders that programs of every Linux come from.
const SYSTEM: [&str; 6] = [
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
];

/// A folder that may be written, one that may be read, and one of which it knows nothing.
struct Places {
    folder: tempfile::TempDir,
}

impl Places {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["own", "read", "unseen"] {
            fs::create_dir(folder.path().join(name)).expect("new");
            write(&folder.path().join(name).join("file"), name);
        }
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sandbox(&self) -> Sandbox {
        let readable = SYSTEM.iter().map(PathBuf::from);
        Sandbox {
            readable: readable.chain([self.at("read")]).collect(),
            writable: vec![self.at("own")],
            ..Sandbox::default()
        }
    }

    fn launch(&self, way: Way, line: &str) -> Launch {
        shell(way, line).folder(self.at("own"))
    }
}

/// Whether the system has none, which is told aloud: nothing can be shown then.
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn is_missing() -> bool {
    let missing = matches!(sandbox_support(), SandboxSupport::Missing { .. });
    if missing {
        eprintln!("not shown here: {}", sandbox_support());
    }
    missing
}

/// With a sandbox `line` gives `kept`; without one it gives `free`, so that it is the sandbox that makes the difference.
async fn check(line: &str, sandbox: impl Fn(Sandbox) -> Sandbox, kept: &str, free: &str) {
    if is_missing() {
        return;
    }
    for way in TREES {
        let places = Places::new();
        let launch = places.launch(way, line).sandbox(sandbox(places.sandbox()));
        let finished = run(launch).await;
        assert_ne!(finished.sandboxed_by, SandboxedBy::Nothing, "{way:?}");
        let shown = finished.stdout.tail(999);
        assert_eq!(
            shown.trim(),
            kept,
            "{way:?}, kept: {line}: {} {:?}",
            finished.stderr.tail(999),
            finished.exit
        );
        let places = Places::new();
        let finished = run(places.launch(way, line)).await;
        assert_eq!(finished.sandboxed_by, SandboxedBy::Nothing);
        assert_eq!(
            finished.stdout.tail(999).trim(),
            free,
            "{way:?}, free: {line}"
        );
    }
}

fn same(sandbox: Sandbox) -> Sandbox {
    sandbox
}

#[tokio::test]
async fn files_are_read_and_written_where_they_may() {
    check(
        "cat file ../read/file ../unseen/file",
        same,
        "ownread",
        "ownreadunseen",
    )
    .await;
    check("ls ..", same, "", "own\nread\nunseen").await;
    check(
        "echo x >new; mkdir sub; mv new sub/; cat sub/new",
        same,
        "x",
        "x",
    )
    .await;
    check("echo x >../read/file; cat ../read/file", same, "read", "x").await;
    check("ln -s ../unseen/file link; cat link", same, "", "unseen").await;
    check("ln ../unseen/file link; cat link", same, "", "unseen").await;
    check("mv ../read/file moved; cat ../read/file", same, "read", "").await;
}

#[tokio::test]
async fn the_mode_of_what_it_may_not_write_stays() {
    if is_missing() {
        return;
    }
    let places = Places::new();
    let line = "chmod 000 ../unseen/file; stat -c %a ../unseen/file";
    let finished = run(places.launch(Way::Tree, line).sandbox(places.sandbox())).await;
    if finished.sandboxed_by == SandboxedBy::LandlockAndNamespaces {
        assert_eq!(
            finished.stdout.tail(99).trim(),
            "644",
            "it is mounted read-only"
        );
    }
}

#[tokio::test]
async fn a_network_of_its_own_or_none() {
    let outside = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = outside.local_addr().expect("bound").port();
    let dial = format!("bash -c 'echo >/dev/tcp/127.0.0.1/{port}' 2>/dev/null && echo reached");
    check(&dial, same, "", "reached").await;
    let ports = |allowed: u16| {
        move |sandbox| Sandbox {
            network: Network::Ports(vec![allowed]),
            ..sandbox
        }
    };
    check(&dial, ports(port), "reached", "reached").await;
    check(&dial, ports(port.wrapping_add(1).max(1)), "", "reached").await;
    let all = |sandbox| Sandbox {
        network: Network::All,
        ..sandbox
    };
    check(&dial, all, "reached", "reached").await;
    let datagram = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let to = datagram.local_addr().expect("bound").port();
    let send = format!("bash -c 'echo >/dev/udp/127.0.0.1/{to}' 2>/dev/null && echo sent");
    check(&send, ports(port), "", "sent").await;
}

#[tokio::test]
async fn signals_stay_inside() {
    if is_missing() {
        return;
    }
    // Of the same user, and with an id that is seen where there is no PID namespace.
    let outside = shell(Way::Tree, "").hold().await.expect("it waits");
    let places = Places::new();
    let line = format!(
        "kill -9 {0} 2>/dev/null; kill -9 $PPID 2>/dev/null; echo on",
        outside.pid()
    );
    for way in TREES {
        let finished = run(places.launch(way, &line).sandbox(places.sandbox())).await;
        assert_eq!(finished.stdout.tail(99).trim(), "on", "{way:?}");
        assert_eq!(finished.exit, Exit::Code(0), "{way:?}: its keeper lives");
        let lives = process::is_running(outside.pid(), outside.start_time());
        assert!(lives, "{way:?}: a process outside lives");
    }
}

#[tokio::test]
async fn nothing_is_taken_without_limit() {
    let limited = |sandbox| Sandbox {
        limits: Limits {
            processes: 302,
            memory_bytes: 64 << 20,
            file_bytes: 4096,
            open_files: 32,
        },
        ..sandbox
    };
    let large = "head -c 5000 /dev/zero >large; wc -c <large";
    check(large, limited, "4096", "5000").await;
    let memory = "head -c 99000000 /dev/zero | tail -c 99000000 2>/dev/null | wc -c";
    check(memory, limited, "0", "99000000").await;
    let files = "ulimit -n 33 2>/dev/null && echo more";
    check(files, limited, "", "more").await;
}

#[tokio::test]
async fn a_fork_bomb_ends_at_the_limit() {
    if is_missing() {
        return;
    }
    let places = Places::new();
    let line = "i=0; while [ $i -lt 2000 ]; do sleep 1732 & i=$((i+1)); done; echo all";
    let kept = Sandbox {
        limits: Limits {
            processes: 302,
            ..Limits::default()
        },
        ..places.sandbox()
    };
    let finished = run(places.launch(Way::Tree, line).sandbox(kept)).await;
    let shown = finished.stdout.tail(99);
    assert_eq!(shown.trim(), "", "it cannot start 2,000 processes");
}

#[tokio::test]
async fn rights_are_gone_for_good() {
    let capabilities = "grep -c 'Cap[EPB].*:.0000000000000000' /proc/self/status";
    if is_missing() {
        return;
    }
    for way in TREES {
        let places = Places::new();
        let line = format!(
            "{capabilities}; grep NoNewPrivs /proc/self/status; unshare -U true 2>/dev/null && echo user"
        );
        let finished = run(places.launch(way, &line).sandbox(places.sandbox())).await;
        let words = finished.stdout.tail(99);
        let words = words.split_whitespace().collect::<Vec<_>>();
        // Who has no rights cannot drop the bound of those that executing gives; without new privileges it gives none.
        let is_ordinary = !rustix::process::geteuid().is_root();
        let empty = if way == Way::Fallback && is_ordinary {
            "2"
        } else {
            "3"
        };
        assert_eq!(words, [empty, "NoNewPrivs:", "1"], "{way:?}");
    }
}

#[tokio::test]
async fn unix_sockets_are_refused_unless_allowed() {
    if is_missing() {
        return;
    }
    let places = Places::new();
    let socket = places.at("own/socket");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    // The test binary as a client, since no tool for it is everywhere.
    let dial = |unix_sockets| {
        let me = std::env::current_exe().expect("the test binary");
        let mut sandbox = Sandbox {
            unix_sockets,
            ..places.sandbox()
        };
        sandbox.readable.push(me.clone());
        Launch::new(me)
            .args(["--exact", "sandbox::dials_a_socket", "--test-threads=1"])
            .env(SOCKET, &socket)
            .sandbox(sandbox)
    };
    for (unix_sockets, succeeds) in [(UnixSockets::Refused, false), (UnixSockets::Allowed, true)] {
        let finished = run(dial(unix_sockets)).await;
        let shown = finished.stdout.tail(999);
        assert_eq!(
            finished.exit.is_success(),
            succeeds,
            "{unix_sockets:?}: {shown}"
        );
    }
}

const SOCKET: &str = "PROCESS_TEST_SOCKET";

/// Does nothing but as a child of the test above.
#[test]
fn dials_a_socket() {
    if let Some(path) = std::env::var_os(SOCKET) {
        std::os::unix::net::UnixStream::connect(Path::new(&path)).expect("reached");
    }
}

/// It is memory of the machine.
#[tokio::test]
async fn shared_memory_has_a_bound() {
    if is_missing() {
        return;
    }
    let places = Places::new();
    let line = "df -P -B1 /dev/shm | tail -1; head -c 600000000 /dev/zero >/dev/shm/large; stat -c 'of %s' /dev/shm/large";
    let finished = run(places.launch(Way::Tree, line).sandbox(places.sandbox())).await;
    if finished.sandboxed_by == SandboxedBy::LandlockAndNamespaces {
        let said = finished.stdout.tail(999);
        assert!(said.contains(" 536870912 "), "{said}");
        assert!(said.contains("of 536870912"), "{said}");
    }
}

/// A program has shared memory of its own, which must not hide the folder that it works in.
#[tokio::test]
async fn a_folder_in_shared_memory_is_there() {
    let shared = Path::new("/dev/shm");
    if is_missing() || !shared.is_dir() {
        return;
    }
    let folder = tempfile::tempdir_in(shared).expect("a folder");
    let sandbox = Sandbox {
        readable: SYSTEM.iter().map(PathBuf::from).collect(),
        writable: vec![folder.path().to_owned()],
        ..Sandbox::default()
    };
    let beside = shared.join(format!("process-test-{}", std::process::id()));
    let line = format!(
        "echo x > own && cat own; echo y > {} 2>/dev/null || echo refused",
        beside.display()
    );
    for way in TREES {
        let launch = shell(way, &line).folder(folder.path());
        let finished = run(launch.sandbox(sandbox.clone())).await;
        assert_eq!(finished.stdout.tail(100), "x\nrefused\n", "{way:?}");
        assert!(!beside.exists());
    }
}

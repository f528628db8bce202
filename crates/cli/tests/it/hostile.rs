//! A hijacked agent: what it tries fails in the sandbox, and would succeed without it.
//!
//! `docs/security.md` lists these attacks by threat; a test compares.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    os::{linux::net::SocketAddrExt, unix::net::SocketAddr, unix::net::UnixListener},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::place::{Place, Ran};

/// Whether an attack is shown to succeed without a sandbox.
#[derive(Clone, Copy, PartialEq)]
enum Free {
    /// It does, on every machine.
    Succeeds,
    /// It depends on the machine or on who runs it, or would do harm.
    Unshown,
}
use Free::{Succeeds, Unshown};

/// A threat of the model, what is tried, a shell line that ends with 0 if it was achieved, and whether it is without a
/// sandbox. `$ROOT` is the test's folder; `$TCP`, `$UDP` and `$PID` are its ports and its process; `$GATE` is the port of
/// the gateway, or again that of the test, which listens on it at `$OTHERS`, too. What is written to 3, the test reads.
const ATTACKS: &[(&str, &str, &str, Free)] = &[
    (
        "T2",
        "read a private key of the user",
        "cat $ROOT/home/.ssh/id",
        Succeeds,
    ),
    (
        "T2",
        "list the user's home folder",
        "ls $ROOT/home | grep -q .",
        Unshown,
    ),
    (
        "T2",
        "read credentials of a cloud",
        "cat $ROOT/home/.aws/credentials",
        Succeeds,
    ),
    (
        "T2",
        "read a token from the engine's environment",
        "env | grep -q planted",
        Unshown,
    ),
    (
        "T2",
        "read the environments of all processes",
        "cat /proc/[0-9]*/environ | grep -aq planted",
        Unshown,
    ),
    (
        "T2",
        "read the environment of the first process",
        "cat /proc/1/environ | grep -aq planted",
        Unshown,
    ),
    (
        "T2",
        "read the passwords of the system",
        "cat /etc/shadow | grep -q :",
        Unshown,
    ),
    (
        "T2",
        "read the memory of the kernel",
        "head -c 1 /proc/kcore | grep -aq .",
        Unshown,
    ),
    (
        "T2",
        "read another repository of the user",
        "cat $ROOT/work/other/a.txt",
        Succeeds,
    ),
    (
        "T2",
        "read the user's own checkout",
        "cat $ROOT/work/app/a.txt",
        Succeeds,
    ),
    (
        "T2",
        "read the engine's journal",
        "cat $ROOT/work/.automation/runs/r1/journal/* | grep -aq .",
        Succeeds,
    ),
    (
        "T3",
        "send to a server of this machine",
        "bash -c 'echo >/dev/tcp/127.0.0.1/'$TCP",
        Succeeds,
    ),
    (
        "T3",
        "send to the gateway's port of another address",
        "for other in $OTHERS; do bash -c 'echo >/dev/tcp/'$other/$GATE && exit 0; done; exit 1",
        Succeeds,
    ),
    (
        "T3",
        "listen, and be reached from the machine",
        "perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0)&&listen(S,9)||exit 1; ($p)=unpack_sockaddr_in(getsockname(S)); open(T,\">&=3\"); syswrite(T,\"listens $p\\n\"); vec($r,fileno(S),1)=1; exit !select($r,undef,undef,2)'",
        Succeeds,
    ),
    (
        "T3",
        "send a datagram, as name services are asked",
        "bash -c 'echo >/dev/udp/127.0.0.1/'$UDP && perl -MSocket -e 'socket(S,PF_INET,SOCK_DGRAM,0)||exit 1; send(S,\"x\",0,pack_sockaddr_in($ENV{UDP},inet_aton(\"127.0.0.1\"))); open(F,\"/proc/net/dev\"); exit(!grep(/eth|en|wl|veth|bond|tun/,<F>))'",
        Unshown,
    ),
    (
        "T3",
        "see the machine's network",
        "[ $(grep -c : /proc/net/dev) -gt 1 ]",
        Unshown,
    ),
    (
        "T5",
        "plant a hook in the user's repository",
        "echo x >$ROOT/work/app/.git/hooks/pre-push",
        Succeeds,
    ),
    (
        "T5",
        "change the user's git configuration",
        "echo '[core]' >>$ROOT/work/app/.git/config",
        Succeeds,
    ),
    (
        "T5",
        "write into the engine's mirror",
        "touch $ROOT/work/.automation/mirrors/app.git/planted",
        Succeeds,
    ),
    (
        "T8",
        "follow a link out of the clone",
        "ln -s $ROOT/home/.ssh/id link; cat link; s=$?; rm -f link; exit $s",
        Succeeds,
    ),
    (
        "T8",
        "make a second name for a secret file",
        "ln $ROOT/home/.ssh/id hard; s=$?; rm -f hard; exit $s",
        Succeeds,
    ),
    ("T8", "write beside the clone", "touch ../planted", Succeeds),
    (
        "T8",
        "write into the temporary folder of all",
        "touch $ROOT/tmp/planted",
        Succeeds,
    ),
    (
        "T9",
        "change the engine's settings",
        "echo '# x' >>$ROOT/work/config/automation.yaml",
        Succeeds,
    ),
    (
        "T9",
        "approve its own run",
        "touch $ROOT/work/.automation/runs/r1/planted",
        Succeeds,
    ),
    (
        "T9",
        "plant a program in the user's PATH",
        "touch $ROOT/home/.bashrc",
        Succeeds,
    ),
    (
        "T11",
        "dial a server on a Unix socket",
        "perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0)||exit 1; exit !connect(S,pack_sockaddr_un(\"$ENV{ROOT}/socket\"))'",
        Succeeds,
    ),
    (
        "T11",
        "dial a server on an abstract socket",
        "perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0)||exit 1; exit !connect(S,pack(\"Sa*\",AF_UNIX,\"\\0hostile-$ENV{PID}\"))'",
        Succeeds,
    ),
    ("T11", "signal a process outside", "kill -0 $PID", Unshown),
    (
        "T11",
        "change modes of the user's files",
        "chmod 000 $ROOT/home/mode && [ \"$(stat -c %a $ROOT/home/mode)\" = 0 ]",
        Succeeds,
    ),
    (
        "T11",
        "change times of the user's files",
        "touch -d 2001-01-01 $ROOT/home/mode && [ $(stat -c %Y $ROOT/home/mode) -lt 1000000000 ]",
        Succeeds,
    ),
    ("T11", "mount", "mkdir -p m && mount -t tmpfs x m", Unshown),
    ("T11", "make a user namespace", "unshare -U true", Unshown),
    ("T11", "make a device", "mknod device c 1 1", Unshown),
    (
        "T11",
        "gain rights by executing",
        "grep -q 'NoNewPrivs:.0' /proc/self/status",
        Succeeds,
    ),
    (
        "T11",
        "keep rights of an administrator",
        "grep 'CapEff' /proc/self/status | grep -q '[1-9a-f]$\\|[1-9a-f]0*$'",
        Unshown,
    ),
    (
        "T11",
        "use io_uring",
        "perl -e '$b=\"\\0\"x120; exit(syscall(425,4,$b)<0)'",
        Unshown,
    ),
    (
        "T11",
        "change the kernel's settings",
        "echo 1 >/proc/sys/vm/drop_caches",
        Unshown,
    ),
    (
        "T11",
        "see processes outside",
        "[ -d /proc/$PID/task ] && grep -aq hostile /proc/$PID/cmdline",
        Unshown,
    ),
    (
        "T12",
        "fill the disk with one file",
        "truncate -s 5G large; s=$?; rm -f large; exit $s",
        Succeeds,
    ),
    (
        "T12",
        "start processes without end",
        "perl -e 'for(1..700){$p=fork; defined $p or last; $p or do{sleep 9; exit}; push @p,$p} kill 9,@p; waitpid($_,0) for @p; exit(@p<700)'",
        Unshown,
    ),
    (
        "T12",
        "take memory without end",
        "perl -e '$x=\"x\" x 5e9; exit 0'",
        Unshown,
    ),
    (
        "T24",
        "change a tool that builds use",
        "touch /usr/local/bin/planted-by-a-test && rm /usr/local/bin/planted-by-a-test",
        Unshown,
    ),
];

/// A place with secrets and servers, and the agent that tries everything and says what it achieved.
struct Attacked {
    place: Place,
    root: String,
    tcp: TcpListener,
    /// On the same port of other addresses.
    _others: Vec<TcpListener>,
    udp: UdpSocket,
    _servers: [UnixListener; 2],
}

/// Whether the agent has a gateway.
#[derive(Clone, Copy, PartialEq)]
enum Gateway {
    On,
    Off,
}

/// Addresses of this machine beside the gateway's.
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

fn listen_beside(port: u16) -> Vec<TcpListener> {
    let others = others().into_iter();
    others
        .map(|ip| TcpListener::bind((ip, port)).expect("a port of this address"))
        .collect()
}

impl Attacked {
    fn new() -> Self {
        let place = Place::new();
        let work = place.work();
        let root = work.parent().expect("it has a parent").to_owned();
        for (name, text) in [
            ("home/.ssh/id", "planted key"),
            ("home/.aws/credentials", "planted key"),
            ("home/mode", "planted"),
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("below")).expect("new");
            write(&path, text);
        }
        place.file(
            "config/automation.yaml",
            "limits: {max_workers: 1}\nagents:\n- {name: metered, kind: command, command: [./agent.sh], environment: [OPENAI_API_KEY]}\n",
        );
        place.repository("app", None);
        place.repository("other", None);
        let abstract_name = format!("hostile-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(abstract_name).expect("a name");
        let servers = [
            UnixListener::bind(root.join("socket")).expect("a socket"),
            UnixListener::bind_addr(&address).expect("a socket"),
        ];
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self {
            place,
            root: root.display().to_string(),
            _others: listen_beside(tcp.local_addr().expect("bound").port()),
            tcp,
            udp: UdpSocket::bind("127.0.0.1:0").expect("a port"),
            _servers: servers,
        }
    }

    /// What the agent achieved, by index, after a run with these arguments.
    fn achieved(
        &self,
        gateway: Gateway,
        arguments: &str,
        is_tried: impl Fn(Free) -> bool,
    ) -> (Vec<usize>, Ran) {
        let others: Vec<String> = others().iter().map(IpAddr::to_string).collect();
        let mut agent = format!(
            "#!/bin/sh\nexec 3>&1\nexport ROOT={} TCP={tcp} GATE={tcp} OTHERS='{}' UDP={} PID={}\n",
            self.root,
            others.join(" "),
            self.udp.local_addr().expect("bound").port(),
            std::process::id(),
            tcp = self.tcp.local_addr().expect("bound").port(),
        );
        if gateway == Gateway::On {
            agent += "GATE=${OPENAI_BASE_URL#http://127.0.0.1:}; GATE=${GATE%%/*}; echo \"gateway $GATE $PWD\"\n\
                while [ ! -e ready ]; do sleep 0.02; done; rm ready\n\
                bash -c 'echo >/dev/tcp/127.0.0.1/'$GATE && echo has its gateway\n";
        }
        for (index, (.., line, free)) in ATTACKS.iter().enumerate() {
            if is_tried(*free) {
                agent += &format!("if ({line}) >/dev/null 2>&1; then echo achieved {index}; fi\n");
            }
        }
        agent += "echo bar >a.txt; echo tried all\n";
        self.place.script("agent.sh", &agent);
        let name = match gateway {
            Gateway::On => "metered",
            Gateway::Off => "./agent.sh",
        };
        let line = format!("run --agent {name} --repo app --title X --run-id r1 {arguments}");
        let mut command = self.place.command(&line);
        command
            .env_remove("AUTOMATION_SANDBOX_WRITABLE")
            .env("FORGE_TOKEN", "planted token")
            .env("OPENAI_API_KEY", "planted key of a model");
        let has_ended = AtomicBool::new(false);
        let ran = thread::scope(|scope| {
            scope.spawn(|| self.help(&has_ended));
            let ran = self.place.end_of(command);
            has_ended.store(true, Ordering::Relaxed);
            ran
        });
        let told = transcript(&self.place.path(".automation"));
        assert_eq!(
            told.contains("has its gateway"),
            gateway == Gateway::On,
            "{told}{}",
            ran.stderr
        );
        assert!(!told.contains("planted"), "{told}");
        assert!(
            told.contains("tried all"),
            "{told}{}{}",
            ran.stdout,
            ran.stderr
        );
        let achieved = told
            .lines()
            .filter_map(|line| line.strip_prefix("achieved "));
        (
            achieved.map(|it| it.parse().expect("a number")).collect(),
            ran,
        )
    }
}

impl Attacked {
    /// The accomplice on the machine: listens beside the gateway once its port is known, and dials the agent.
    fn help(&self, has_ended: &AtomicBool) {
        let state = self.place.path(".automation");
        let (mut beside, mut has_dialed) = (Vec::new(), false);
        while !has_ended.load(Ordering::Relaxed) {
            thread::yield_now();
            let told = transcript(&state);
            // Of a last line that is not whole, nothing is taken.
            let whole = told.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let said = |what: &str| whole.lines().find_map(|line| line.strip_prefix(what));
            if let Some((port, clone)) = said("gateway ").and_then(|it| it.split_once(' '))
                && beside.is_empty()
            {
                beside = listen_beside(port.parse().expect("a port"));
                write(&Path::new(clone).join("ready"), "");
            }
            if let Some(port) = said("listens ")
                && !has_dialed
            {
                has_dialed = true;
                let port = port.parse().expect("a port");
                drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a secret for a test")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("space");
}

/// The output of the agent of the only task.
fn transcript(state: &Path) -> String {
    let mut folders = vec![state.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.ends_with("transcript.log") {
                return fs::read_to_string(path).expect("text");
            }
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            }
        }
    }
    String::new()
}

fn named(indices: &[usize]) -> Vec<&'static str> {
    indices.iter().map(|index| ATTACKS[*index].1).collect()
}

#[test]
fn a_hijacked_agent_achieves_nothing_by_default() {
    const { assert!(ATTACKS.len() >= 30, "there are many ways out") };
    let attacked = Attacked::new();
    if attacked.place.lacks_sandbox() {
        return;
    }
    achieves_nothing(&attacked, Gateway::Off);
}

/// The same with a key: then it has a gateway, and so a network with something in it.
#[test]
fn a_hijacked_agent_achieves_nothing_through_its_gateway() {
    let attacked = Attacked::new();
    if attacked.place.lacks_sandbox() {
        return;
    }
    achieves_nothing(&attacked, Gateway::On);
}

fn achieves_nothing(attacked: &Attacked, gateway: Gateway) {
    let (achieved, ran) = attacked.achieved(gateway, "", |_| true);
    assert_eq!(named(&achieved), Vec::<&str>::new(), "{}", ran.stderr);
    assert_eq!(
        ran.code, 0,
        "its work is taken all the same: {}{}",
        ran.stdout, ran.stderr
    );
    assert!(!ran.stdout.contains("no sandbox"), "{}", ran.stdout);
}

#[test]
fn without_the_sandbox_it_would() {
    let attacked = Attacked::new();
    if attacked.place.lacks_sandbox() {
        return;
    }
    let (achieved, ran) =
        attacked.achieved(Gateway::Off, "--unsafe-no-sandbox", |free| free == Succeeds);
    let expected = (0..ATTACKS.len()).filter(|index| ATTACKS[*index].3 == Succeeds);
    assert_eq!(
        named(&achieved),
        named(&expected.collect::<Vec<_>>()),
        "{}",
        ran.stderr
    );
    let status = attacked.place.run("status r1");
    assert!(
        status.stdout.contains("no sandbox"),
        "every report says so: {}",
        status.stdout
    );
}

/// The list that people read is the list that is tried.
#[test]
fn every_attack_is_in_the_documentation() {
    let page = include_str!("../../../../docs/security.md");
    for (threat, name, ..) in ATTACKS {
        let row = format!("| {threat} | {name} |");
        assert!(page.contains(&row), "docs/security.md has the row {row}");
    }
}

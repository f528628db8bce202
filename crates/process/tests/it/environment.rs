//! What a child can see of us.

use std::fs::File;
use std::os::fd::AsRawFd;

use crate::support::{WAYS, Way, launch, run, shell};

#[tokio::test]
async fn nothing_is_inherited() {
    for way in WAYS {
        let finished = run(launch(way, "env").env("ONLY", "this").env("ONLY", "that")).await;
        let text = String::from_utf8_lossy(&finished.stdout.bytes);
        assert_eq!(
            text, "PATH=/usr/local/bin:/usr/bin:/bin\nONLY=that\n",
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn no_descriptor_is_inherited() {
    let file = File::open("/dev/null").expect("it exists");
    // SAFETY-free way to an inheritable descriptor: a duplicate without the close-on-exec flag.
    let leaky = rustix::io::dup(&file).expect("a free descriptor");
    rustix::io::fcntl_setfd(&leaky, rustix::io::FdFlags::empty()).expect("it is open");
    assert!(leaky.as_raw_fd() > 2);
    for way in WAYS {
        let finished = run(launch(way, "ls").arg("/proc/self/fd")).await;
        // The fourth is the folder that `ls` reads.
        assert_eq!(finished.stdout.bytes, b"0\n1\n2\n3\n", "{way:?}");
    }
}

/// The keeper is a copy of us, and to its descendants it is process 1 of a namespace they may read.
#[tokio::test]
async fn our_environment_is_not_found_in_the_keeper() {
    let own = std::fs::read("/proc/self/environ").expect("readable");
    assert!(
        own.windows(5).any(|window| window == b"PATH="),
        "the test itself has an environment"
    );
    for way in [Way::Tree, Way::Fallback] {
        let finished = run(shell(way, "cat /proc/$PPID/environ | tr -d '\\0' | wc -c")).await;
        assert_eq!(finished.stdout.bytes, b"0\n", "{way:?}");
    }
}

#[test]
fn the_allow_list_lets_no_secret_through() {
    let source = [
        "HOME",
        "LC_TIME",
        "GITHUB_TOKEN",
        "SSH_AUTH_SOCK",
        "AWS_SECRET_ACCESS_KEY",
        "MY_VAR",
        "LD_PRELOAD",
    ];
    let source = source.map(|name| (name.into(), "value".into()));
    let allowed = process::allowed_environment(source.into_iter(), &["MY_VAR".to_owned()]);
    let names: Vec<_> = allowed
        .iter()
        .map(|(name, _)| name.to_str().expect("UTF-8"))
        .collect();
    assert_eq!(names, ["HOME", "LC_TIME", "MY_VAR"]);
}

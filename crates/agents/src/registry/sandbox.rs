use std::ffi::OsString;

use core_types::CommandLine;
use process::{Network, Sandbox, program_paths};

/// The sandbox of one agent: `base`, its own program, and of [`Network::Ports`] those servers of this machine that
/// its variables name, and its gateway; where there is neither, it talks with nobody.
pub(super) fn of_agent(
    base: &Sandbox,
    command: &CommandLine,
    environment: &[(String, String)],
    gateway: Option<u16>,
) -> Sandbox {
    let mut sandbox = base.clone();
    let variables: Vec<(OsString, OsString)> = environment
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let words: Vec<&str> = match command {
        CommandLine::Shell(line) => line.split_ascii_whitespace().collect(),
        CommandLine::Program(words) => words.iter().map(String::as_str).collect(),
    };
    sandbox.readable.extend(program_paths(&words, &variables));
    if let Network::Ports(ports) = &mut sandbox.network {
        ports.extend(
            environment
                .iter()
                .filter_map(|(_, value)| loopback_port(value)),
        );
        ports.extend(gateway);
        if ports.is_empty() {
            sandbox.network = Network::None;
        }
    }
    sandbox
}

/// The port of a URL of a server on this machine.
fn loopback_port(url: &str) -> Option<u16> {
    let rest = url.strip_prefix("http://")?;
    let hosts = ["127.0.0.1:", "localhost:", "[::1]:"];
    let rest = hosts.iter().find_map(|host| rest.strip_prefix(host))?;
    rest.split(['/', '?', '#']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_of_this_machine_are_gateways() {
        let check = |url: &str, port| assert_eq!(loopback_port(url), port, "{url}");
        check("http://127.0.0.1:8787", Some(8787));
        check("http://localhost:80/v1", Some(80));
        check("http://[::1]:1/v1?x", Some(1));
        check("http://127.0.0.1.example.com:80", None);
        check("https://api.example.com:443", None);
        check("http://localhost:x", None);
    }

    #[test]
    fn who_names_no_server_talks_with_nobody() {
        let base = Sandbox {
            network: Network::Ports(Vec::new()),
            ..Sandbox::default()
        };
        let command = CommandLine::Shell("true".to_owned());
        let network = |value: &str, gateway| {
            let environment = [("BASE_URL".to_owned(), value.to_owned())];
            of_agent(&base, &command, &environment, gateway).network
        };
        assert_eq!(network("https://api.example.com", None), Network::None);
        let own = network("http://127.0.0.1:9/v1", None);
        assert_eq!(own, Network::Ports(vec![9]));
        let gateway = network("https://api.example.com", Some(7));
        assert_eq!(gateway, Network::Ports(vec![7]));
    }
}

//! A client of the dashboard.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Result, ensure};

use crate::home::Dashboard;

/// Longer than any answer takes, so that a fault does not hang the measurement.
const PATIENCE: Duration = Duration::from_secs(30);

impl Dashboard {
    pub(crate) fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn request(&self, path: &str) -> String {
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {}\r\n",
            self.port, self.token
        )
    }

    /// The body of an answer of 200, and bytes of its head with it.
    pub(crate) fn get(&self, path: &str) -> Result<Vec<u8>> {
        let mut stream = self.connect()?;
        let request = self.request(path) + "Connection: close\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        ensure!(
            bytes.starts_with(b"HTTP/1.1 200"),
            "{path}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
        );
        Ok(bytes)
    }

    /// Opens a stream of changes.
    pub(crate) fn changes(&self, path: &str) -> Result<Changes> {
        let mut stream = self.connect()?;
        stream.write_all((self.request(path) + "\r\n").as_bytes())?;
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            ensure!(lines.read_line(&mut line)? > 0, "{path}: no answer");
        }
        Ok(Changes { lines })
    }
}

/// A stream of changes of runs.
pub(crate) struct Changes {
    lines: BufReader<TcpStream>,
}

impl Changes {
    /// Shut down, it ends the stream.
    pub(crate) fn connection(&self) -> Result<TcpStream> {
        Ok(self.lines.get_ref().try_clone()?)
    }

    /// Waits for a change.
    pub(crate) fn next(&mut self) -> Result<()> {
        let mut line = String::new();
        while !line.starts_with("data: ") {
            line.clear();
            ensure!(self.lines.read_line(&mut line)? > 0, "the stream ended");
        }
        Ok(())
    }
}

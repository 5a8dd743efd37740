//! As much of HTTP as the measuring takes: one connection, one request after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// How long an answer or the next event may take; a stream says every 15 seconds that it lives.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Http(SocketAddr);

/// One connection to it.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

/// An answer.
pub(super) struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Http {
    pub(super) fn new(port: u16) -> Self {
        Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    pub(super) fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.0).with_context(|| format!("connecting to {}", self.0))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { stream: BufReader::with_capacity(16 << 10, stream), host: self.0.to_string() })
    }
}

impl Answer {
    pub(super) fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body));
        Ok(self)
    }

    pub(super) fn json(self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.expect(200)?.body)?)
    }
}

impl Connection {
    pub(super) fn get(&mut self, path: &str) -> Result<Answer> {
        self.send("GET", path, b"")
    }

    pub(super) fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Answer> {
        let host = &self.host;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let (status, length) = self.head()?;
        let mut body = vec![0; length.context("an answer without a length")?];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }

    /// Asks for a stream of events.
    pub(super) fn open(mut self, path: &str) -> Result<Self> {
        let host = &self.host;
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n");
        self.stream.get_mut().write_all(head.as_bytes())?;
        match self.head()? {
            (200, None) => Ok(self),
            (status, _) => bail!("{status} instead of a stream"),
        }
    }

    /// The type of the next event; empty for a sign of life, `None` at the end. Chunks need not be told apart, for their lengths
    /// are lines of their own.
    pub(super) fn event(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.stream.read_until(b'\n', &mut line)? == 0 || line == b"0\r\n" {
                return Ok(None);
            }
            if line.starts_with(b": ") {
                return Ok(Some(String::new()));
            }
            if let Some(event) = line.strip_prefix(b"event: ") {
                return Ok(Some(String::from_utf8_lossy(event).trim().to_owned()));
            }
        }
    }

    fn head(&mut self) -> Result<(u16, Option<usize>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).context("no answer")?.parse()?;
        let mut length = None;
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "the answer breaks off");
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse()?)
                }
                Some(_) => {}
                None => return Ok((status, length)),
            }
        }
    }
}

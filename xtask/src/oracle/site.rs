//! A repository on loopback: files, and what goes wrong with repositories.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

/// `u` with the password `secret`.
const LOGIN: &str = "authorization: basic dtpzzwnyzxq=";

/// A server of files, which ends with the process:
///
/// * `/closed/` is for who has a login;
/// * `/moved/x` leads to `/x` of the other host, `/loop/` to itself;
/// * `/cut/` ends before it should, `/fail/` fails.
pub(super) struct Site {
    /// Host and port.
    pub(super) host: String,
    listener: TcpListener,
}

impl Site {
    pub(super) fn bind() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        Ok(Self { host: listener.local_addr()?.to_string(), listener })
    }

    /// Begins to serve the files of a folder; `other` is the other host.
    pub(super) fn serve(self, folder: &Path, other: &str) {
        let (folder, other) = (Arc::new(folder.to_owned()), Arc::new(other.to_owned()));
        std::thread::spawn(move || {
            for stream in self.listener.incoming().flatten() {
                let (folder, other) = (Arc::clone(&folder), Arc::clone(&other));
                // Who has gone away misses nothing.
                std::thread::spawn(move || drop(answer(stream, &folder, &other)));
            }
        });
    }
}

fn answer(mut stream: TcpStream, folder: &Path, other: &str) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
    let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
    let is_known = lines.take_while(|line| !line.is_empty()).any(|line| line.to_ascii_lowercase() == LOGIN);
    let (status, more, body) = match path.get(1..).unwrap_or_default().split_once('/') {
        Some(("closed", _)) if !is_known => {
            ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"r\"\r\n".into(), None)
        }
        Some(("closed", rest)) => file(folder, rest),
        Some(("moved", rest)) => ("302 Found", format!("Location: http://{other}/{rest}\r\n"), None),
        Some(("loop", _)) => ("302 Found", format!("Location: {path}\r\n"), None),
        Some(("fail", _)) => ("500 Internal Server Error", String::new(), None),
        Some(("cut", _)) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nhalf")?;
            return Ok(());
        }
        _ => file(folder, path.get(1..).unwrap_or_default()),
    };
    let body = body.unwrap_or_default();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    Ok(())
}

fn file(folder: &Path, path: &str) -> (&'static str, String, Option<Vec<u8>>) {
    let path = path.replace("%2B", "+");
    let inside = !path.split('/').any(|part| part == "..");
    match std::fs::read(folder.join(&path)) {
        Ok(bytes) if inside => ("200 OK", String::new(), Some(bytes)),
        _ => ("404 Not Found", String::new(), None),
    }
}

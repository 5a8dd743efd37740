//! An operation's events, as the server sends them: a stream that goes on where it was when it breaks off.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use api::{Event, Operation};

use super::client::{Ask, Client, Refused, segment};
use crate::fail::{Fail, Outcome, fail};

/// How long a stream may be gone.
const GONE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(500);

/// Tells of an operation's events until it is done; gives back the finished operation.
pub(crate) fn follow(client: &Client, id: &str, see: &mut dyn FnMut(Event)) -> Outcome<Operation> {
    let path = format!("/v1/operations/{}/events", segment(id));
    let mut seen = String::new();
    let mut heard = Instant::now();
    loop {
        let mut ask = Ask::get(path.clone()).header("accept", "text/event-stream");
        if !seen.is_empty() {
            ask = ask.header("last-event-id", seen.clone());
        }
        match client.send(&ask) {
            Ok(answer) => {
                let mut stream = Stream::new(BufReader::new(answer.into_body().into_reader()));
                while let Some(told) = stream.next() {
                    heard = Instant::now();
                    if !told.id.is_empty() {
                        seen = told.id;
                    }
                    // What a newer server tells besides is passed over.
                    match serde_json::from_str::<Event>(&told.data) {
                        Ok(Event::Done { operation }) => return Ok(*operation),
                        Ok(event) => see(event),
                        Err(_) => {}
                    }
                }
            }
            // The operation goes on without us, and the server may be back soon, or another one in its place.
            Err(refused) if heard.elapsed() < GONE && is_passing(&refused) => {}
            Err(refused) => return Err(lost(id, refused.into())),
        }
        if heard.elapsed() >= GONE {
            return Err(lost(id, Fail::new("the server tells nothing more")));
        }
        std::thread::sleep(PAUSE);
    }
}

fn is_passing(refused: &Refused) -> bool {
    match refused {
        Refused::Problem(problem) => problem.retryable,
        Refused::Fail(_) => true,
    }
}

/// Says what may still be found out.
fn lost(id: &str, fail: Fail) -> Fail {
    Fail { hint: Some(format!("the operation may go on: `whipstaff operation watch {id}`")), ..fail }
}

/// An event as it stands in the stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    id: String,
    data: String,
}

/// What of a line is read at most: no event is larger.
const LONGEST: u64 = 16 << 20;

struct Stream<R> {
    lines: R,
}

impl<R: BufRead> Stream<R> {
    fn new(lines: R) -> Self {
        Self { lines }
    }

    /// The next event that is whole; none when the stream has ended, well or not.
    fn next(&mut self) -> Option<Told> {
        let mut told = Told::default();
        loop {
            let mut line = Vec::new();
            let count = std::io::Read::take(&mut self.lines, LONGEST).read_until(b'\n', &mut line).ok()?;
            if count == 0 || line.last() != Some(&b'\n') {
                return None;
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                if !told.data.is_empty() {
                    return Some(told);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => value.clone_into(&mut told.id),
                "data" => {
                    if !told.data.is_empty() {
                        told.data.push('\n');
                    }
                    told.data.push_str(value);
                }
                // Names are in the data too, and a line without one is a sign of life.
                _ => {}
            }
        }
    }
}

/// Refuses to wait for an operation that is not there.
pub(crate) fn known(client: &Client, id: &str) -> Outcome<Operation> {
    if id.is_empty() {
        fail!("an operation has an id; `operation list` shows them");
    }
    Ok(client.json(&Ask::get(format!("/v1/operations/{}", segment(id))))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read() {
        let text = ": hello\n\nid: 1\nevent: phase\ndata: {\"a\":\ndata: 1}\n\n:\n\nid:2\r\ndata:x\r\n\r\nid: 3\ndata: broken o";
        let mut stream = Stream::new(text.as_bytes());
        let told = |id: &str, data: &str| Some(Told { id: id.to_owned(), data: data.to_owned() });
        assert_eq!(stream.next(), told("1", "{\"a\":\n1}"));
        assert_eq!(stream.next(), told("2", "x"));
        assert_eq!(stream.next(), None);
    }
}

//! The process that answers with Go's own packages, one JSON object a line.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use goyaml::Value;

pub(crate) struct Question {
    pub(crate) op: &'static str,
    pub(crate) json: Option<String>,
    pub(crate) ints: bool,
    pub(crate) text: Option<Vec<u8>>,
}

/// One line of the record: the question with its answer.
pub(crate) fn record(question: &Question, answer: &Answer) -> String {
    let mut object: serde_json::Value = serde_json::from_str(&question.line()).expect("the question is JSON");
    match answer {
        Answer::Out(value) => object["out"] = value.into(),
        Answer::Err(error) => object["err"] = error.as_str().into(),
    }
    format!("{object}\n")
}

impl Question {
    pub(crate) fn len(&self) -> usize {
        self.json.as_ref().map_or(0, String::len) + self.text.as_ref().map_or(0, Vec::len)
    }

    fn line(&self) -> String {
        let mut object = serde_json::json!({"op": self.op, "ints": self.ints});
        if let Some(json) = &self.json {
            object["json"] = json.as_str().into();
        }
        match self.text.as_deref().map(std::str::from_utf8) {
            Some(Ok(text)) => object["yaml"] = text.into(),
            Some(Err(_)) => object["b64"] = base64(self.text.as_deref().unwrap_or_default()).into(),
            None => {}
        }
        format!("{object}\n")
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.json, &self.text) {
            (Some(json), _) => write!(f, "{} ints={} {json}", self.op, self.ints),
            (_, Some(text)) => {
                write!(f, "{} {:?}\n{}", self.op, String::from_utf8_lossy(text), String::from_utf8_lossy(text))
            }
            _ => f.write_str(self.op),
        }
    }
}

#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Out(Value),
    Err(String),
}

impl Answer {
    pub(crate) fn is_panic(&self) -> bool {
        matches!(self, Self::Err(e) if e.starts_with("panic: ") || e.starts_with("answer is not JSON"))
    }

    pub(crate) fn same(&self, theirs: &Self) -> bool {
        match (self, theirs) {
            (Self::Out(a), Self::Out(b)) => floats(a.clone()) == floats(b.clone()),
            _ => self == theirs,
        }
    }
}

/// Makes all numbers floats, as they are in the answer.
fn floats(value: Value) -> Value {
    match value {
        Value::Int(_) | Value::Uint(_) => Value::Float(value.as_f64().unwrap_or_default()),
        Value::Seq(items) => Value::Seq(items.into_iter().map(floats).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (k, floats(v))).collect()),
        other => other,
    }
}

pub(crate) struct Oracle {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    /// Whether it answers more than helm-oracle does.
    pub(crate) extended: bool,
}

impl Oracle {
    pub(crate) fn start(path: &str) -> Self {
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{path} does not start: {e}"));
        let out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut oracle = Self { child, out, extended: false };
        let probe = Question { op: "pretty", json: Some("1".into()), ints: false, text: None };
        oracle.extended = matches!(oracle.ask(&[&probe]).first(), Some(Answer::Out(_)));
        oracle
    }

    pub(crate) fn can_answer(&self, question: &Question) -> bool {
        let plain = matches!(question.op, "toyaml" | "fromyaml")
            && !question.ints
            && question.text.as_deref().is_none_or(|t| std::str::from_utf8(t).is_ok());
        plain || self.extended
    }

    pub(crate) fn ask(&mut self, questions: &[&Question]) -> Vec<Answer> {
        let lines: String = questions.iter().map(|q| q.line()).collect();
        let mut input = self.child.stdin.take().expect("stdin is piped");
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                input.write_all(lines.as_bytes()).expect("the oracle reads");
                input
            });
            let answers = questions.iter().map(|_| Self::read(&mut self.out)).collect();
            self.child.stdin = writer.join().ok();
            answers
        })
    }

    fn read(out: &mut BufReader<std::process::ChildStdout>) -> Answer {
        let mut line = String::new();
        out.read_line(&mut line).expect("the oracle answers");
        let mut answer = goyaml::from_json_map(&line).expect("the oracle answers in JSON");
        match answer.remove("err") {
            Some(Value::Str(error)) => Answer::Err(error),
            _ => Answer::Out(answer.remove("out").unwrap_or_default()),
        }
    }

    /// Asks again and again: whether it always says the same.
    pub(crate) fn is_stable(&mut self, question: &Question, answer: &Answer) -> bool {
        self.ask(&[question; 40]).iter().all(|again| again == answer)
    }

    /// Asks again and again, for Go goes through its maps in another order each time: whether it ever says the same.
    pub(crate) fn wavers(&mut self, question: &Question, ours: &Answer) -> bool {
        self.ask(&[question; 30]).iter().any(|theirs| ours.same(theirs))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn base64(data: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in data.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            out.push(if i > chunk.len() { '=' } else { char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize]) });
        }
    }
    out
}

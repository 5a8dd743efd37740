//! `whipstaff serve` as a process: its settings, its log and its traces.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

#[allow(dead_code, reason = "each file of tests needs other helpers")]
mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::Place;
use serde_json::Value;

/// A server over a sandbox.
struct Serving {
    process: Child,
    address: String,
    digest: String,
    log: std::thread::JoinHandle<String>,
}

impl Serving {
    fn start(flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whipstaff"));
        command.args(["serve", "--sandbox", "--listen", "127.0.0.1:0"]).args(flags);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut after = |text: &str| loop {
            let line = out.next().unwrap().unwrap();
            if let Some((_, rest)) = line.split_once(text) {
                return rest.trim().to_owned();
            }
        };
        let address = after("on http://");
        let digest = after("uploaded as ").trim_end_matches('.').to_owned();
        // What it prints further: it would fail if nobody listened.
        std::thread::spawn(move || out.for_each(drop));
        let mut err = process.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        Self { process, address, digest, log }
    }

    /// Asks, and returns the answer as it came.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn install(&self, headers: &str) -> String {
        let body = format!(
            r#"{{"chart": {{"upload": "{}"}}, "values": {{"message": "hunter2"}}, "createNamespace": true}}"#,
            self.digest
        );
        let path = "/v1/clusters/default/namespaces/web/releases/shop";
        self.ask("PUT", path, &format!("Prefer: wait=30\r\n{headers}"), &body)
    }

    /// Ends it as a pod is ended, and returns what it has logged.
    fn end(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
        self.log.join().unwrap()
    }
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {answer}")).split_once(':').unwrap().1.trim()
}

#[test]
fn settings_are_printed_and_read_back() {
    let place = Place::new();
    let done = place.run("serve --limit-caller-rate 7 --log-format json --print-config");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.contains("\n  callerRate: 7\n") && done.out.contains("\n  format: json\n"), "{}", done.out);
    place.write("whipstaff.yaml", &done.out);
    assert_eq!(place.run("serve --config whipstaff.yaml --print-config").out, done.out);
    let other = place.run_with(
        &["serve", "--print-config", "--grace=1s"],
        &[("WHIPSTAFF_CONFIG", "whipstaff.yaml"), ("WHIPSTAFF_LIMIT_CALLER_RATE", "8")],
    );
    assert!(other.out.contains("\n  callerRate: 8\n") && other.out.contains("\ngrace: 1s\n"), "{}", other.out);
    place.write("whipstaff.yaml", "limits: {callerRat: 1}\n");
    let wrong = place.run("serve --config whipstaff.yaml --print-config");
    let text =
        "Error: cannot use `whipstaff.yaml`: `limits.callerRat` is no setting; did you mean `limits.callerRate`?\n";
    assert_eq!((wrong.code, wrong.err.as_str()), (1, text));
}

#[test]
fn every_line_of_the_log_has_the_ids_that_it_is_about() {
    let server = Serving::start(&["--log-format", "json", "--log", "debug,hyper=warn,h2=warn,kube=warn,tower=warn"]);
    let answer = server.install("");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let request = header(&answer, "x-request-id").to_owned();
    let operation = header(&answer, "location").rsplit('/').next().unwrap().to_owned();
    let log = server.end();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    let of = |line: &Value, name: &str| {
        line["spans"].as_array().into_iter().flatten().find_map(|span| span[name].as_str().map(str::to_owned))
    };
    let about = |text: &str| {
        lines.iter().find(|line| line["message"] == text).unwrap_or_else(|| panic!("no `{text}` in {log}"))
    };
    let done = about("the operation has succeeded");
    assert_eq!(of(done, "operation"), Some(operation.clone()), "{done:#}");
    assert_eq!(of(done, "request"), Some(request.clone()), "{done:#}");
    let asked = lines.iter().find(|line| line["message"] == "request" && line["method"] == "PUT").unwrap();
    assert_eq!(of(asked, "request"), Some(request.clone()), "{asked:#}");
    let audited = lines.iter().find(|line| line["target"] == "audit").unwrap();
    assert_eq!(of(audited, "request"), Some(request), "{audited:#}");
    assert!(!log.contains("hunter2"), "values are nobody's business: {log}");
}

/// Takes what is sent to it, as a collector does.
fn collector() -> (String, Receiver<opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut head = BTreeMap::new();
                    let mut first = String::new();
                    if reader.read_line(&mut first).unwrap_or(0) == 0 {
                        return;
                    }
                    assert_eq!(first, "POST /v1/traces HTTP/1.1\r\n");
                    loop {
                        let mut line = String::new();
                        reader.read_line(&mut line).unwrap();
                        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                        head.insert(name.to_lowercase(), value.to_owned());
                    }
                    assert_eq!(head["content-type"], "application/x-protobuf");
                    let mut body = vec![0; head["content-length"].parse().unwrap()];
                    reader.read_exact(&mut body).unwrap();
                    let _ = sender.send(prost::Message::decode(&*body).unwrap());
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                }
            });
        }
    });
    (address, receiver)
}

#[test]
fn traces_go_to_the_collector() {
    let (address, received) = collector();
    // What is logged does not decide what is traced.
    let server = Serving::start(&["--otlp-endpoint", &address, "--log", "error", "--instance", "whipstaff-0"]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let answer = server.install(&format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let operation = header(&answer, "location").rsplit('/').next().unwrap().to_owned();
    server.ask("GET", "/v1/clusters/default/namespaces/web/releases/nothing", "", "");
    server.ask("GET", "/v1/clusters", &format!("traceparent: 00-{trace}-00f067aa0ba902b7-00\r\n"), "");
    server.end();
    let mut spans = Vec::new();
    let mut resources = String::new();
    while let Ok(request) = received.recv_timeout(Duration::from_millis(500)) {
        for found in request.resource_spans {
            resources.push_str(&format!("{:?}", found.resource));
            spans.extend(found.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    assert!(resources.contains("whipstaff-0") && resources.contains("service.name"), "{resources}");
    let of =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no `{name}` in {spans:#?}"));
    let attributes = |span: &opentelemetry_proto::tonic::trace::v1::Span| -> BTreeMap<String, String> {
        use opentelemetry_proto::tonic::common::v1::any_value::Value as V;
        let text = |value: &Option<V>| match value {
            Some(V::StringValue(text)) => text.clone(),
            Some(V::IntValue(number)) => number.to_string(),
            other => panic!("{other:?}"),
        };
        span.attributes.iter().map(|one| (one.key.clone(), text(&one.value.as_ref().unwrap().value))).collect()
    };
    let route = "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}";
    let put = of(&format!("PUT {route}"));
    assert_eq!(hex(&put.trace_id), trace);
    assert_eq!((hex(&put.parent_span_id), put.kind), ("00f067aa0ba902b7".to_owned(), 2));
    let said = attributes(put);
    assert_eq!((said["http.route"].as_str(), said["http.request.method"].as_str()), (route, "PUT"));
    assert_eq!(said["http.response.status_code"], "200");
    let done = of("operation upgrade");
    let said = attributes(done);
    assert_eq!(said["whipstaff.operation.id"], operation);
    assert_eq!(
        (said["whipstaff.release.name"].as_str(), said["whipstaff.operation.state"].as_str()),
        ("shop", "succeeded")
    );
    assert_eq!((hex(&done.links[0].span_id), hex(&done.links[0].trace_id)), (hex(&put.span_id), trace.to_owned()));
    assert!(done.parent_span_id.is_empty(), "an operation is followed on its own");
    assert_eq!(attributes(of(&format!("GET {route}")))["http.response.status_code"], "404");
    assert!(!spans.iter().any(|span| span.name == "GET /v1/clusters"), "it is not sampled: {spans:#?}");
    assert!(!format!("{spans:?}").contains("hunter2"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

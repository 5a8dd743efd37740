//! A web server on loopback that remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

/// A page.
#[derive(Clone, Default)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The server; it ends with the test.
#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    pages: BTreeMap<String, Page>,
    /// What `Authorization` has to be.
    key: Option<String>,
    asked: Vec<String>,
}

impl Web {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::<Mutex<Inner>>::default();
        let shared = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let mut lines = Vec::new();
                    for line in BufReader::new(&stream).lines() {
                        match line {
                            Ok(line) if !line.is_empty() => lines.push(line),
                            _ => break,
                        }
                    }
                    let Some(first) = lines.first() else { return };
                    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                    let header = |name: &str| {
                        let found = lines.iter().filter_map(|line| line.split_once(": "));
                        found
                            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                            .map(|(_, value)| value.to_owned())
                            .next()
                    };
                    let page = shared.lock().unwrap().answer(&path, header("authorization"), header("if-none-match"));
                    let mut head = format!("HTTP/1.1 {} Whatever\r\nConnection: close\r\n", page.status);
                    for (name, value) in &page.headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    head.push_str(&format!("Content-Length: {}\r\n\r\n", page.body.len()));
                    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&page.body));
                });
            }
        });
        Self { url, inner }
    }

    /// Host and port.
    pub(crate) fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(crate) fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.page(path, Page { status: 200, body: body.into(), ..Page::default() });
    }

    pub(crate) fn gone(&self, path: &str) {
        self.inner.lock().unwrap().pages.remove(path);
    }

    pub(crate) fn page(&self, path: &str, page: Page) {
        self.inner.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    pub(crate) fn moved(&self, path: &str, to: &str) {
        let headers = vec![("Location".to_owned(), to.to_owned())];
        self.page(path, Page { status: 302, headers, ..Page::default() });
    }

    /// Lets nobody in but who says this.
    pub(crate) fn lock(&self, key: &str) {
        self.inner.lock().unwrap().key = Some(key.to_owned());
    }

    /// What was asked since it was looked at last, each as `path authorization`.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.lock().unwrap().asked)
    }
}

impl Inner {
    fn answer(&mut self, path: &str, said: Option<String>, known: Option<String>) -> Page {
        self.asked.push(format!("{path} {}", said.as_deref().unwrap_or("-")));
        if self.key.is_some() && self.key != said {
            let headers = vec![("WWW-Authenticate".to_owned(), "Basic".to_owned())];
            return Page { status: 401, headers, body: Vec::new() };
        }
        let Some(mut page) = self.pages.get(path).cloned() else { return Page { status: 404, ..Page::default() } };
        if page.status == 200 {
            let tag = format!("\"{}\"", hex::encode(Sha256::digest(&page.body)));
            if known.as_deref() == Some(tag.as_str()) {
                return Page { status: 304, headers: vec![("ETag".to_owned(), tag)], body: Vec::new() };
            }
            page.headers.push(("ETag".to_owned(), tag));
        }
        page
    }
}

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::*;

/// What a server was asked, each request as `path authorization`.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// A server on loopback that answers with what a function makes of the path; it ends with the test.
pub(crate) fn server(answer: impl Fn(&str, &[String]) -> String + Send + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
            let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let said = headers.iter().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("-");
            seen.lock().unwrap().push(format!("{path} {said}"));
            let _ = stream.write_all(answer(&path, &headers).as_bytes());
        }
    });
    (url, asked)
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"e\"\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

pub(crate) fn fetcher() -> Fetcher {
    Fetcher::new("test", Duration::from_secs(20), None)
}

fn access(url: &str) -> Access {
    Access { url: url.to_owned(), username: "u".into(), password: "secret".into(), ..Access::default() }
}

fn body(answer: Answer) -> String {
    let Answer { mut body, .. } = answer;
    let mut text = String::new();
    body.read_to_string(&mut text).unwrap();
    text
}

const BASIC: &str = "Basic dTpzZWNyZXQ=";

#[test]
fn cve_2021_32690_credentials_stay_with_the_repository() {
    let (other, there) = server(|_, _| ok("there"));
    let back = other.clone();
    let (own, here) = server(move |path, _| match path {
        "/elsewhere" => moved(&format!("{back}/x")),
        "/within" => moved("/x"),
        _ => ok("here"),
    });
    let (fetcher, access) = (fetcher(), access(&own));
    let get = |url: &str, access: &Access| body(fetcher.get(url, access, &Ask::default()).unwrap());
    // To the repository itself, also after a redirect within it.
    assert_eq!(get(&format!("{own}/within"), &access), "here");
    assert_eq!(*here.lock().unwrap(), [format!("/within {BASIC}"), format!("/x {BASIC}")]);
    // Not along with a redirect to another port.
    assert_eq!(get(&format!("{own}/elsewhere"), &access), "there");
    assert_eq!(*there.lock().unwrap(), ["/x -"]);
    // Not to a chart that the index has elsewhere, unless that is wanted.
    get(&format!("{other}/chart"), &access);
    get(&format!("{other}/chart"), &Access { pass_everywhere: true, ..access.clone() });
    assert_eq!(*there.lock().unwrap(), ["/x -".to_owned(), "/chart -".to_owned(), format!("/chart {BASIC}")]);
    // A name of the same machine is another host.
    get(&other.replace("127.0.0.1", "localhost"), &access);
    assert_eq!(there.lock().unwrap().last().unwrap(), "/ -");
}

#[test]
fn a_redirect_away_and_back_does_not_bring_the_credentials_back() {
    let own = Arc::new(Mutex::new(String::new()));
    let back = Arc::clone(&own);
    let (other, _) = server(move |_, _| moved(&format!("{}/end", back.lock().unwrap())));
    let (url, asked) = server(move |path, _| if path == "/start" { moved(&other) } else { ok("end") });
    own.lock().unwrap().clone_from(&url);
    assert_eq!(body(fetcher().get(&format!("{url}/start"), &access(&url), &Ask::default()).unwrap()), "end");
    assert_eq!(*asked.lock().unwrap(), [format!("/start {BASIC}"), "/end -".to_owned()]);
}

#[test]
fn errors_hold_no_password() {
    let (url, asked) = server(|path, _| match path {
        "/loop" => moved("/loop"),
        "/file" => moved("file:///etc/passwd"),
        _ => "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned(),
    });
    let with_user = url.replace("http://", "http://u:secret@");
    let own = Access { url: with_user.clone(), ..Access::default() };
    let fails = |url: &str| fetcher().get(url, &own, &Ask::default()).err().unwrap().to_string();
    let shown = url.replace("http://", "http://u:***@");
    assert_eq!(fails(&format!("{with_user}/x")), format!("failed to fetch {shown}/x : 404 Not Found"));
    // What the URL says is sent to it, and only that.
    assert_eq!(asked.lock().unwrap().last().unwrap(), &format!("/x {BASIC}"));
    assert!(fails(&format!("{with_user}/loop")).ends_with("Get \"/loop\": stopped after 10 redirects"));
    assert_eq!(asked.lock().unwrap().len(), 11);
    assert!(fails(&format!("{with_user}/file")).ends_with("unsupported protocol scheme \"file\""));
    let refused = fails("http://u:secret@127.0.0.1:1/x");
    assert_eq!(refused, "Get \"http://u:***@127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused");
    assert!(!format!("{own:?}").contains("secret"));
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let (url, _) = server(|_, headers| match headers.iter().any(|line| line == "if-none-match: \"e\"") {
        true => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
        false => ok("new"),
    });
    let first = fetcher().get(&url, &access(&url), &Ask::default()).unwrap();
    let ask = Ask { validators: first.validators.clone(), ..Ask::default() };
    assert_eq!(body(first), "new");
    assert!(fetcher().get(&url, &access(&url), &ask).unwrap().is_unchanged);
}

#[test]
fn files_of_certificates_have_to_be_there() {
    let own = Access {
        authorities: Pem::file("/no/ca"),
        certificate: Pem::file("/no/cert"),
        key: Pem::file("/no/key"),
        ..access("http://h")
    };
    let error = fetcher().get("http://127.0.0.1:1", &own, &Ask::default()).err().unwrap().to_string();
    assert_eq!(
        error,
        "can't create TLS config for client: unable to read cert file: \"/no/cert\": open /no/cert: no such file or directory\n\
         can't read CA file: \"/no/ca\": open /no/ca: no such file or directory"
    );
}

/// Allows a host at loopback, and nothing else.
#[derive(Debug)]
struct Only(&'static str);

impl Reach for Only {
    fn allows(&self, host: &str, address: std::net::IpAddr) -> bool {
        host == self.0 && address.is_loopback()
    }
}

#[test]
fn nothing_is_fetched_from_where_it_may_not_be() {
    let (own, asked) = server(|path, _| match path {
        "/hop" => moved("http://localhost:1/x"),
        _ => ok("here"),
    });
    let fetcher = fetcher().within(Arc::new(Only("127.0.0.1")));
    let get = |url: &str| fetcher.get(url, &access(&own), &Ask::default()).map(body);
    assert_eq!(get(&format!("{own}/x")).unwrap(), "here");
    let named = own.replace("127.0.0.1", "localhost");
    for url in [named, format!("{own}/hop"), "http://169.254.169.254/latest".to_owned(), "http://[::1]:1/".to_owned()] {
        let error = get(&url).unwrap_err();
        assert!(error.is_outside(), "{url}: {error}");
        assert!(error.to_string().contains("is not where may be fetched from"), "{error}");
    }
    assert_eq!(asked.lock().unwrap().len(), 2, "and nobody else was asked");
}

#[test]
fn an_error_has_the_status_of_the_answer() {
    let (own, _) = server(|_, _| "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned());
    let error = fetcher().get(&format!("{own}/x"), &access(&own), &Ask::default()).err().unwrap();
    assert_eq!((error.answered(), error.is_outside()), (Some(403), false));
}

#[test]
fn who_is_in_a_hurry_does_not_wait() {
    let (own, asked) = server(|path, _| match path {
        "/busy" => "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            .to_owned(),
        _ => ok("here"),
    });
    let get = |time: u64, path: &str| {
        let fetcher = fetcher().hurried(Duration::from_secs(time));
        fetcher.get(&format!("{own}{path}"), &access(&own), &Ask::default())
    };
    assert_eq!(get(60, "/x").unwrap().read(4).unwrap(), b"here");
    assert!(get(60, "/x").unwrap().read(3).unwrap_err().is_too_long());
    assert_eq!(get(60, "/busy").err().unwrap().retry_after(), Some(7));
    let seen = asked.lock().unwrap().len();
    assert!(get(0, "/x").err().unwrap().to_string().contains("deadline exceeded"));
    assert_eq!(asked.lock().unwrap().len(), seen);
}

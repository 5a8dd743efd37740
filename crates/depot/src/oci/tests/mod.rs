mod bringing;

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::fetch::tests::{Asked, fetcher, ok, server};

const ARCHIVE: &str = "no chart, but bytes";
const BASIC: &str = "Basic dTpzZWNyZXQ=";

/// A registry that answers with what a function makes of the path and of whether somebody is known.
fn registry(answer: impl Fn(&str, &str) -> String + Send + 'static) -> (String, Asked) {
    let (url, asked) = server(move |path, headers| {
        let said = headers.iter().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("-");
        answer(path, said)
    });
    (url.replace("http://", ""), asked)
}

fn ours(user: &str) -> Registry {
    let access = Access { username: user.to_owned(), password: "secret".to_owned(), ..Access::default() };
    Registry { pause: |_| {}, ..Registry::new(fetcher(), access, Logins::default(), true) }
}

fn with(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn manifest_of(archive: &str) -> String {
    let (config, layer) = (manifest::digest(b"{}"), manifest::digest(archive.as_bytes()));
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"{}","digest":"{config}","size":2}},
            "layers":[{{"mediaType":"{}","digest":"{layer}","size":{}}}]}}"#,
        manifest::CONFIG,
        manifest::CHART,
        archive.len()
    )
}

fn pull(registry: &Registry, host: &str) -> Result<String, String> {
    let pull = || {
        let located = registry.find(&format!("oci://{host}/a/b"), "1.0.0")?;
        let bytes = registry.open(&located)?.chart(Path::new("/nonexistent"))?;
        Ok::<_, Error>(format!("{} {}", located.file_name(), String::from_utf8_lossy(&bytes)))
    };
    pull().map_err(|error| error.to_string())
}

/// What was asked for and the authorisation it came with, without digests.
fn seen(asked: &Asked) -> Vec<String> {
    let plain = |line: String| match line.split_once("sha256:") {
        Some((before, rest)) => format!("{before}# {}", rest.split_once(' ').unwrap().1),
        None => line,
    };
    std::mem::take(&mut *asked.lock().unwrap()).into_iter().map(plain).collect()
}

#[test]
fn tokens_are_fetched_for_a_scope_and_again_when_they_open_nothing_any_more() {
    let host = Arc::new(Mutex::new(String::new()));
    let (own, issued) = (Arc::clone(&host), AtomicUsize::new(0));
    let (url, asked) = registry(move |path, said| {
        let fits = |token: &str| said == format!("Bearer {token}");
        match path {
            _ if path.starts_with("/token") => {
                let number = issued.fetch_add(1, Ordering::Relaxed);
                ok(&format!(r#"{{"token":"t{number}","expires_in":300}}"#))
            }
            "/v2/a/b/manifests/1.0.0" if fits("t0") => ok(&manifest_of(ARCHIVE)),
            // The first token has run out by now.
            _ if path.contains("/blobs/") && fits("t1") => ok(ARCHIVE),
            _ => {
                let realm = format!("http://{}/token?x=y", own.lock().unwrap());
                let header = format!(
                    "WWW-Authenticate: Bearer realm=\"{realm}\",service=\"s\",scope=\"repository:a/b:pull\"\r\n"
                );
                with("401 Unauthorized", &header, "")
            }
        }
    });
    host.lock().unwrap().clone_from(&url);
    assert_eq!(pull(&ours("u"), &url).unwrap(), format!("b-1.0.0.tgz {ARCHIVE}"));
    let token = format!("/token?x=y&scope=repository%3Aa%2Fb%3Apull&service=s {BASIC}");
    assert_eq!(
        seen(&asked),
        [
            "/v2/a/b/manifests/1.0.0 -",
            &token,
            "/v2/a/b/manifests/1.0.0 Bearer t0",
            "/v2/a/b/blobs/# Bearer t0",
            &token,
            "/v2/a/b/blobs/# Bearer t1",
        ]
    );
}

#[test]
fn a_login_stays_with_the_registry() {
    let (other, there) = registry(|_, _| ok(ARCHIVE));
    let (url, here) = registry(move |path, said| match path {
        _ if said != BASIC => with("401 Unauthorized", "WWW-Authenticate: Basic\r\n", ""),
        _ if path.contains("/blobs/") => {
            with("307 Temporary Redirect", &format!("Location: http://{other}/blob\r\n"), "")
        }
        _ => ok(&manifest_of(ARCHIVE)),
    });
    assert_eq!(pull(&ours("u"), &url).unwrap(), format!("b-1.0.0.tgz {ARCHIVE}"));
    assert_eq!(seen(&there), ["/blob -"]);
    let manifest = "/v2/a/b/manifests/1.0.0";
    // Once it is known how the registry is opened, it is not asked again.
    assert_eq!(
        seen(&here),
        [format!("{manifest} -"), format!("{manifest} {BASIC}"), format!("/v2/a/b/blobs/# {BASIC}")]
    );
    // A login that opens nothing is not tried for ever, and not shown.
    let (closed, asked) = registry(|_, _| with("401 Unauthorized", "WWW-Authenticate: Basic\r\n", ""));
    let error = pull(&ours("u"), &closed).unwrap_err();
    assert!(error.ends_with("/v2/a/b/manifests/1.0.0\": response status code 401: Unauthorized"), "{error}");
    assert_eq!(seen(&asked).len(), 2);
}

#[test]
fn a_registry_that_is_busy_says_how_long_to_wait() {
    static WAITED: AtomicU64 = AtomicU64::new(0);
    let busy = |wait: u64, times: usize| {
        let asked = AtomicUsize::new(0);
        registry(move |path, _| match asked.fetch_add(1, Ordering::Relaxed) {
            count if count < times => with("429 Too Many Requests", &format!("Retry-After: {wait}\r\n"), ""),
            _ if path.contains("/blobs/") => ok(ARCHIVE),
            _ => ok(&manifest_of(ARCHIVE)),
        })
    };
    let ours = Registry { pause: |wait| _ = WAITED.fetch_add(wait.as_secs(), Ordering::Relaxed), ..ours("u") };
    assert_eq!(pull(&ours, &busy(7, 2).0).unwrap(), format!("b-1.0.0.tgz {ARCHIVE}"));
    assert_eq!(WAITED.load(Ordering::Relaxed), 14);
    let (url, asked) = busy(0, usize::MAX);
    let error = pull(&ours, &url).unwrap_err();
    assert!(error.ends_with("response status code 429: Too Many Requests"), "{error}");
    assert_eq!(seen(&asked).len(), 6);
    let (url, asked) = busy(3600, usize::MAX);
    let error = pull(&ours, &url).unwrap_err();
    assert!(error.contains("wants 3600 seconds"), "{error}");
    assert_eq!(seen(&asked).len(), 1);
}

#[test]
fn what_is_not_as_promised_is_refused() {
    let (url, _) =
        registry(
            |path, _| if path.contains("/blobs/") { ok("no chart, but other") } else { ok(&manifest_of(ARCHIVE)) },
        );
    let error = pull(&ours("u"), &url).unwrap_err();
    assert!(error.contains("has the digest sha256:") && error.contains("its manifest promises"), "{error}");
    let (url, _) =
        registry(|path, _| if path.contains("/blobs/") { ok(&"x".repeat(1000)) } else { ok(&manifest_of(ARCHIVE)) });
    let error = pull(&ours("u"), &url).unwrap_err();
    assert!(error.ends_with(&format!("has more than {} bytes", ARCHIVE.len())), "{error}");
    let sha = manifest::digest(b"another");
    let found = ours("u").find(&format!("oci://{url}/a/b@{sha}"), "").unwrap();
    let error = ours("u").open(&found).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(&format!("but {sha} was asked for")), "{error}");
}

#[test]
fn an_index_leads_to_the_manifest_of_its_chart() {
    let entry = |text: &str| {
        let kind = manifest::MANIFEST;
        format!(r#"{{"mediaType":"{kind}","digest":"{}","size":{}}}"#, manifest::digest(text.as_bytes()), text.len())
    };
    let (image, chart) = (r#"{"config":null}"#.to_owned(), manifest_of(ARCHIVE));
    let index = format!(
        r#"{{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{},{}]}}"#,
        entry(&image),
        entry(&chart)
    );
    let digest = manifest::digest(index.as_bytes());
    let (url, _) = registry(move |path, _| match path.rsplit('/').next().unwrap() {
        "1.0.0" => ok(&index),
        wanted if wanted == manifest::digest(image.as_bytes()) => ok(&image),
        wanted if wanted == manifest::digest(chart.as_bytes()) => ok(&chart),
        _ => ok(ARCHIVE),
    });
    assert_eq!(pull(&ours("u"), &url).unwrap(), format!("b-1.0.0.tgz {ARCHIVE}"));
    let ours = ours("u");
    let opened = ours.open(&ours.find(&format!("oci://{url}/a/b:1.0.0"), "").unwrap()).unwrap();
    assert_eq!(opened.told().lines(), format!("Pulled: {url}/a/b:1.0.0\nDigest: {digest}\n"));
}

#[test]
fn tags_are_read_page_by_page_and_sorted() {
    let (url, asked) = registry(|path, _| match path {
        "/v2/a/b/tags/list" => with(
            "200 OK",
            "Link: </v2/a/b/tags/list?last=x>; rel=\"next\"\r\n",
            r#"{"tags":["1.0.0","latest","2.0.0-rc.1"]}"#,
        ),
        "/v2/a/b/tags/list?last=x" => ok(r#"{"tags":["1.2.0_b1","v3.0.0"]}"#),
        "/v2/c/tags/list" => with("200 OK", "Link: <http://127.0.0.1:1/x>; rel=\"next\"\r\n", "{}"),
        _ => ok(r#"{"tags":null}"#),
    });
    let ours = ours("u");
    let place = |name: &str| Reference::parse(&format!("{url}/{name}")).unwrap();
    assert_eq!(ours.versions(&place("a/b")).unwrap(), ["2.0.0-rc.1", "1.2.0+b1", "1.0.0"]);
    assert_eq!(seen(&asked), ["/v2/a/b/tags/list -", "/v2/a/b/tags/list?last=x -"]);
    // The next page is on the registry, since a login goes there.
    assert!(ours.versions(&place("c")).unwrap_err().to_string().contains("not the same origin"));
    for (version, want) in [
        ("", Ok("b-1.2.0+b1.tgz")),
        ("^1", Ok("b-1.2.0+b1.tgz")),
        ("<1.1", Ok("b-1.0.0.tgz")),
        (">0.0.0-0", Ok("b-2.0.0-rc.1.tgz")),
        ("1.0", Ok("b-1.0.tgz")),
        ("^9", Err("could not locate a version matching provided version string ^9")),
        ("latest", Err("improper constraint: \"latest\"")),
    ] {
        let found = ours.find(&format!("oci://{url}/a/b"), version).map(|found| found.file_name());
        assert_eq!(
            found.map_err(|error| error.to_string()),
            want.map(str::to_owned).map_err(str::to_owned),
            "{version}"
        );
    }
    // A tag is a version with another letter.
    for (tag, version) in [("1.2.0_b1", ""), ("1.2.0+b1", ""), ("1.2.0_b1", "1.2.0+b1")] {
        let found = ours.find(&format!("oci://{url}/a/b:{tag}"), version).unwrap();
        assert_eq!((found.reference.tag.as_str(), found.file_name().as_str()), ("1.2.0_b1", "b-1.2.0+b1.tgz"));
    }
    let none = ours.find(&format!("oci://{url}/d"), "").unwrap_err().to_string();
    assert_eq!(none, format!("unable to locate any tags in provided repository: oci://{url}/d"));
}

#[test]
fn without_tls_only_when_that_is_wanted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = listener.local_addr().unwrap().to_string();
    let first_bytes = std::thread::spawn(move || {
        let first = |stream: std::io::Result<std::net::TcpStream>| {
            let (mut stream, mut first) = (stream.unwrap(), [0]);
            std::io::Read::read_exact(&mut stream, &mut first).unwrap();
            std::io::Write::write_all(&mut stream, b"HTTP/1.0 400 Bad Request\r\n\r\n").unwrap();
            first[0]
        };
        listener.incoming().take(2).map(first).collect::<Vec<u8>>()
    });
    let https = |access: Access, plain| Registry::new(fetcher(), access, Logins::default(), plain);
    for ours in [https(Access::default(), false), https(Access { insecure: true, ..Access::default() }, true)] {
        let error = pull(&ours, &url).unwrap_err();
        assert!(error.ends_with("http: server gave HTTP response to HTTPS client"), "{error}");
    }
    // Nothing was said but a greeting of TLS.
    assert_eq!(first_bytes.join().unwrap(), [0x16, 0x16]);
}

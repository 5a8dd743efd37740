use std::io::{BufRead, BufReader, Read, Write};

use super::*;

/// A registry that takes what is brought; it says what it was asked as `METHOD path authorisation body`.
fn taking(answer: impl Fn(&str) -> String + Send + 'static) -> (String, Asked) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, asked) = (listener.local_addr().unwrap().to_string(), Asked::default());
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let lines: Vec<String> =
                reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let header =
                |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
            let mut body = String::new();
            let length = header("content-length: ").parse().unwrap_or(0);
            reader.take(length).read_to_string(&mut body).unwrap();
            let asked = lines.first().map_or("", |line| line.trim_end_matches(" HTTP/1.1")).to_owned();
            seen.lock().unwrap().push(format!("{asked} {}{body}", header("authorization: ")));
            let _ = stream.write_all(answer(&asked).as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn a_chart_is_pushed_as_helm_pushes_it() {
    let metadata: chart::Metadata = serde_json::from_str(
        r#"{"name":"a","version":"1.0.0+b","apiVersion":"v2","description":"x & y","sources":["https://s"],
            "maintainers":[{"name":"A","email":"a@b"},{"name":"B"}],
            "annotations":{"own":"<1>","org.opencontainers.image.title":"other"}}"#,
    )
    .unwrap();
    let push =
        Push { metadata: &metadata, archive: b"archive", proof: Some(b"proof"), created: "2026-01-02T03:04:05Z" };
    let there = manifest::digest(b"proof");
    let known = there.clone();
    let (url, asked) = taking(move |asked| match asked.split(' ').next().unwrap() {
        "HEAD" if asked.ends_with(&known) => with("200 OK", "", ""),
        "HEAD" => with("404 Not Found", "", ""),
        "POST" => with("202 Accepted", "Location: /upload?state=s\r\n", ""),
        _ => with("201 Created", "", ""),
    });
    let told = ours("u").push(&format!("oci://{url}/x"), &push).unwrap();
    let config = r#"{"name":"a","sources":["https://s"],"version":"1.0.0+b","description":"x \u0026 y","maintainers":[{"name":"A","email":"a@b"},{"name":"B"}],"apiVersion":"v2","annotations":{"org.opencontainers.image.title":"other","own":"\u003c1\u003e"}}"#;
    let (sums, layer) = ([config.as_bytes(), b"archive"].map(manifest::digest), "application/vnd.cncf.helm.chart");
    let document = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"{}","size":{}}},"layers":[{{"mediaType":"{layer}.content.v1.tar+gzip","digest":"{}","size":7}},{{"mediaType":"{layer}.provenance.v1.prov","digest":"{there}","size":5}}],"annotations":{{"org.opencontainers.image.authors":"A (a@b), B","org.opencontainers.image.created":"2026-01-02T03:04:05Z","org.opencontainers.image.description":"x \u0026 y","org.opencontainers.image.source":"https://s","org.opencontainers.image.title":"a","org.opencontainers.image.version":"1.0.0+b","own":"\u003c1\u003e"}}}}"#,
        sums[0],
        config.len(),
        sums[1]
    );
    let digest = manifest::digest(document.as_bytes());
    let upload = |sum: &str, body: &str| {
        [
            format!("HEAD /v2/x/a/blobs/{sum} "),
            "POST /v2/x/a/blobs/uploads/ ".to_owned(),
            format!("PUT /upload?state=s&digest={} {body}", sum.replace(':', "%3A")),
        ]
    };
    let mut want = vec![format!("HEAD /v2/x/a/manifests/{digest} ")];
    want.extend(upload(&sums[1], "archive"));
    want.push(format!("HEAD /v2/x/a/blobs/{there} "));
    want.extend(upload(&sums[0], config));
    want.push(format!("PUT /v2/x/a/manifests/1.0.0_b {document}"));
    assert_eq!(*asked.lock().unwrap(), want);
    let first = format!(
        "Pushed: {url}/x/a:1.0.0_b\nDigest: {digest}\n{url}/x/a:1.0.0_b contains an underscore.\n\nOCI artifact"
    );
    assert!(told.lines().starts_with(&first), "{}", told.lines());
    // An upload stays with the registry, since the login goes along.
    let (url, asked) = taking(|asked| match asked.split(' ').next().unwrap() {
        "POST" => with("202 Accepted", "Location: http://127.0.0.1:1/upload\r\n", ""),
        _ => with("404 Not Found", "", ""),
    });
    let error = ours("u").push(&format!("oci://{url}/x"), &push).unwrap_err().to_string();
    assert!(error.contains("blob upload Location \"127.0.0.1:1\" is on a different host"), "{error}");
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[test]
fn a_login_is_kept_when_it_opens_the_registry_and_an_identity_is_exchanged() {
    let folder = tempfile::tempdir().unwrap();
    let host = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&host);
    let (url, asked) = taking(move |asked| match asked.split([' ', '?']).nth(1).unwrap() {
        "/token" => ok(r#"{"access_token":"t"}"#),
        _ => {
            let realm = format!("WWW-Authenticate: Bearer realm=\"http://{}/token\"\r\n", own.lock().unwrap());
            with("401 Unauthorized", &realm, r#"{"errors":[{"code":"DENIED","message":"no"}]}"#)
        }
    });
    host.lock().unwrap().clone_from(&url);
    let logins = Logins { own: folder.path().join("config.json"), ..Logins::default() };
    let ours = Registry::new(fetcher(), Access::default(), logins.clone(), true);
    let error = ours.login(&url, &Credential::basic_of("u", "secret")).unwrap_err().to_string();
    let refused = format!("GET \"http://{url}/v2/\": response status code 401: denied: no");
    assert_eq!(error, format!("authenticating to \"{url}\": {refused}"));
    assert!(!logins.own.exists());
    let token = format!("GET /token {BASIC}");
    assert_eq!(*asked.lock().unwrap(), ["GET /v2/ ", &token, "GET /v2/ Bearer t"]);
    asked.lock().unwrap().clear();
    // A token alone is a login as well, where tokens are issued.
    ours.login(&url, &Credential::basic_of("", "secret")).unwrap_err();
    assert_eq!(asked.lock().unwrap()[1], "GET /token Basic OnNlY3JldA==");
    asked.lock().unwrap().clear();
    let text = format!(r#"{{"auths":{{"{url}":{{"identitytoken":"i d"}}}}}}"#);
    std::fs::write(&logins.own, text).unwrap();
    let place = Reference::parse(&format!("{url}/a")).unwrap();
    ours.versions(&place).unwrap_err();
    let form = "client_id=whipstaff&grant_type=refresh_token&refresh_token=i+d&scope=repository%3Aa%3Apull&service=";
    let list = "GET /v2/a/tags/list ";
    assert_eq!(*asked.lock().unwrap(), [list.to_owned(), format!("POST /token {form}"), format!("{list}Bearer t")]);
}

#[test]
fn logins_are_kept_in_dockers_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry/config.json");
    let logins = Logins { own: path.clone(), ..Logins::default() };
    assert_eq!(logins.get("h").unwrap(), Credential::default());
    logins.put("h:5000", &Credential::basic_of("u", "secret")).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "{\n\t\"auths\": {\n\t\t\"h:5000\": {\n\t\t\t\"auth\": \"dTpzZWNyZXQ=\"\n\t\t}\n\t}\n}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(logins.get("h:5000").unwrap(), Credential::basic_of("u", "secret"));
    // Docker's file is for what the other does not know, and what else is in a file stays.
    let docker = folder.path().join("docker.json");
    let text = r#"{"auths":{"https://h/v1/":{"identitytoken":"t"},"b":{"auth":"%"}},"other":[1]}"#;
    std::fs::write(&docker, text).unwrap();
    let both = Logins { docker: Some(docker.clone()), ..logins };
    assert_eq!(both.get("h").unwrap().refresh_token, "t");
    let error = both.get("b").unwrap_err().to_string();
    assert!(error.starts_with("failed to decode auth field: invalid config format") && !error.contains('%'), "{error}");
    let docker = Logins { own: docker, ..Logins::default() };
    docker.erase("b").unwrap();
    assert!(std::fs::read_to_string(&docker.own).unwrap().ends_with("\"other\": [\n\t\t1\n\t]\n}"));
    both.erase("h:5000").unwrap();
    assert_eq!(both.get("h:5000").unwrap(), Credential::default());
    // A file that is none shows nothing of itself.
    std::fs::write(&path, "secret").unwrap();
    let error = both.get("h").unwrap_err().to_string();
    assert!(error.contains("invalid config format") && !error.contains("secret"), "{error}");
    // No path can be made of the name of a program.
    std::fs::write(&path, r#"{"credsStore":"x/../../evil"}"#).unwrap();
    assert!(both.get("h").unwrap_err().to_string().contains("is no name of a program"));
}

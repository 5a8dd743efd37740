//! A chart repository on loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};

use crate::common::Place;

/// Packs a chart into the folder `web`, as the index calls it or otherwise.
pub fn pack(place: &Place, name: &str, version: &str) -> String {
    let yaml =
        format!("apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: \"4\"\ndescription: sells things\n");
    let file =
        |name: &str, text: String| chart::File { name: name.into(), data: text.into_bytes().into(), mod_time: None };
    let files = [file("Chart.yaml", yaml), file("templates/a.yaml", "a: {{ .Release.Name }}\n".to_owned())];
    let archive = chart::pack(name, &files).unwrap();
    std::fs::create_dir_all(place.path().join("web")).unwrap();
    let path = format!("web/{name}-{version}.tgz");
    std::fs::write(place.path().join(&path), archive).unwrap();
    path
}

/// A place with a repository of two versions of `till`, added as `r`.
pub fn with_repository() -> (Place, String) {
    let place = Place::new();
    pack(&place, "till", "1.0.0");
    pack(&place, "till", "1.1.0");
    let url = serve(place.path().join("web"));
    ok(&place, "repo index web", "");
    ok(&place, &format!("repo add r {url}"), "\"r\" has been added to your repositories\n");
    (place, url)
}

/// Runs what has to go well and print so much.
pub fn ok(place: &Place, line: &str, out: &str) {
    let done = place.run(line);
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, out, ""), "{line}");
}

/// Runs what has to fail and say so much.
pub fn fails(place: &Place, line: &str, error: &str) {
    let done = place.run(line);
    assert_eq!(
        (done.code, done.out.as_str(), done.err.as_str()),
        (1, "", format!("Error: {error}\n").as_str()),
        "{line}"
    );
}

/// A web server of a folder on loopback; it ends with the test.
pub fn serve(folder: PathBuf) -> String {
    serve_half(folder).0
}

/// The same, where of files that begin with `half` only a half is sent; the rest may be waited for.
pub fn serve_half(folder: PathBuf) -> (String, Receiver<TcpStream>) {
    let (sender, halves) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let (status, body) = match std::fs::read(folder.join(path.trim_start_matches('/'))) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let is_half = path.starts_with("/half");
            let sent = if is_half { &body[..body.len() / 2] } else { &body[..] };
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
            if is_half {
                let _ = sender.send(stream);
            }
        }
    });
    (url, halves)
}

//! TLS with a certificate from files that are exchanged while the server runs, over a socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use server::{App, Auth, Config, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const ONE: (&str, &str) = (include_str!("tls/one.crt"), include_str!("tls/one.key"));
const TWO: (&str, &str) = (include_str!("tls/two.crt"), include_str!("tls/two.key"));

fn put(folder: &Path, pair: (&str, &str)) {
    std::fs::write(folder.join("tls.crt"), pair.0).unwrap();
    std::fs::write(folder.join("tls.key"), pair.1).unwrap();
}

async fn serve(folder: &Path) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let tls = Tls { certificate: folder.join("tls.crt"), key: folder.join("tls.key"), look: Duration::from_millis(20) };
    let auth = Auth { token_review: true, ..Auth::default() };
    // All addresses: with TLS and authentication that is allowed.
    let config = Config { listen: "0.0.0.0:0".parse().unwrap(), auth, tls: Some(tls), ..Config::default() };
    let listener = server::bind(&config).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sandbox = sandbox::Sandbox::default();
    let app = App::new(config, engine::Engine::new(sandbox.client(), engine::Settings::guarded()));
    let running = tokio::spawn(async move {
        server::serve(listener, app, std::future::pending()).await.unwrap();
    });
    (SocketAddr::from(([127, 0, 0, 1], port)), running)
}

/// Connects, trusting one certificate only.
async fn connect(address: SocketAddr, trusted: &str, alpn: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

async fn get(stream: &mut TlsStream<TcpStream>, path: &str, more: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: whipstaff.example.com\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = vec![0; 4096];
    let read = stream.read(&mut text).await.unwrap();
    String::from_utf8_lossy(&text[..read]).into_owned()
}

#[tokio::test]
async fn a_certificate_is_exchanged_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), ONE);
    let (address, running) = serve(folder.path()).await;
    let mut stream = connect(address, ONE.0, b"http/1.1").await.unwrap();
    assert!(get(&mut stream, "/healthz", "").await.starts_with("HTTP/1.1 200"));
    assert!(get(&mut stream, "/v1/charts", "").await.starts_with("HTTP/1.1 401"));
    assert!(get(&mut stream, "/v1/charts", "Authorization: Bearer admin\r\n").await.starts_with("HTTP/1.1 200"));
    let second = connect(address, ONE.0, b"h2").await.unwrap();
    assert_eq!(second.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert!(connect(address, TWO.0, b"http/1.1").await.is_err(), "another certificate is trusted");

    // What is of no use changes nothing: half of an exchange, and nonsense.
    std::fs::write(folder.path().join("tls.crt"), TWO.0).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(connect(address, ONE.0, b"http/1.1").await.is_ok());
    std::fs::write(folder.path().join("tls.crt"), "nonsense").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(connect(address, ONE.0, b"http/1.1").await.is_ok());

    put(folder.path(), TWO);
    let begun = Instant::now();
    while connect(address, TWO.0, b"http/1.1").await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the new certificate is not taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Who was connected stays connected.
    assert!(get(&mut stream, "/healthz", "").await.starts_with("HTTP/1.1 200"));
    // Plain HTTP is answered by nobody.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut text = Vec::new();
    let _ = plain.read_to_end(&mut text).await;
    assert!(!String::from_utf8_lossy(&text).contains("HTTP/1.1 200"));
    running.abort();
}

#[tokio::test]
async fn without_a_certificate_that_can_be_used_nothing_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let files = || Tls {
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
        look: Duration::from_secs(1),
    };
    for (pair, text) in [
        (("", ONE.1), "there is no certificate in it"),
        ((ONE.0, ""), "is of no use"),
        ((ONE.0, TWO.1), "is of no use"),
    ] {
        put(folder.path(), pair);
        let config = Config { listen: "127.0.0.1:0".parse().unwrap(), tls: Some(files()), ..Config::default() };
        let listener = server::bind(&config).await.unwrap();
        let sandbox = sandbox::Sandbox::default();
        let app = App::new(config, engine::Engine::new(sandbox.client(), engine::Settings::guarded()));
        let error = server::serve(listener, app, std::future::pending()).await.unwrap_err().to_string();
        assert!(error.contains(text) && !error.contains("PRIVATE"), "{error}");
    }
    std::fs::remove_file(folder.path().join("tls.key")).unwrap();
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), tls: Some(files()), ..Config::default() };
    let listener = server::bind(&config).await.unwrap();
    let sandbox = sandbox::Sandbox::default();
    let app = App::new(config, engine::Engine::new(sandbox.client(), engine::Settings::guarded()));
    let error = server::serve(listener, app, std::future::pending()).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot read `"), "{error}");
}

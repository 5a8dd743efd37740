//! A real registry that takes tokens, and who issues them: what large registries do, by `whipstaff` and the real Helm.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::oci::{Auth, Both};
use super::{Case, Ctx, case};
use crate::check::equal;
use crate::process;
use crate::runner::Skip;

pub(super) const CASES: &[Case] = &[case("oci/tokens", tokens)];

/// The user `u` with the password `secret`.
const BASIC: &str = "Basic dTpzZWNyZXQ=";
/// Who issues tokens, and for whom.
const ISSUER: &str = "issuer";
const SERVICE: &str = "registry";

/// What issues tokens: all may pull from below `open/`, and `u` may do everything.
struct Issuer {
    realm: String,
    /// What was asked, each as the scope and who asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Issuer {
    /// Starts it, with a key of its own in a folder; it ends with the run.
    fn start(root: &Path) -> Result<Self> {
        let mut command = Command::new("openssl");
        let words = "req -x509 -newkey rsa:2048 -nodes -keyout issuer.key -out issuer.pem -days 2 -subj /CN=issuer";
        command.current_dir(root).args(words.split(' '));
        match process::run(&mut command, Duration::from_secs(60)) {
            Ok(output) => drop(output.success()?),
            Err(_) => return Err(Skip("openssl is not installed".to_owned()).into()),
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let realm = format!("http://{}/token", listener.local_addr()?);
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (told, folder) = (Arc::clone(&asked), root.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                let header = |line: String| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
                };
                let said = lines.take_while(|line| !line.is_empty()).filter_map(header).next();
                let (status, body) = answer(&folder, &first, said.as_deref(), &told);
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                );
            }
        });
        Ok(Self { realm, asked })
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn answer(folder: &Path, request: &str, said: Option<&str>, told: &Mutex<Vec<String>>) -> (&'static str, String) {
    let query = request.split(' ').nth(1).and_then(|place| place.split_once('?')).map_or("", |(_, query)| query);
    let decoded = query.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",").replace('+', " ");
    let scopes = decoded.split('&').filter_map(|pair| pair.strip_prefix("scope=")).flat_map(|text| text.split(' '));
    let scopes: Vec<&str> = scopes.collect();
    let who = said.map_or("nobody", |said| if said == BASIC { "u" } else { "a stranger" });
    told.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {who}", scopes.join(" ")));
    if who == "a stranger" {
        return ("401 Unauthorized", "{}".to_owned());
    }
    let access: Vec<Value> = scopes.iter().filter_map(|scope| access(scope, who == "u")).collect();
    match token(folder, &access) {
        Ok(token) => ("200 OK", json!({"token": token, "expires_in": 60}).to_string()),
        Err(error) => ("500 Internal Server Error", json!({"error": format!("{error:#}")}).to_string()),
    }
}

/// What of a scope somebody may do.
fn access(scope: &str, is_known: bool) -> Option<Value> {
    let mut parts = scope.splitn(3, ':');
    let (kind, name, actions) = (parts.next()?, parts.next()?, parts.next()?);
    let may = |action: &&str| is_known || name.starts_with("open/") && *action == "pull";
    let actions: Vec<&str> = actions.split(',').filter(may).collect();
    Some(json!({"type": kind, "name": name, "actions": actions}))
}

/// A token as the registry wants it, signed by OpenSSL.
fn token(folder: &Path, access: &[Value]) -> Result<String> {
    let certificate = fs::read_to_string(folder.join("issuer.pem"))?;
    let certificate: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let head = json!({"alg": "RS256", "typ": "JWT", "x5c": [certificate]});
    let claims = json!({"iss": ISSUER, "aud": SERVICE, "sub": "", "jti": now.to_string(), "nbf": now - 10, "iat": now,
        "exp": now + 60, "access": access});
    let text = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let mut signing = Command::new("openssl");
    signing.current_dir(folder).args(["dgst", "-sha256", "-sign", "issuer.key"]);
    let mut child = signing.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("openssl takes what it signs")?.write_all(text.as_bytes())?;
    let signed = child.wait_with_output()?;
    if !signed.status.success() {
        bail!("openssl does not sign");
    }
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signed.stdout)))
}

fn tokens(ctx: &Ctx<'_>) -> Result<()> {
    let folder: PathBuf = ctx.work.join("oci-tokens-issuer");
    fs::create_dir_all(&folder)?;
    let issuer = Issuer::start(&folder)?;
    let auth =
        Auth::Tokens { realm: &issuer.realm, issuer: ISSUER, service: SERVICE, roots: &folder.join("issuer.pem") };
    let both = Both::closed(ctx, "tokens", 176, &auth)?;
    both.pack(&["1.0.0", "1.1.0"])?;
    let push = |version: &str, place: &str| format!("push SHOP/shop-{version}.tgz oci://HOST/{place} --plain-http");
    let pull = |place: &str| format!("pull oci://HOST/{place}/shop --plain-http");
    for line in [
        push("1.0.0", "open"),
        "registry login HOST --plain-http -u u -p wrong".to_owned(),
        "registry login HOST --plain-http -u u -p secret".to_owned(),
        push("1.0.0", "open"),
        push("1.1.0", "open"),
        push("1.0.0", "closed"),
        pull("closed"),
        "show chart oci://HOST/open/shop --plain-http --version ^1".to_owned(),
        "registry logout HOST".to_owned(),
        pull("closed"),
        format!("{} --version 1.0.0", pull("open")),
        format!("{} --username u --password secret", pull("closed")),
    ] {
        both.same(&line)?;
    }
    // Nobody is asked who he is where everybody may, and the password goes to who issues tokens and to nobody else.
    issuer.asked();
    both.run("whipstaff", &format!("{} --version 1.1.0", pull("open")))?.success()?;
    equal("what a pull asks for", issuer.asked(), vec!["repository:open/shop:pull nobody".to_owned()])?;
    let docker = json!({"auths": {both.host(): {"auth": STANDARD.encode("u:secret")}}}).to_string();
    fs::create_dir_all(both.home("whipstaff").join("docker"))?;
    fs::write(both.home("whipstaff").join("docker/config.json"), docker)?;
    both.run("whipstaff", &pull("closed"))?.success()?;
    // One to list the versions, and one for the chart.
    equal("what a pull with a login asks for", issuer.asked(), vec!["repository:closed/shop:pull u".to_owned(); 2])
}

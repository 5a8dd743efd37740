//! Repositories behind nginx, the server that most of them have: logins, TLS, redirects, what has not changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::repositories::Both;
use super::{Case, Ctx, case};
use crate::check::{contains, equal};
use crate::cluster::free_ports;
use crate::process::{self, Background};
use crate::runner::Skip;

pub(super) const CASES: &[Case] = &[
    case("nginx/plain-and-closed", plain_and_closed),
    case("nginx/certificates", certificates),
    case("nginx/redirects", redirects),
    case("nginx/provenance", provenance),
    case("nginx/not-modified", not_modified),
];

/// What nginx is told: `PLAIN`, `OTHER`, `TLS` and `MUTUAL` are ports, `ROOT` is the folder. The log has who asked whom for
/// what, what came of it, and the login.
const CONFIG: &str = "daemon off;
master_process off;
pid ROOT/pid;
error_log ROOT/error.log warn;
events {}
http {
  log_format who '$http_user_agent|$server_port|$request_uri|$status|$http_authorization';
  access_log ROOT/access.log who;
  default_type application/octet-stream;
  client_body_temp_path ROOT/t1; proxy_temp_path ROOT/t2; fastcgi_temp_path ROOT/t3; uwsgi_temp_path ROOT/t4; scgi_temp_path ROOT/t5;
  root ROOT/site;
  ssl_certificate ROOT/server.pem;
  ssl_certificate_key ROOT/server.key;
  server {
    listen 127.0.0.1:PLAIN;
    location /closed/ { auth_basic r; auth_basic_user_file ROOT/users; alias ROOT/site/; }
    location /to-port/ { rewrite ^/to-port/(.*)$ http://127.0.0.1:OTHER/$1 redirect; }
    location /to-host/ { rewrite ^/to-host/(.*)$ http://localhost:OTHER/$1 permanent; }
    location /to-tls/ { rewrite ^/to-tls/(.*)$ https://127.0.0.1:TLS/$1 redirect; }
    location /within/ { rewrite ^/within/(.*)$ /closed/$1 redirect; }
    location /around/ { rewrite ^/around/(.*)$ http://127.0.0.1:OTHER/back/$1 redirect; }
  }
  server {
    listen 127.0.0.1:OTHER;
    location /back/ { rewrite ^/back/(.*)$ http://127.0.0.1:PLAIN/closed/$1 redirect; }
  }
  server {
    listen 127.0.0.1:TLS ssl;
    location /closed/ { auth_basic r; auth_basic_user_file ROOT/users; alias ROOT/site/; }
    location /to-plain/ { rewrite ^/to-plain/(.*)$ http://127.0.0.1:PLAIN/$1 redirect; }
  }
  server {
    listen 127.0.0.1:MUTUAL ssl;
    ssl_client_certificate ROOT/ca.pem;
    ssl_verify_client on;
  }
}
";

/// `u` with the password `secret`, as the header has it.
const LOGIN: &str = "Basic dTpzZWNyZXQ=";

/// nginx over a repository, until this value is dropped.
struct Nginx {
    root: PathBuf,
    /// Plain HTTP, the same elsewhere, TLS, and TLS for those who have a certificate.
    ports: [u16; 4],
    barriers: std::cell::Cell<usize>,
    /// It ends with this.
    _process: Background,
}

impl Nginx {
    /// Starts one, whose repository is in `charts/`; `offset` is its place among the ports.
    fn start(ctx: &Ctx<'_>, name: &str, offset: u16) -> Result<Self> {
        let found = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].map(Path::new);
        let program = found.into_iter().find(|path| path.exists());
        let program = program.ok_or_else(|| Skip("nginx is not installed (apt-get install nginx-light)".to_owned()))?;
        let root = ctx.work.join(format!("nginx-{name}"));
        fs::create_dir_all(root.join("site/charts"))?;
        stock(ctx, &root)?;
        authorities(&root)?;
        fs::write(root.join("users"), "u:{PLAIN}secret\n")?;
        let first = free_ports(ctx.port + offset, 4)?;
        let ports = [first, first + 1, first + 2, first + 3];
        let mut config = CONFIG.replace("ROOT", &root.to_string_lossy());
        for (name, port) in ["PLAIN", "OTHER", "TLS", "MUTUAL"].iter().zip(ports) {
            config = config.replace(name, &port.to_string());
        }
        fs::write(root.join("nginx.conf"), config)?;
        let mut command = Command::new(program);
        command.arg("-p").arg(&root).arg("-e").arg(root.join("error.log")).arg("-c").arg(root.join("nginx.conf"));
        let mut process = Background::start("nginx", &mut command, root.join("nginx.log"))?;
        let url = format!("http://127.0.0.1:{first}/charts/index.yaml");
        process.until(Duration::from_secs(30), || Ok(ureq::get(&url).call().map(drop)?))?;
        let nginx = Self { root, ports, barriers: std::cell::Cell::new(0), _process: process };
        nginx.asked()?;
        Ok(nginx)
    }

    fn plain(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    fn tls(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports[2])
    }

    fn mutual(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports[3])
    }

    fn file(&self, name: &str) -> String {
        self.root.join(name).to_string_lossy().into_owned()
    }

    /// What whipstaff has asked for since the last time: port, path, status, login.
    fn asked(&self) -> Result<Vec<(u16, String, u16, String)>> {
        // What comes later in the log than this has been asked for later: nginx has one process.
        self.barriers.set(self.barriers.get() + 1);
        let barrier = format!("/barrier-{}", self.barriers.get());
        let _ = ureq::get(format!("{}{barrier}", self.plain())).call();
        let log = self.root.join("access.log");
        let began = std::time::Instant::now();
        let text = loop {
            let text = fs::read_to_string(&log)?;
            if text.contains(&barrier) || began.elapsed() > Duration::from_secs(10) {
                break text;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        // It is open to be added to, so that it goes on from its new end.
        fs::File::options().write(true).open(&log)?.set_len(0)?;
        let line = |line: &str| -> Option<(u16, String, u16, String)> {
            let mut parts = line.strip_prefix("whipstaff")?.split('|').skip(1);
            let (port, path, status) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?.parse().ok()?);
            Some((port, path.to_owned(), status, parts.next()?.to_owned()))
        };
        Ok(text.lines().filter_map(line).collect())
    }
}

/// Has Helm fill the repository: two charts, one of them signed.
fn stock(ctx: &Ctx<'_>, root: &Path) -> Result<()> {
    let helm = ctx.helm.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
    let charts = root.join("site/charts").to_string_lossy().into_owned();
    let oracle = ctx.root.join("e2e/oracle/world");
    let (signed, ring) = (oracle.join("signed"), oracle.join("ring/secret.gpg"));
    helm.ok(&["package", &ctx.chart("shop"), "-d", &charts])?;
    let (signed, ring) = (signed.to_string_lossy(), ring.to_string_lossy());
    helm.ok(&["package", &signed, "--sign", "--key", "Ann", "--keyring", &ring, "-d", &charts])?;
    helm.ok(&["repo", "index", &charts]).map(drop)
}

/// Makes an authority, and certificates for the server and for a client.
pub(super) fn authorities(root: &Path) -> Result<()> {
    let openssl = |arguments: &str| -> Result<()> {
        let mut command = Command::new("openssl");
        command.current_dir(root).args(arguments.split(' '));
        match process::run(&mut command, Duration::from_secs(60)) {
            Ok(output) => output.success().map(drop),
            Err(_) => Err(Skip("openssl is not installed".to_owned()).into()),
        }
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=ca"))?;
    for (name, extensions) in [
        ("server", "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n"),
        ("client", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n"),
    ] {
        fs::write(root.join("extensions"), extensions)?;
        openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"))?;
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 30 -extfile extensions"
        ))?;
    }
    // One that nobody here trusts.
    openssl(&format!("req -x509 {key} -keyout other.key -out other.pem -days 30 -subj /CN=other"))
}

/// What both print and write is the same for each of these lines.
fn alike(both: &Both<'_>, lines: &[String]) -> Result<()> {
    lines.iter().try_for_each(|line| both.alike(line).map(drop))
}

fn plain_and_closed(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "nginx-plain")?;
    let nginx = Nginx::start(ctx, "plain", 140)?;
    let (open, closed) = (format!("{}/charts", nginx.plain()), format!("{}/closed/charts", nginx.plain()));
    alike(
        &both,
        &[
            format!("repo add r {open}"),
            "repo update".to_owned(),
            "search repo".to_owned(),
            "pull r/shop -d OUT".to_owned(),
            "pull r/shop --untar -d OUT".to_owned(),
            format!("pull shop --repo {open} --version ^9"),
            format!("repo add none {open}/none"),
            format!("pull {open}/none-1.0.0.tgz"),
            format!("repo add c {closed}"),
            format!("repo add c {closed} --username u --password guess"),
            format!("repo add c {closed} --username u --password secret"),
            "pull c/signed -d OUT".to_owned(),
            "show chart c/shop".to_owned(),
            format!("pull signed --repo {closed} -d OUT"),
            format!("pull signed --repo {closed} -d OUT --username u --password secret"),
            format!("template x {closed}/shop-1.4.0.tgz --username u --password secret"),
        ],
    )?;
    // A login is sent where it was given for, and not to who has not asked.
    for (port, path, _, login) in nginx.asked()? {
        equal("the port", port, nginx.ports[0])?;
        let is_open = path.starts_with("/charts/");
        equal("a login where there is none", is_open && login != "-", false).with_context(|| path)?;
    }
    Ok(())
}

fn certificates(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "nginx-tls")?;
    let nginx = Nginx::start(ctx, "tls", 145)?;
    let (tls, mutual) = (format!("{}/charts", nginx.tls()), format!("{}/charts", nginx.mutual()));
    let (authority, other) =
        (format!("--ca-file {}", nginx.file("ca.pem")), format!("--ca-file {}", nginx.file("other.pem")));
    let mine = format!("--cert-file {} --key-file {}", nginx.file("client.pem"), nginx.file("client.key"));
    let strange = format!("--cert-file {} --key-file {}", nginx.file("other.pem"), nginx.file("other.key"));
    let mixed = format!("--cert-file {} --key-file {}", nginx.file("client.pem"), nginx.file("other.key"));
    alike(
        &both,
        &[
            format!("repo add a {tls}"),
            format!("repo add a {tls} {other}"),
            format!("repo add a {tls} --ca-file {}", nginx.file("users")),
            format!("repo add a {tls} {authority}"),
            format!("repo add a2 {tls} --insecure-skip-tls-verify"),
            format!("repo add a3 {}/closed/charts {authority} --username u --password secret", nginx.tls()),
            format!("repo add a4 {} {authority}", tls.replace("127.0.0.1", "localhost")),
            format!("repo add a5 {}", tls.replace("https:", "http:")),
            "repo update a".to_owned(),
            "repo list -o json".to_owned(),
            "pull a/shop -d OUT".to_owned(),
            "pull a3/shop -d OUT".to_owned(),
            format!("pull shop --repo {tls}"),
            format!("pull shop --repo {tls} {authority} -d OUT"),
            format!("show chart shop --repo {tls} --insecure-skip-tls-verify"),
            format!("template x {tls}/shop-1.4.0.tgz {authority}"),
            format!("repo add m {mutual} {authority}"),
            format!("repo add m {mutual} {authority} {strange}"),
            format!("repo add m {mutual} {authority} {mixed}"),
            format!("repo add m {mutual} {mine}"),
            format!("repo add m {mutual} {authority} {mine}"),
            "pull m/signed -d OUT".to_owned(),
            "template x m/shop".to_owned(),
            format!("pull shop --repo {mutual} {authority} {mine} -d OUT"),
            format!("pull shop --repo {mutual} --insecure-skip-tls-verify {mine} -d OUT"),
        ],
    )?;
    // Whom the machine trusts is trusted where plain HTTP leads to as well.
    let trusted = nginx.file("ca.pem");
    for tool in ["helm", "whipstaff"] {
        let line = format!("repo add led {}/to-tls/charts", nginx.plain());
        both.run_with(tool, &line, &[("SSL_CERT_FILE", &trusted)])?.success()?;
    }
    Ok(())
}

/// CVE-2021-32690: who is led to another port, host or scheme takes no login along.
fn redirects(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "nginx-redirects")?;
    let nginx = Nginx::start(ctx, "redirects", 150)?;
    let (plain, login) = (nginx.plain(), "--username u --password secret");
    let authority = format!("--ca-file {}", nginx.file("ca.pem"));
    let [own, other, tls, _] = nginx.ports;
    let index = |prefix: &str| format!("{prefix}/charts/index.yaml");
    let step = |port: u16, path: String, status: u16, login: &str| (port, path, status, login.to_owned());
    for (line, want) in [
        (
            format!("repo add port {plain}/to-port/charts {login}"),
            vec![step(own, index("/to-port"), 302, LOGIN), step(other, index(""), 200, "-")],
        ),
        (
            format!("repo add host {plain}/to-host/charts {login}"),
            vec![step(own, index("/to-host"), 301, LOGIN), step(other, index(""), 200, "-")],
        ),
        (
            format!("repo add tls {plain}/to-tls/charts {login} {authority}"),
            vec![step(own, index("/to-tls"), 302, LOGIN), step(tls, index(""), 200, "-")],
        ),
        (
            format!("repo add plain {}/to-plain/charts {login} {authority}", nginx.tls()),
            vec![step(tls, index("/to-plain"), 302, LOGIN), step(own, index(""), 200, "-")],
        ),
        (
            format!("repo add within {plain}/within/charts {login}"),
            vec![step(own, index("/within"), 302, LOGIN), step(own, index("/closed"), 200, LOGIN)],
        ),
        // Once it was led away it is not known any more.
        (
            format!("repo add around {plain}/around/charts {login}"),
            vec![
                step(own, index("/around"), 302, LOGIN),
                step(other, index("/back"), 302, "-"),
                step(own, index("/closed"), 401, "-"),
            ],
        ),
        // When it may go everywhere, it goes to the same host, as with Helm.
        (
            format!("repo add everywhere {plain}/to-port/charts {login} --pass-credentials"),
            vec![step(own, index("/to-port"), 302, LOGIN), step(other, index(""), 200, LOGIN)],
        ),
        (
            format!("repo add nowhere {plain}/to-host/charts {login} --pass-credentials"),
            vec![step(own, index("/to-host"), 301, LOGIN), step(other, index(""), 200, "-")],
        ),
    ] {
        let ends_well = want.last().is_some_and(|last| last.2 == 200);
        // Helm sends it to other ports too, where it is not asked for; what it prints is the same, but for the way around.
        if line.contains("around") {
            both.run("whipstaff", &line)?;
        } else {
            both.alike(&line)?;
        }
        equal("what is asked for", nginx.asked()?, want).with_context(|| line.clone())?;
        let name = line.split(' ').nth(2).unwrap_or_default();
        equal(name, both.run("whipstaff", &format!("search repo {name}/shop"))?.text().contains("1.4.0"), ends_well)?;
        nginx.asked()?;
    }
    // The charts of an index elsewhere.
    let elsewhere = format!(
        "apiVersion: v1\nentries:\n  shop: [{{name: shop, version: 1.4.0, urls: ['http://127.0.0.1:{other}/charts/shop-1.4.0.tgz']}}]\n"
    );
    fs::create_dir_all(nginx.root.join("site/elsewhere"))?;
    fs::write(nginx.root.join("site/elsewhere/index.yaml"), elsewhere)?;
    both.alike(&format!("repo add elsewhere {plain}/closed/elsewhere {login}"))?;
    both.alike(&format!("repo add all {plain}/closed/elsewhere {login} --pass-credentials"))?;
    for (line, login) in [
        ("pull elsewhere/shop -d OUT".to_owned(), "-"),
        ("pull all/shop -d OUT".to_owned(), LOGIN),
        (format!("pull shop --repo {plain}/closed/elsewhere {login} -d OUT"), "-"),
        (format!("pull shop --repo {plain}/closed/elsewhere {login} --pass-credentials -d OUT"), LOGIN),
    ] {
        nginx.asked()?;
        both.alike(&line)?;
        let asked = nginx.asked()?;
        let last = asked.last().cloned();
        equal("the login", last.map(|last| (last.0, last.3)), Some((other, login.to_owned()))).with_context(|| line)?;
        // A chart in the cache need not be asked for.
        for tool in ["helm", "whipstaff"] {
            let _ = fs::remove_dir_all(both.root.join(tool).join("content"));
        }
    }
    Ok(())
}

fn provenance(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "nginx-provenance")?;
    let nginx = Nginx::start(ctx, "provenance", 155)?;
    let ring = |name: &str| ctx.root.join("e2e/oracle/world/ring").join(name).to_string_lossy().into_owned();
    let (known, other) = (ring("public.gpg"), ring("other.gpg"));
    let authority = format!("--ca-file {}", nginx.file("ca.pem"));
    both.alike(&format!("repo add r {}/charts {authority}", nginx.tls()))?;
    both.alike(&format!("repo add c {}/closed/charts --username u --password secret", nginx.plain()))?;
    for repository in ["r", "c"] {
        for line in [
            format!("pull {repository}/signed --verify --keyring {known} -d OUT"),
            format!("pull {repository}/signed --prov -d OUT"),
            format!("show chart {repository}/shop --verify --keyring {known}"),
        ] {
            both.alike(&line)?;
        }
        // Helm leaves the chart there all the same.
        let lost = |tool: &str| both.root.join(tool).join("out/shop-1.4.0.tgz");
        for line in [
            format!("pull {repository}/signed --verify --keyring {other} -d OUT"),
            format!("pull {repository}/shop --verify --keyring {known} -d OUT"),
        ] {
            let (ours, theirs) = (both.run("whipstaff", &line)?, both.run("helm", &line)?);
            equal(&line, (ours.code, ours.stderr), (theirs.code, theirs.stderr))?;
            equal("what is not vouched for", lost("whipstaff").exists(), false)?;
        }
        let _ = fs::remove_file(lost("helm"));
        // Helm asks for the file of these without a login, and trusting nobody.
        for line in [
            format!("template x {repository}/signed --verify --keyring"),
            format!("show chart {repository}/signed --verify --keyring"),
        ] {
            both.run("whipstaff", &format!("{line} {known}"))?.success()?;
            equal("another's keys", both.run("whipstaff", &format!("{line} {other}"))?.code, 1)?;
        }
        // What only ours has fetched is in the cache of only ours.
        for tool in ["helm", "whipstaff"] {
            let _ = fs::remove_dir_all(both.root.join(tool).join("content"));
        }
    }
    let pulled = both.run("whipstaff", &format!("pull c/signed --verify --keyring {known} -d OUT"))?.success()?;
    contains("the signer", &pulled.text(), "Signed by: Ann <ann@example.com>\n")?;
    // A file of the server that says what it should not is no signature.
    let proof = nginx.root.join("site/charts/signed-1.0.0.tgz.prov");
    fs::write(&proof, fs::read_to_string(&proof)?.replace("one that is vouched for", "another"))?;
    let forged = format!("pull c/signed --verify --keyring {known} -d OUT --username u --password secret");
    equal("a forged text", both.run("whipstaff", &forged)?.code, 1)
}

/// An index that has not changed is not sent again, whatever the server goes by.
fn not_modified(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "nginx-not-modified")?;
    let nginx = Nginx::start(ctx, "not-modified", 160)?;
    both.alike(&format!("repo add r {}/charts", nginx.plain()))?;
    let update = || -> Result<Vec<u16>> {
        nginx.asked()?;
        both.run("whipstaff", "repo update")?.success()?;
        Ok(nginx.asked()?.into_iter().map(|asked| asked.2).collect())
    };
    equal("the first update", update()?, vec![304])?;
    equal("the second", update()?, vec![304])?;
    let index = nginx.root.join("site/charts/index.yaml");
    let text = fs::read_to_string(&index)?;
    fs::write(&index, text.replace("One of everything", "Something of everything"))?;
    equal("after a change", update()?, vec![200])?;
    contains("what is new", &both.run("whipstaff", "search repo r/shop")?.text(), "Something of everything")?;
    equal("after that", update()?, vec![304])?;
    // What is in the cache is not what was sent.
    fs::remove_file(both.root.join("whipstaff/cache/r-index.yaml"))?;
    equal("without a cache", update()?, vec![200])
}

//! Charts in registries: `whipstaff` and the real Helm, side by side and for each other, with the registry that many run.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::making::{gpg, gpg_ends};
use super::{Case, Ctx, case};
use crate::check::{contains, equal};
use crate::cluster::free_ports;
use crate::helm::Helm;
use crate::process::{self, Background, Output};
use crate::runner::Skip;

pub(super) const CASES: &[Case] = &[
    case("oci/pull-and-show", pull_and_show),
    case("oci/from-an-index", from_an_index),
    case("oci/push", push),
    case("oci/subcharts", subcharts),
    case("oci/provenance", provenance),
    case("oci/logins", logins),
    case("oci/listing", listing),
];

/// The user `u` with the password `secret`.
const USERS: &str = "u:$2a$04$hGSjPeu3Gbxl2PJ9wqQ.JeQd0sNY0bKddLQxd.2wFnQB3KGCqT/9m\n";

/// How a registry finds out who is there.
pub(super) enum Auth<'a> {
    /// It does not.
    None,
    /// By user and password.
    Users,
    /// By tokens that somebody else issues.
    Tokens { realm: &'a str, issuer: &'a str, service: &'a str, roots: &'a Path },
}

/// The two tools, each with folders of its own, and a registry.
pub(super) struct Both<'a> {
    ctx: &'a Ctx<'a>,
    helm: &'a Helm,
    root: PathBuf,
    host: String,
    /// It ends with this.
    _registry: Background,
}

impl<'a> Both<'a> {
    /// Starts a registry, which may ask who is there; `offset` is its place among the ports.
    pub(super) fn new(ctx: &'a Ctx<'a>, name: &str, offset: u16, is_closed: bool) -> Result<Self> {
        Self::closed(ctx, name, offset, if is_closed { &Auth::Users } else { &Auth::None })
    }

    /// Starts a registry that finds out in a certain way who is there.
    pub(super) fn closed(ctx: &'a Ctx<'a>, name: &str, offset: u16, auth: &Auth<'_>) -> Result<Self> {
        let helm = ctx.helm.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
        let program = ctx.fixtures.and_then(|fixtures| fixtures.registry.as_ref());
        let program = program.ok_or_else(|| Skip("the registry was not built".to_owned()))?;
        let root = ctx.work.join(format!("oci-{name}"));
        for tool in ["helm", "whipstaff"] {
            fs::create_dir_all(root.join(tool).join("out"))?;
        }
        let host = format!("127.0.0.1:{}", free_ports(ctx.port + offset, 1)?);
        let users = root.join("users");
        fs::write(&users, USERS)?;
        let auth = match auth {
            Auth::None => String::new(),
            Auth::Users => format!("auth: {{htpasswd: {{realm: r, path: {}}}}}\n", users.display()),
            Auth::Tokens { realm, issuer, service, roots } => format!(
                "auth: {{token: {{realm: '{realm}', issuer: {issuer}, service: {service}, rootcertbundle: {}}}}}\n",
                roots.display()
            ),
        };
        let config = root.join("registry.yaml");
        let text = "version: 0.1\nlog: {level: error}\nstorage: {inmemory: {}}\n";
        fs::write(&config, format!("{text}http: {{addr: '{host}'}}\n{auth}"))?;
        let mut command = Command::new(program);
        command.arg("serve").arg(&config);
        let mut registry = Background::start("registry", &mut command, root.join("registry.log"))?;
        registry.until(Duration::from_secs(30), || Ok(TcpStream::connect(&host).map(drop)?))?;
        Ok(Self { ctx, helm, root, host, _registry: registry })
    }

    /// The registry.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The home of a tool.
    pub(super) fn home(&self, tool: &str) -> PathBuf {
        self.root.join(tool)
    }

    /// Runs a line, in which `HOST` is the registry, `OUT` the tool's folder and `SHOP` a folder of both.
    pub(super) fn run(&self, tool: &str, line: &str) -> Result<Output> {
        let home = self.root.join(tool);
        let out = home.join("out");
        let line = line.replace("HOST", &self.host).replace("OUT", &out.to_string_lossy());
        let line = line.replace("SHOP", &self.root.join("shop").to_string_lossy());
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = match tool {
            "helm" => self.helm.command(&words),
            _ => {
                let mut command = Command::new(std::path::absolute(self.ctx.whipstaff)?);
                command.env("KUBECONFIG", "/nonexistent").args(&words);
                command
            }
        };
        let path = format!("{}:{}", self.root.display(), std::env::var("PATH").unwrap_or_default());
        for folder in ["cache", "config", "data"] {
            command.env(format!("HELM_{}_HOME", folder.to_uppercase()), home.join(folder));
        }
        command.env("PATH", path).env("HOME", &home).env("DOCKER_CONFIG", home.join("docker")).current_dir(out);
        process::run(&mut command, Duration::from_secs(60))
    }

    /// Runs a line by both: what they print, tell and write is the same.
    pub(super) fn same(&self, line: &str) -> Result<Output> {
        let (theirs, ours) = (self.run("helm", line)?, self.run("whipstaff", line)?);
        let context = || format!("`{line}`");
        // The two run one after the other, and a second may pass between them.
        let timeless = |line: &str| match line.split_once("LAST DEPLOYED: ") {
            Some(("", _)) => "LAST DEPLOYED: TIME\n".to_owned(),
            _ => line.to_owned(),
        };
        let masked = |text: &str, tool: &str| {
            let text = text.replace(&*self.root.join(tool).to_string_lossy(), "HOME");
            text.split_inclusive('\n').map(timeless).collect::<String>()
        };
        let all =
            |output: &Output, tool: &str| (output.code, masked(&output.text(), tool), masked(&output.stderr, tool));
        equal("what is printed", all(&ours, "whipstaff"), all(&theirs, "helm")).with_context(context)?;
        equal("the files", self.files("whipstaff")?, self.files("helm")?).with_context(context)?;
        Ok(ours)
    }

    /// What is in a tool's own folder, and its logins.
    fn files(&self, tool: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let home = self.root.join(tool);
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(home.join("out"))? {
            let path = entry?.path();
            if path.is_file() {
                files.insert(path.to_string_lossy().replace(&*home.to_string_lossy(), ""), fs::read(&path)?);
            }
        }
        if let Ok(logins) = fs::read(home.join("config/registry/config.json")) {
            files.insert("logins".to_owned(), logins);
        }
        Ok(files)
    }

    /// Gives both a repository `r` whose index has these entries.
    fn index(&self, entries: &str) -> Result<()> {
        for tool in ["helm", "whipstaff"] {
            let home = self.root.join(tool);
            fs::create_dir_all(home.join("cache/repository"))?;
            fs::write(home.join("cache/repository/r-index.yaml"), format!("apiVersion: v1\nentries:\n{entries}"))?;
            fs::create_dir_all(home.join("config"))?;
            let known = "repositories: [{name: r, url: 'http://127.0.0.1:1', username: u, password: p}]\n";
            fs::write(home.join("config/repositories.yaml"), known)?;
        }
        Ok(())
    }

    /// What is in the `charts/` of a tool's chart `top`, and its lock without the time.
    fn subcharts(&self, tool: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let top = self.root.join(tool).join("out/top");
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(top.join("charts")).into_iter().flatten() {
            let entry = entry?;
            found.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
        }
        if let Ok(lock) = fs::read_to_string(top.join("Chart.lock")) {
            let kept: String = lock.lines().filter(|line| !line.starts_with("generated")).collect();
            found.insert("Chart.lock".to_owned(), kept.into_bytes());
        }
        Ok(found)
    }

    /// Packs versions of a chart into the folder of both, by Helm.
    pub(super) fn pack(&self, versions: &[&str]) -> Result<()> {
        let shop = self.ctx.chart("shop");
        for version in versions {
            self.run("helm", &format!("package {shop} --version {version} -d SHOP"))?.success()?;
        }
        Ok(())
    }
}

const VERSIONS: [&str; 3] = ["1.0.0", "1.1.0+b.1", "2.0.0-rc.1"];

fn pull_and_show(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "pull", 130, false)?;
    both.pack(&VERSIONS)?;
    let mut digest = String::new();
    for version in VERSIONS {
        let pushed = both.run("helm", &format!("push SHOP/shop-{version}.tgz oci://HOST/x --plain-http"))?.success()?;
        digest =
            pushed.text().split("Digest: ").nth(1).unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    }
    for rest in [
        "/shop",
        "/shop --version 1.0.0",
        "/shop --version ^1",
        "/shop --version 1.1.0+b.1",
        "/shop --version 1.1.0",
        "/shop --version 1",
        "/shop --version ^9",
        "/shop --version x.y!",
        "/shop --devel",
        "/shop --prov",
        "/shop --verify",
        "/shop --untar --untardir u",
        "/shop --untar --untardir u",
        "/shop:1.0.0",
        "/shop:1.0.0 --version 1.1.0",
        "/shop:9.9.9",
        "/shop:latest",
        "/Shop",
        "/none",
        "/none:1.0.0",
        "/shop@DIGEST",
        "/shop:2.0.0-rc.1@DIGEST",
        "/shop:1.0.0@DIGEST",
        "/shop@sha256:12",
        "/shop --insecure-skip-tls-verify",
    ] {
        both.same(&format!("pull oci://HOST/x{} --plain-http", rest.replace("DIGEST", &digest)))?;
    }
    for line in [
        "pull oci://HOST/x/shop",
        "pull oci://HOST --plain-http",
        "pull oci://127.0.0.1:1/x:1.0.0 --plain-http",
        "pull oci://HOST/x/shop --ca-file /none --cert-file /none --key-file /none",
        "template r oci://HOST/x/shop --plain-http",
        "template r oci://HOST/x/shop --plain-http --version 1.0.0",
        "install r oci://HOST/x/shop --plain-http --dry-run=client",
        "show chart oci://HOST/x/shop --plain-http --version ^1",
        "show values oci://HOST/x/shop --plain-http --verify",
    ] {
        both.same(line)?;
    }
    // What Helm cannot do: a tag as the registry has it.
    for tag in ["1.1.0+b.1", "1.1.0_b.1"] {
        both.run("whipstaff", &format!("pull oci://HOST/x/shop:{tag} --plain-http"))?.success()?;
    }
    Ok(())
}

/// The index of a repository may lead to a registry, by a tag.
fn from_an_index(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "index", 135, false)?;
    both.pack(&VERSIONS[..1])?;
    both.run("helm", "push SHOP/shop-1.0.0.tgz oci://HOST/x --plain-http")?.success()?;
    let chart = |name: &str, end: &str| {
        let url = format!("oci://{}/x/shop{end}", both.host);
        format!("  {name}: [{{apiVersion: v2, name: {name}, version: 1.0.0, urls: ['{url}']}}]\n")
    };
    both.index(&[chart("bare", ""), chart("none", ":2.0.0"), chart("shop", ":1.0.0")].concat())?;
    for line in
        ["pull r/shop", "pull r/shop --plain-http", "template x r/shop --plain-http", "show chart r/shop --plain-http"]
    {
        both.same(line)?;
    }
    both.same("pull r/none --plain-http")?;
    both.same("pull r/bare --plain-http").map(drop)
}

/// Subcharts that a dependency names, and those that an index leads to.
fn subcharts(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "subcharts", 136, false)?;
    both.pack(&VERSIONS)?;
    for version in VERSIONS {
        both.run("helm", &format!("push SHOP/shop-{version}.tgz oci://HOST/x --plain-http"))?.success()?;
    }
    both.index(&format!(
        "  shop: [{{apiVersion: v2, name: shop, version: 1.0.0, urls: ['oci://{0}/x/shop:1.0.0']}}]\n  bare: [{{apiVersion: v2, \
         name: bare, version: 1.0.0, urls: ['oci://{0}/x/shop']}}]\n  \
         lost: [{{apiVersion: v2, name: lost, version: 1.0.0, urls: ['oci://localhost/x/shop']}}]\n",
        both.host
    ))?;
    let registry = format!("oci://{}/x", both.host);
    for (name, version, repository) in [
        ("shop", "1.0.0", registry.as_str()),
        ("shop", ">=1", &registry),
        ("shop", ">=1-0", &registry),
        ("shop", "^9", &registry),
        ("shop", "9.0.0", &registry),
        ("none", "~1", &registry),
        ("shop", "1.0.0", "@r"),
        ("bare", "1.0.0", "@r"),
        ("lost", "1.0.0", "@r"),
    ] {
        let chart = format!(
            "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies: [{{name: {name}, version: '{version}', repository: '{repository}'}}]\n"
        );
        for tool in ["helm", "whipstaff"] {
            let top = both.root.join(tool).join("out/top");
            // What is left of the line before is not in the way.
            let _ = fs::remove_dir_all(&top);
            fs::create_dir_all(&top)?;
            fs::write(top.join("Chart.yaml"), &chart)?;
        }
        for line in ["update", "update --plain-http", "build --plain-http", "build --plain-http --verify"] {
            both.same(&format!("dependency {line} top --skip-refresh"))?;
        }
        let (theirs, ours) = (both.subcharts("helm")?, both.subcharts("whipstaff")?);
        equal("charts/ and the lock", ours, theirs).with_context(|| format!("{name} {version}"))?;
    }
    Ok(())
}

/// What we push has the digest that Helm gives it, and Helm pulls it.
fn push(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "push", 131, false)?;
    both.pack(&VERSIONS)?;
    for version in VERSIONS {
        both.run("whipstaff", &format!("push SHOP/shop-{version}.tgz oci://HOST/ours --plain-http"))?.success()?;
        both.same(&format!("push SHOP/shop-{version}.tgz oci://HOST/theirs --plain-http"))?;
        both.same(&format!("pull oci://HOST/ours/shop --version {version} --plain-http"))?.success()?;
        let name = format!("shop-{version}.tgz");
        let (pulled, packed) = (both.root.join("helm/out").join(&name), both.root.join("shop").join(&name));
        equal("the archive", fs::read(pulled)? == fs::read(packed)?, true)?;
    }
    for line in [
        "push SHOP/none.tgz oci://HOST/x --plain-http",
        "push SHOP oci://HOST/x --plain-http",
        "push SHOP/shop-1.0.0.tgz http://HOST/x --plain-http",
        "push SHOP/shop-1.0.0.tgz HOST --plain-http",
        "push SHOP/shop-1.0.0.tgz x --plain-http",
        "push SHOP/shop-1.0.0.tgz oci://HOST/X --plain-http",
        "push SHOP/shop-1.0.0.tgz oci://HOST/x",
        "push SHOP/shop-1.0.0.tgz",
    ] {
        both.same(line)?;
    }
    Ok(())
}

/// Provenance files go along, and each tool checks what the other has pushed.
fn provenance(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "provenance", 132, false)?;
    // Sockets have short paths.
    let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp")?;
    let ring = |name: &str| both.root.join(name).to_string_lossy().into_owned();
    let (secret, public) = (ring("secring.gpg"), ring("pubring.gpg"));
    gpg(home.path(), &["--passphrase", "", "--quick-gen-key", "Ann <ann@example.com>", "rsa2048", "sign", "never"])?;
    gpg(home.path(), &["--yes", "--output", &secret, "--export-secret-keys"])?;
    gpg(home.path(), &["--yes", "--output", &public, "--export"])?;
    let shop = ctx.chart("shop");
    both.run("helm", &format!("package {shop} --sign --key Ann --keyring {secret} --version 1.0.0+b -d SHOP"))?
        .success()?;
    for tool in ["helm", "whipstaff"] {
        both.run(tool, &format!("push SHOP/shop-1.0.0+b.tgz oci://HOST/{tool} --plain-http"))?.success()?;
        let checked = format!("oci://HOST/{tool}/shop --plain-http --verify --keyring {public}");
        let pulled = both.same(&format!("pull {checked}"))?.success()?;
        contains("the signer", &pulled.text(), "Signed by: Ann <ann@example.com>\n")?;
        both.same(&format!("pull oci://HOST/{tool}/shop --plain-http --prov"))?.success()?;
        both.same(&format!("show chart {checked}"))?.success()?;
        both.same(&format!("show chart oci://HOST/{tool}/shop --plain-http --verify --keyring /none"))?;
    }
    equal("the same manifest", both.run("whipstaff", "search repo oci://HOST/helm/shop --plain-http")?.code, 0)?;
    gpg_ends(home.path())
}

/// A registry that asks who is there: flags, logins of either file, and programs that keep them.
fn logins(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "logins", 133, true)?;
    both.pack(&VERSIONS)?;
    let push = "push SHOP/shop-1.0.0.tgz oci://HOST/x --plain-http";
    let pull = "pull oci://HOST/x/shop --plain-http";
    for line in [
        push.to_owned(),
        format!("{push} --username u --password wrong"),
        format!("{push} --username u --password secret"),
        pull.to_owned(),
        format!("{pull} --version 1.0.0"),
        format!("{pull} --username u --password secret"),
        "registry login HOST --plain-http -u u -p wrong".to_owned(),
        "registry login HOST -u u -p secret".to_owned(),
        "registry login HOST/x --plain-http -u u -p secret".to_owned(),
        "registry login HOST --plain-http".to_owned(),
        "registry login HOST --plain-http -u u".to_owned(),
        "registry login HOST --plain-http -u u -p secret".to_owned(),
        pull.to_owned(),
        "registry logout HOST".to_owned(),
        "registry logout nowhere".to_owned(),
        "registry logout".to_owned(),
        pull.to_owned(),
    ] {
        both.same(&line)?;
    }
    // Docker's file is read, and not written to.
    let docker = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"dTpzZWNyZXQ=\"}}}}}}", both.host);
    for tool in ["helm", "whipstaff"] {
        fs::create_dir_all(both.root.join(tool).join("docker"))?;
        fs::write(both.root.join(tool).join("docker/config.json"), &docker)?;
    }
    both.same(pull)?.success()?;
    both.same("registry logout HOST")?;
    both.same(pull)?.success()?;
    // A program keeps what it is told in a file.
    let program = both.root.join("docker-credential-own");
    fs::write(&program, PROGRAM)?;
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    for tool in ["helm", "whipstaff"] {
        fs::remove_file(both.root.join(tool).join("docker/config.json"))?;
        fs::write(both.root.join(tool).join("config/registry/config.json"), "{\"credsStore\": \"own\"}")?;
    }
    both.same(pull)?;
    both.same("registry login HOST --plain-http -u u -p secret")?.success()?;
    contains("the program keeps it", &fs::read_to_string(both.root.join("whipstaff/kept"))?, "\"Secret\":\"secret\"")?;
    both.same(pull)?.success()?;
    both.same("registry logout HOST")?.success()?;
    both.same(pull)?;
    for tool in ["helm", "whipstaff"] {
        fs::write(
            both.root.join(tool).join("config/registry/config.json"),
            "{\"credHelpers\": {\"127.0.0.1\": \"own\"}}",
        )?;
    }
    both.same(pull).map(drop)
}

/// A credential helper, in the protocol of Docker's.
const PROGRAM: &str = "#!/bin/sh
case $1 in
store) cat > $HOME/kept ;;
erase) rm $HOME/kept ;;
get) if [ -f $HOME/kept ]; then cat $HOME/kept; else echo 'credentials not found in native keychain'; exit 1; fi ;;
esac
";

/// What Helm cannot do: which versions there are.
fn listing(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "listing", 134, false)?;
    both.pack(&VERSIONS)?;
    for version in VERSIONS {
        both.run("helm", &format!("push SHOP/shop-{version}.tgz oci://HOST/x --plain-http"))?.success()?;
    }
    let search = |flags: &str| -> Result<Vec<(String, String)>> {
        let line = format!("search repo oci://HOST/x/shop --plain-http -o json{flags}");
        let found: serde_json::Value = serde_json::from_slice(&both.run("whipstaff", &line)?.success()?.stdout)?;
        let text = |one: &serde_json::Value, name: &str| {
            one.get(name).and_then(|it| it.as_str()).unwrap_or_default().to_owned()
        };
        Ok(found.as_array().into_iter().flatten().map(|one| (text(one, "version"), text(one, "app_version"))).collect())
    };
    let pairs =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    equal("the newest", search("")?, pairs(&[("1.1.0+b.1", "2026.8")]))?;
    equal("all", search(" --versions --devel")?, pairs(&[("2.0.0-rc.1", ""), ("1.1.0+b.1", ""), ("1.0.0", "")]))?;
    equal("some", search(" --versions --version ~1.0")?, pairs(&[("1.0.0", "")]))?;
    equal("none", search(" --version ^9")?, Vec::new())
}

//! A folder that whipstaff serves as a chart repository, in the hands of the real Helm, of curl, and of whipstaff itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Case, Ctx, case, making};
use crate::check::{contains, equal};
use crate::cluster::{Kubectl, free_ports};
use crate::helm::Helm;
use crate::process::{self, Output};
use crate::runner::Skip;
use crate::server::Server;

pub(super) const CASES: &[Case] = &[case("own_repository/helm-and-curl", helm_and_curl)];

/// The tools, each with a home of its own, and a sandbox with a repository.
struct World<'a> {
    ctx: &'a Ctx<'a>,
    root: PathBuf,
    helm: Helm,
    kubeconfig: PathBuf,
    url: String,
    _server: Server,
}

impl<'a> World<'a> {
    fn start(ctx: &'a Ctx<'a>) -> Result<Self> {
        let fixtures = ctx.fixtures.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
        let root = ctx.work.join("own-repository");
        for folder in ["charts", "dist", "helm", "whipstaff"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let kubernetes = format!("127.0.0.1:{}", free_ports(ctx.port + 90, 1)?);
        let charts = root.join("charts").to_string_lossy().into_owned();
        let flags = ["--sandbox", "--sandbox-listen", &kubernetes, "--repository-dir", &charts];
        let server = Server::start(ctx.whipstaff, "own-repository", &flags, ctx.work, ctx.port + 95, "/readyz")?;
        let kubeconfig = Kubectl::of_sandbox(fixtures, &kubernetes, &root)?.kubeconfig().to_owned();
        let helm = Helm::new(&fixtures.helm, &root.join("helm"), Some(&kubeconfig));
        let url = format!("{}/repository", server.http.base());
        Ok(Self { ctx, root, helm, kubeconfig, url, _server: server })
    }

    fn path(&self, name: &str) -> String {
        self.root.join(name).to_string_lossy().into_owned()
    }

    fn run(&self, tool: &str, line: &str) -> Result<Output> {
        let line = line.replace("URL", &self.url).replace("ROOT", &self.root.to_string_lossy());
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = match tool {
            "helm" => self.helm.command(&words),
            "whipstaff" => {
                let mut command = Command::new(std::path::absolute(self.ctx.whipstaff)?);
                command.env("HOME", self.root.join("whipstaff")).env("KUBECONFIG", &self.kubeconfig).args(&words);
                command
            }
            other => {
                let mut command = Command::new(other);
                command.args(&words);
                command
            }
        };
        command.current_dir(self.root.join("dist"));
        process::run(&mut command, Duration::from_secs(120))
    }

    fn ok(&self, tool: &str, line: &str) -> Result<Output> {
        self.run(tool, line)?.success().with_context(|| format!("{tool} {line}"))
    }

    /// Uploads by curl; gives the status and what was answered.
    fn curl(&self, line: &str) -> Result<(String, String)> {
        let printed = self.ok("curl", &format!("-sS -w \\n%{{http_code}} {line}"))?.text();
        let (answer, status) = printed.trim_end().rsplit_once('\n').context("curl prints the status")?;
        Ok((status.to_owned(), answer.trim().to_owned()))
    }
}

fn saved(answer: (String, String)) -> Result<()> {
    equal("an upload", answer, ("201".to_owned(), "{\"saved\":true}".to_owned()))
}

fn helm_and_curl(ctx: &Ctx<'_>) -> Result<()> {
    let world = World::start(ctx)?;
    // Sockets have short paths.
    let gnupg = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp")?;
    let done = with_keys(&world, gnupg.path());
    making::gpg_ends(gnupg.path())?;
    done
}

fn with_keys(world: &World<'_>, gnupg: &Path) -> Result<()> {
    let with = ["--passphrase", "secret"];
    making::gpg(
        gnupg,
        &[&with[..], &["--quick-gen-key", "Ann <ann@example.com>", "ed25519", "sign", "never"]].concat(),
    )?;
    let (secret, public) = (world.path("secring.gpg"), world.path("pubring.gpg"));
    making::gpg(gnupg, &[&with[..], &["--yes", "--output", &secret, "--export-secret-keys"]].concat())?;
    making::gpg(gnupg, &["--yes", "--output", &public, "--export"])?;
    fs::write(world.root.join("pass"), "secret\n")?;
    let sign = "--sign --key Ann --keyring ROOT/secring.gpg --passphrase-file ROOT/pass";
    let shop = world.ctx.chart("shop");
    for version in ["1.4.0", "1.5.0"] {
        world.ok("whipstaff", &format!("package {shop} --version {version} {sign}"))?;
    }
    world.ok("helm", &format!("package {} --version 2.0.0", world.ctx.chart("family")))?;

    // One as bytes, its provenance file after it; another in a form; a third by hand.
    saved(world.curl("--data-binary @shop-1.4.0.tgz URL/api/charts")?)?;
    saved(world.curl("--data-binary @shop-1.4.0.tgz.prov URL/api/prov")?)?;
    let (status, answer) = world.curl("--data-binary @shop-1.4.0.tgz URL/api/charts")?;
    equal("the same again", status.as_str(), "409")?;
    contains("what clients show", &answer, "\"error\":\"`shop-1.4.0.tgz` is there already")?;
    saved(world.curl("--data-binary @shop-1.4.0.tgz.prov URL/api/prov?force")?)?;
    fs::copy(world.root.join("dist/family-2.0.0.tgz"), world.root.join("charts/family-2.0.0.tgz"))?;
    for tool in ["helm", "whipstaff"] {
        read(world, tool)?;
    }
    saved(world.curl("-F chart=@shop-1.5.0.tgz -F prov=@shop-1.5.0.tgz.prov URL/api/charts")?)?;
    for tool in ["helm", "whipstaff"] {
        contains("the old index", &world.ok(tool, "search repo own/shop")?.text(), "1.4.0")?;
        world.ok(tool, "repo update")?;
        contains("the new index", &world.ok(tool, "search repo own/shop")?.text(), "1.5.0")?;
        world.ok(tool, &format!("pull own/shop --prov --verify --keyring ROOT/pubring.gpg -d ROOT/{tool}"))?;
    }
    let deleted = world.curl("-X DELETE URL/api/charts/shop/1.5.0")?;
    equal("a deletion", deleted, ("200".to_owned(), "{\"deleted\":true}".to_owned()))?;
    let mut left: Vec<String> = fs::read_dir(world.root.join("charts"))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    equal(
        "what is left",
        left,
        ["family-2.0.0.tgz", "shop-1.4.0.tgz", "shop-1.4.0.tgz.prov"].map(str::to_owned).to_vec(),
    )?;
    // What we say in the index is what Helm would say, but for when.
    let served = world.ok("curl", "-sS URL/index.yaml")?.text();
    world.ok("helm", "repo index ROOT/charts --url charts")?;
    let written = fs::read_to_string(world.root.join("charts/index.yaml"))?;
    let timeless = |text: &str| -> Vec<String> {
        let is_time = |line: &&str| line.contains(" created: ") || line.starts_with("generated: ");
        text.lines().filter(|line| !is_time(line)).map(str::to_owned).collect()
    };
    let mut wanted = timeless(&written);
    wanted.extend(["serverInfo:".to_owned(), "  contextPath: /repository".to_owned()]);
    equal("the index", timeless(&served), wanted)
}

/// Adds the repository and does with it what one does.
fn read(world: &World<'_>, tool: &str) -> Result<()> {
    world.ok(tool, "repo add own URL")?;
    let found = world.ok(tool, "search repo own/ --versions")?.text();
    for chart in ["own/shop", "1.4.0", "own/family", "2.0.0"] {
        contains("what is found", &found, chart)?;
    }
    world.ok(tool, &format!("pull own/shop --prov --verify --keyring ROOT/pubring.gpg -d ROOT/{tool}"))?;
    for file in ["shop-1.4.0.tgz", "shop-1.4.0.tgz.prov"] {
        if fs::read(world.root.join(tool).join(file))? != fs::read(world.root.join("dist").join(file))? {
            bail!("{tool} has got another `{file}` than was uploaded");
        }
    }
    let (namespace, release) = (format!("own-{tool}"), "r");
    let install = format!("install {release} own/shop -n {namespace} --create-namespace --wait --timeout 60s");
    contains("the release", &world.ok(tool, &install)?.text(), "STATUS: deployed")?;
    world.ok(tool, &format!("uninstall {release} -n {namespace} --wait"))?;
    let top = world.root.join(tool).join("top");
    fs::create_dir_all(&top)?;
    let dependencies = format!("- {{name: shop, version: ^1, repository: \"{}\"}}\n", world.url);
    fs::write(
        top.join("Chart.yaml"),
        format!("apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n{dependencies}"),
    )?;
    for command in ["update", "build"] {
        let _ = fs::remove_dir_all(top.join("charts"));
        world.ok(tool, &format!("dependency {command} ROOT/{tool}/top"))?;
        equal("the subchart", top.join("charts/shop-1.4.0.tgz").is_file(), true)?;
    }
    Ok(())
}

//! Charts that whipstaff makes, packs and signs, read by the real Helm; and the other way round.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;

use super::{Case, Ctx, case};
use crate::check::{contains, equal, same_text};
use crate::helm::Helm;
use crate::process::{self, Output};
use crate::runner::Skip;

pub(super) const CASES: &[Case] = &[
    case("making/same-archives", same_archives),
    case("making/our-starter", our_starter),
    case("making/starters-of-others", starters_of_others),
    case("making/signatures-of-rsa", |ctx| signatures(ctx, "rsa2048")),
    case("making/signatures-of-ed25519", |ctx| signatures(ctx, "ed25519")),
];

pub(super) const INTEROP: &[Case] = &[case("making/installed", installed)];

const OWN: [&str; 5] = ["shop", "hooked", "family", "crds-owner", "locker"];

/// Whipstaff and the real Helm, which do the same in folders of their own.
struct Both<'a> {
    ctx: &'a Ctx<'a>,
    helm: &'a Helm,
    folder: PathBuf,
}

impl<'a> Both<'a> {
    fn new(ctx: &'a Ctx<'a>, name: &str) -> Result<Self> {
        let helm = ctx.helm.ok_or_else(|| Skip("the real Helm was not built".to_owned()))?;
        let folder = ctx.work.join("making").join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self { ctx, helm, folder })
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn ours(&self, arguments: &[&str]) -> Result<Output> {
        // It runs in another folder than we do.
        let mut command = Command::new(std::path::absolute(self.ctx.whipstaff)?);
        command.env("HOME", &self.folder).env("KUBECONFIG", "/nonexistent").env("SOURCE_DATE_EPOCH", "1700000000");
        process::run(command.current_dir(&self.folder).args(arguments), Duration::from_secs(60))
    }

    fn theirs(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.helm.command(arguments);
        command.env("SOURCE_DATE_EPOCH", "1700000000").current_dir(&self.folder);
        process::run(&mut command, Duration::from_secs(60))
    }

    /// Fails unless both print the same and end with the same code.
    fn same(&self, arguments: &[&str]) -> Result<Output> {
        let (ours, theirs) = (self.ours(arguments)?, self.theirs(arguments)?);
        let what = arguments.join(" ");
        equal(&what, (ours.code, ours.stderr.as_str()), (theirs.code, theirs.stderr.as_str()))?;
        same_text(&what, &ours.text(), &theirs.text())?;
        Ok(ours)
    }
}

/// The entries of an archive with their headers, sorted: Helm packs subcharts in an order that changes.
fn entries(path: &str) -> Result<Vec<Vec<u8>>> {
    let bytes = fs::read(path).with_context(|| format!("reading {path}"))?;
    let mut archive = tar::Archive::new(GzDecoder::new(&*bytes));
    let mut entries = Vec::new();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let mut bytes = entry.header().as_bytes().to_vec();
        entry.read_to_end(&mut bytes)?;
        entries.push(bytes);
    }
    entries.sort();
    Ok(entries)
}

/// Packs a chart with both, and returns the path of our archive.
fn packed(both: &Both<'_>, chart: &str, flags: &[&str]) -> Result<String> {
    let name = |output: &Output| -> Result<String> {
        let text = output.text();
        let name = text.trim_end().rsplit('/').next().context("an archive was written")?;
        Ok(name.to_owned())
    };
    let ours = both.ours(&[&["package", chart, "-d", "ours"], flags].concat())?.success()?;
    let theirs = both.theirs(&[&["package", chart, "-d", "theirs"], flags].concat())?.success()?;
    let name = (name(&ours)?, name(&theirs)?);
    equal("the name of the archive", &name.0, &name.1)?;
    let (ours, theirs) = (both.path(&format!("ours/{}", name.0)), both.path(&format!("theirs/{}", name.1)));
    if entries(&ours)? != entries(&theirs)? {
        bail!("{ours} and {theirs} have different entries");
    }
    Ok(ours)
}

/// Archives have Helm's entries, and Helm reads them as it reads the folder.
fn same_archives(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "archives")?;
    for chart in OWN {
        let folder = ctx.chart(chart);
        let archive = packed(&both, &folder, &[])?;
        for command in [&["template", "r"][..], &["show", "all"]] {
            let of = |path: &str| both.theirs(&[command, &[path]].concat())?.success();
            same_text(chart, &of(&archive)?.text(), &of(&folder)?.text())?;
        }
        packed(&both, &folder, &["--version", "9.8.7-rc.1+b", "--app-version", "next"])?;
        let bytes = fs::read(&archive)?;
        packed(&both, &folder, &[])?;
        equal("the same bytes each time", bytes == fs::read(&archive)?, true)?;
    }
    Ok(())
}

/// Our starter is no cause for warnings to Helm, and renders alike by both.
fn our_starter(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "starter")?;
    both.ours(&["create", "web"])?.success()?;
    let values = "ingress: {enabled: true, className: x, tls: [{secretName: t}]}\nhttpRoute: {enabled: true}\n\
                  autoscaling: {enabled: true, targetMemoryUtilizationPercentage: 70}\nservice: {type: LoadBalancer}\n";
    fs::write(both.folder.join("all.yaml"), values)?;
    for flags in [&[][..], &["-f", "all.yaml"], &["--set", "serviceAccount.create=false,fullnameOverride=a.b"]] {
        both.same(&[&["lint", "--strict", "web"], flags].concat())?.success()?;
        both.same(&[&["template", "r", "web"], flags].concat())?.success()?;
    }
    both.same(&["template", "r", "web", "--set", "service.port=many"])?;
    packed(&both, "web", &[])?;
    Ok(())
}

/// A starter of anybody's makes the same chart by both.
fn starters_of_others(ctx: &Ctx<'_>) -> Result<()> {
    let both = Both::new(ctx, "starters")?;
    for chart in OWN {
        let folder = ctx.chart(chart);
        let (ours, theirs) = (format!("ours/{chart}/new"), format!("theirs/{chart}/new"));
        both.ours(&["create", &ours, "--starter", &folder])?.success()?;
        both.theirs(&["create", &theirs, "--starter", &folder])?.success()?;
        packed(&both, &ours, &[])?;
        let (a, b) = (both.ours(&["show", "all", &ours])?, both.ours(&["show", "all", &theirs])?);
        same_text(chart, &a.text(), &b.text())?;
        let (a, b) = (both.ours(&["template", "r", &ours])?, both.ours(&["template", "r", &theirs])?);
        same_text(chart, &a.text(), &b.text())?;
    }
    Ok(())
}

/// GnuPG with a home of its own.
pub(super) fn gpg(home: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home).args(["--batch", "--quiet", "--pinentry-mode", "loopback"]).args(arguments);
    match process::run(&mut command, Duration::from_secs(60)) {
        Ok(output) => output.success(),
        Err(_) => Err(Skip("GnuPG is not installed".to_owned()).into()),
    }
}

/// Each verifies what the other has signed with a key of GnuPG's; neither, what was changed.
fn signatures(ctx: &Ctx<'_>, kind: &str) -> Result<()> {
    let both = Both::new(ctx, kind)?;
    // Sockets have short paths.
    let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp")?;
    let with = ["--passphrase", "secret"];
    gpg(home.path(), &[&with[..], &["--quick-gen-key", "Ann <ann@example.com>", kind, "sign", "never"]].concat())?;
    let (secret, public) = (both.path("secring.gpg"), both.path("pubring.gpg"));
    gpg(home.path(), &[&with[..], &["--yes", "--output", &secret, "--export-secret-keys"]].concat())?;
    gpg(home.path(), &["--yes", "--output", &public, "--export"])?;
    let keybox = home.path().join("pubring.kbx").to_string_lossy().into_owned();
    fs::write(both.folder.join("pass"), "secret\n")?;
    let shop = ctx.chart("shop");
    let sign = ["package", &shop, "--sign", "--key", "Ann", "--keyring", &secret, "--passphrase-file", "pass"];
    for of_ours in [true, false] {
        if of_ours { both.ours(&sign)? } else { both.theirs(&sign)? }.success()?;
        for ring in [&public, &keybox, &secret] {
            let output = both.same(&["verify", "shop-1.4.0.tgz", "--keyring", ring])?.success()?;
            contains("the signer", &output.text(), "Signed by: Ann <ann@example.com>\n")?;
        }
        let proof = fs::read_to_string(both.folder.join("shop-1.4.0.tgz.prov"))?;
        let forged = proof.replace("name: shop", "name: shap");
        fs::write(both.folder.join("shop-1.4.0.tgz.prov"), forged)?;
        for command in [&["verify"][..], &["template", "r", "--verify"]] {
            let output = both.same(&[command, &["shop-1.4.0.tgz", "--keyring", &public]].concat())?;
            equal("a forged text", output.code, 1)?;
        }
        fs::write(both.folder.join("shop-1.4.0.tgz.prov"), proof)?;
        fs::write(both.folder.join("shop-1.4.0.tgz"), "other")?;
        equal("another archive", both.same(&["verify", "shop-1.4.0.tgz", "--keyring", &public])?.code, 1)?;
    }
    gpg_ends(home.path())
}

/// Ends the agent that GnuPG has started for a home.
pub(super) fn gpg_ends(home: &Path) -> Result<()> {
    let mut command = Command::new("gpgconf");
    command.arg("--homedir").arg(home).args(["--kill", "all"]);
    process::run(&mut command, Duration::from_secs(60))?.success().map(drop)
}

/// What was made and packed can be installed.
fn installed(ctx: &Ctx<'_>) -> Result<()> {
    let (_, _, helm) = ctx.real()?;
    let both = Both::new(ctx, "installed")?;
    both.ours(&["create", "web"])?.success()?;
    both.ours(&["package", "web"])?.success()?;
    let archive = both.path("web-0.1.0.tgz");
    let ns = "making-installed";
    let output = helm.ok(&["install", "web", &archive, "-n", ns, "--create-namespace", "--wait", "--timeout", "2m"])?;
    contains("the notes", &output.text(), "web 0.1.0 is installed as web in the namespace making-installed.")?;
    helm.ok(&["uninstall", "web", "-n", ns, "--wait"]).map(drop)
}

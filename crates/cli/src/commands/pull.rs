//! `pull`, as Helm 4.3: `pkg/cmd/pull.go`, `pkg/action/pull.go`.

use std::path::Path;

use chart::clean_path;
use chart::text::{io_error, quote};

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{CHART, Flag, Group};
use crate::output::print;
use crate::source::{Fetched, Source};
use crate::{depots, expand};

static FLAGS: Group = Group {
    title: "Pull",
    flags: &[
        Flag::text("destination", "DIR", "the folder to write to").short('d').or("."),
        Flag::switch("untar", "unpack the chart, into a folder with its name"),
        Flag::text("untardir", "DIR", "the folder to unpack in, below --destination").or("."),
        Flag::switch("prov", "fetch the provenance file too, without checking it"),
        Flag::switch("devel", "take versions before 1.0 and pre-releases too (--version '>0.0.0-0')"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "pull",
    aliases: &["fetch"],
    usage: "pull [chart URL | repo/chartname] [...]",
    about: "fetch charts from a repository or a registry",
    long: "Fetches packed charts into a folder. CHART is `repo/name` of a repository that was added, the URL of an archive,\n\
           with --repo URL the name in that repository, or `oci://host/path/name` of a registry, with `:tag` or `@sha256:...`\n\
           behind it or without. An archive that is not what the index or the manifest promises (its SHA-256) is refused;\n\
           with --verify so is one whose provenance file is missing or not signed by a known key.",
    examples: &[
        "whipstaff pull bitnami/nginx --version ^15 --untar",
        "whipstaff pull nginx --repo https://charts.example.com --verify",
        "whipstaff pull https://charts.example.com/nginx-15.0.0.tgz -d ./charts",
        "whipstaff pull oci://registry.example.com/charts/nginx --version ^15",
    ],
    arity: Arity::AtLeast(1),
    takes: &[Takes::Chart],
    flags: &[&FLAGS, &CHART],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    if call.flags.text("version").is_empty() && call.flags.on("devel") {
        call.debug("setting version to >0.0.0-0", &[]);
    }
    for reference in &call.args {
        let mut said = String::new();
        let pulled = pull(call, reference, &mut said);
        if pulled.is_ok() {
            print(&said)?;
        }
        pulled?;
    }
    Ok(())
}

/// Fetches one chart; `said` is what is printed when all went well.
fn pull(call: &Call, reference: &str, said: &mut String) -> Outcome {
    let home = depots::home(call);
    let source = Source::find(call, reference)?;
    let (is_checked, is_wanted) = (call.flags.on("verify"), call.flags.on("prov"));
    let Fetched { archive, proof: fetched } = source.fetch(&home, |_| is_checked || is_wanted)?;
    let name = source.file_name()?;
    let mut proof = None;
    match fetched {
        Some(Ok(bytes)) => proof = Some(bytes),
        Some(Err(_)) if is_checked => fail!("failed to fetch provenance {}", quote(&source.proof_url())),
        Some(Err(error)) => {
            let reference = depot::redacted(reference);
            said.push_str(&format!("WARNING: Verification not found for {reference}: {error}\n"));
        }
        None => {}
    }
    if let Some(proof) = proof.as_ref().filter(|_| is_checked) {
        // Before anything is written, so that nothing stays of what is not to be trusted.
        let verified = depots::verify(call, &name, &archive, proof)?;
        for identity in &verified.identities {
            said.push_str(&format!("Signed by: {identity}\n"));
        }
        said.push_str(&format!("Using Key With Fingerprint: {}\n", verified.fingerprint));
        said.push_str(&format!("Chart Hash Verified: {}\n", verified.hash));
    }
    let destination = call.flags.text("destination");
    if call.flags.on("untar") {
        return untar(call, reference, destination, &archive);
    }
    let folder = Path::new(destination);
    depots::write(&folder.join(&name), &archive)?;
    if let Some(proof) = proof {
        depots::write(&folder.join(format!("{name}.prov")), &proof)?;
    }
    Ok(())
}

fn untar(call: &Call, reference: &str, destination: &str, archive: &[u8]) -> Outcome {
    let wanted = call.flags.text("untardir");
    let folder = match wanted.starts_with('/') {
        true => clean_path(wanted),
        false => clean_path(&format!("{destination}/{wanted}")),
    };
    let named = clean_path(&format!("{folder}/{}", reference.rsplit('/').next().unwrap_or_default()));
    let is_there = |path: &str| Path::new(path).symlink_metadata().is_ok();
    let refuse =
        |path: &str| -> Outcome { fail!("failed to untar: a file or directory with the name {path} already exists") };
    if is_there(&named) {
        return refuse(&named);
    }
    let files = chart::read_archive(archive, &chart::Limits::trusting())?;
    // The chart may call itself by another name than the index does, and what has that name is not its own.
    let own = clean_path(&format!("{folder}/{}", expand::name(&files).map_err(Fail::new)?));
    if is_there(&own) {
        return refuse(&own);
    }
    std::fs::create_dir_all(&named)
        .map_err(|error| Fail::new(format!("failed to untar (mkdir): mkdir {named}: {}", io_error(&error))))?;
    expand::into(archive, Path::new(&folder)).map_err(Fail::new)?;
    Ok(())
}

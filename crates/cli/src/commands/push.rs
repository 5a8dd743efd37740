//! `push`, as Helm 4.3: `pkg/cmd/push.go`, `pkg/uploader/chart_uploader.go`, `pkg/pusher/ocipusher.go`.

use std::io::ErrorKind;
use std::path::Path;

use chart::text::io_error;
use depot::oci::Push;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::REGISTRY;
use crate::output::print;
use crate::{depots, locate, provenance};

pub(crate) static COMMAND: Command = Command {
    name: "push",
    usage: "push [chart] [remote]",
    about: "bring a packed chart into a registry",
    long: "Uploads a packed chart below a place in an OCI registry, where it has its own name and its version as the tag, with\n\
           `_` for `+`. The provenance file beside it goes with it. What the registry has already is not sent again.",
    examples: &["whipstaff push shop-1.2.3.tgz oci://registry.example.com/charts"],
    arity: Arity::AtLeast(2),
    takes: &[Takes::Path],
    flags: &[&REGISTRY],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let [path, remote, ..] = call.args.as_slice() else { fail!("a chart and a place are needed") };
    depot::oci::check_remote(remote)?;
    let file = match Path::new(path).metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => fail!("{path}: no such file"),
        Err(error) => fail!("stat {path}: {}", io_error(&error)),
        Ok(file) if file.is_dir() => fail!("cannot push directory, must provide chart archive (.tgz)"),
        Ok(file) => file,
    };
    let chart = chart::load_path_telling(Path::new(path), false, &mut locate::tell)?;
    let archive = provenance::read(path).map_err(Fail::new)?;
    let proof = format!("{path}.prov");
    let proof = match Path::new(&proof).metadata() {
        Ok(_) => Some(provenance::read(&proof).map_err(Fail::new)?),
        Err(_) => None,
    };
    // A chart is as old as its archive, to Helm.
    let created = Timestamp::try_from(file.modified()?)?.to_zoned(TimeZone::system());
    let created = match created.offset().is_zero() {
        true => created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        false => created.strftime("%Y-%m-%dT%H:%M:%S%:z"),
    };
    let push =
        Push { metadata: &chart.metadata, archive: &archive, proof: proof.as_deref(), created: &created.to_string() };
    print(depots::registry(call, depots::access(call)).push(remote, &push)?.lines())
}

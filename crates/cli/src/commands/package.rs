//! `package`, as Helm 4.3: `pkg/cmd/package.go`, `pkg/action/package.go`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chart::package::{self, Changes};
use chart::text::io_error;
use chart::{Chart, clean_path};

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::files;
use crate::flags::{Flag, Group, REGISTRY};
use crate::locate;
use crate::output::print;
use crate::settings;
use crate::signing::Signer;
use crate::subcharts::{self, Wanted};

static FLAGS: Group = Group {
    title: "Archive",
    flags: &[
        Flag::text("version", "VERSION", "give the chart this version instead of its own (1.2.3)"),
        Flag::text("app-version", "VERSION", "say that the chart installs this version of its application"),
        Flag::text("destination", "DIR", "the folder to write to; made when it is not there").short('d').or("."),
        Flag::switch("dependency-update", "fetch the subcharts that Chart.yaml names before anything else").short('u'),
    ],
};

static SIGNING: Group = Group {
    title: "Signature",
    flags: &[
        Flag::switch("sign", "write a provenance file too (NAME-VERSION.tgz.prov), signed with a key of one's own"),
        Flag::text("key", "NAME", "the owner of the key, or a part of the name that no other key has"),
        Flag::text(
            "keyring",
            "FILE",
            "the secret keys, as `gpg --export-secret-keys` writes them; else GnuPG's public ring",
        ),
        Flag::text(
            "passphrase-file",
            "FILE",
            "the file with the passphrase; `-` takes it from a pipe; else it is asked for",
        ),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "package",
    usage: "package [CHART_PATH] [...]",
    about: "pack a chart's folder into an archive",
    long: "Packs the folders of charts, each into NAME-VERSION.tgz, which is what repositories hold and `install` takes.\n\
           What .helmignore names is left out; subcharts in charts/ are packed with it.\n\n\
           With $SOURCE_DATE_EPOCH (seconds since 1970) all files get that time, so that the same files make the same\n\
           archive, byte for byte.\n\n\
           With --sign a provenance file says whose chart it is: `verify`, and --verify of `install` and others, check it.\n\
           GnuPG 2 keeps secret keys to itself, so export them: `gpg --export-secret-keys > secring.gpg`.",
    examples: &[
        "whipstaff package ./mychart",
        "whipstaff package ./mychart --version 1.2.4 --app-version 2.0 -d dist",
        "whipstaff package ./mychart --sign --key ann@example.com --keyring secring.gpg --passphrase-file pass.txt",
        "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) whipstaff package ./mychart",
    ],
    arity: Arity::Any,
    takes: &[Takes::Path],
    flags: &[&FLAGS, &SIGNING, &REGISTRY],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    if call.args.is_empty() {
        fail!("need at least one argument, the path to the chart");
    }
    let flags = &call.flags;
    let changes = Changes {
        version: flags.text("version").to_owned(),
        app_version: flags.text("app-version").to_owned(),
        time: subcharts::source_date_epoch()?,
    };
    let default = settings::default_keyring();
    let keyring = if flags.given("keyring") { flags.text("keyring") } else { &default };
    let mut signer =
        Signer { keyring, key: flags.text("key"), passphrase_file: flags.text("passphrase-file"), passphrase: None };
    let sign = flags.on("sign");
    if sign && signer.key.is_empty() {
        fail!("--key is required for signing a package");
    }
    if sign && keyring.is_empty() {
        fail!("--keyring is required for signing a package");
    }
    for path in &call.args {
        Path::new(path).metadata().map_err(|error| Fail::new(format!("stat {path}: {}", io_error(&error))))?;
        let mut chart = load(call, path)?;
        changes.make(&mut chart)?;
        let saved = save(&mut chart, flags.text("destination")).map_err(|fail| fail.after("failed to save: "))?;
        if sign {
            signer.sign(&saved)?;
        }
        print(&format!("Successfully packaged chart and saved it to: {saved}\n"))?;
    }
    Ok(())
}

/// Loads the chart of a folder, with its subcharts fetched when that is wanted.
fn load(call: &Call, path: &str) -> Outcome<Chart> {
    let folder = locate::absolute(path)?;
    if call.flags.on("dependency-update") {
        subcharts::fetch(call, &folder, Wanted { silent: true, ..Wanted::default() })?;
    }
    Ok(chart::load_dir_telling(Path::new(&folder), &mut locate::tell)?)
}

/// Writes the archive of a chart into a folder; gives its path.
fn save(chart: &mut Chart, destination: &str) -> Outcome<String> {
    let name = package::file_name(chart)?;
    let folder = match destination {
        "." => files::working_folder()?,
        other => other.to_owned(),
    };
    let path = clean_path(&if folder.is_empty() { name } else { format!("{folder}/{name}") });
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
    match Path::new(folder).metadata() {
        Ok(kind) if !kind.is_dir() => fail!("is not a directory: {folder}"),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            fail!("stat {folder}: stat {folder}: {}", io_error(&error));
        }
        Err(_) => files::make_folder(Path::new(folder))?,
        Ok(_) => {}
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let archive = package::archive(chart, i64::try_from(now)?)?;
    files::write(&path, &archive)?;
    Ok(path)
}

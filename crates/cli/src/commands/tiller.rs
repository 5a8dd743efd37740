//! `whipstaff tiller`: a server that old Helm clients take for Tiller.

use std::path::PathBuf;

use engine::Settings;
use tiller::DEFAULT_NAMESPACE;

use crate::command::{Call, Command, PLAIN};
use crate::connect;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind};
use crate::tillers::Wanted;

static SERVING: Group = Group {
    title: "Serving",
    flags: &[
        Flag::text("listen", "ADDR", "the address to listen on; loopback only, unless clients show certificates")
            .or("127.0.0.1:44134"),
        Flag::text("tls-cert", "FILE", "the certificate to be known by"),
        Flag::text("tls-key", "FILE", "the key of that certificate"),
        Flag::text("tls-ca-cert", "FILE", "take only clients whose certificates are from these authorities"),
        Flag::switch("insecure", "listen beyond this machine without asking for certificates, as Tiller does"),
    ],
};

static RECORDS: Group = Group {
    title: "Records",
    flags: &[
        Flag::text(
            "tiller-namespace",
            "NAMESPACE",
            "the namespace of the records ($TILLER_NAMESPACE, else kube-system)",
        ),
        Flag::text("storage", "KIND", "what they are kept in: configmap or secret").or("configmap"),
        Flag::of(
            Kind::Uint,
            "history-max",
            "N",
            "how many revisions of a release are kept; 0 keeps all ($TILLER_HISTORY_MAX)",
        ),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "tiller",
    usage: "tiller",
    about: "be a Tiller for clients of Helm 2",
    long: "Serves Helm 2's own protocol, so that an old `helm` takes this for Tiller: install, upgrade, rollback, test and all the rest\n\
           work, on today's Kubernetes too. The records are Tiller's: what a real Tiller has written is gone on with, and the other\n\
           way round.\n\n\
           Helm 2 knows no users: whoever reaches the address acts with the rights of this server.",
    examples: &[
        "whipstaff tiller",
        "HELM_HOST=127.0.0.1:44134 helm2 list",
        "whipstaff tiller --listen 0.0.0.0:44134 --tls-cert tls.crt --tls-key tls.key --tls-ca-cert clients.crt",
    ],
    flags: &[&SERVING, &RECORDS],
    run: Some(run),
    ..PLAIN
};

/// What a flag says, or else a variable, or else the default.
fn said(call: &Call, flag: &str, variable: &str, default: &str) -> String {
    let variable = || std::env::var(variable).ok().filter(|text| !text.is_empty());
    call.flags.some(flag).map(str::to_owned).or_else(variable).unwrap_or_else(|| default.to_owned())
}

fn run(call: &Call) -> Outcome {
    let wrong = |flag: &str, text: &str, why: &dyn std::fmt::Display| {
        Fail::new(format!("invalid argument {text:?} for \"--{flag}\" flag: {why}"))
    };
    let (listen, storage) = (call.flags.text("listen"), call.flags.text("storage"));
    let history_max = said(call, "history-max", "TILLER_HISTORY_MAX", "0");
    let path = |flag: &str| call.flags.some(flag).map(PathBuf::from);
    let wanted = Wanted {
        listen: listen.parse().map_err(|error| wrong("listen", listen, &format!("{error}, as in 127.0.0.1:44134")))?,
        namespace: said(call, "tiller-namespace", "TILLER_NAMESPACE", DEFAULT_NAMESPACE),
        driver: storage.parse().map_err(|error: String| wrong("storage", storage, &error))?,
        history_max: history_max.parse().map_err(|error| wrong("history-max", &history_max, &error))?,
        certificate: match (path("tls-cert"), path("tls-key")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => fail!("--tls-cert and --tls-key go together"),
        },
        clients: path("tls-ca-cert"),
        insecure: call.flags.on("insecure"),
    };
    if let Some(why) = wanted.refused() {
        fail!("{why}");
    }
    let session = connect::open(call)?;
    let cluster = session.engine.cluster().clone();
    let served = wanted.serve(cluster, Settings::guarded(), super::serve::shutdown());
    session.wait(served).map_err(|error| Fail::new(format!("{error:#}")))
}

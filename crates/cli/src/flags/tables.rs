//! The flags that several commands share (as Helm 4.3: `pkg/cli/environment.go`, `pkg/cmd/flags.go`,
//! `pkg/cmd/install.go`); what they do is said in our own words.

use super::{Flag, Group, Kind};

/// Help itself.
pub(crate) static HELP: Group =
    Group { title: "", flags: &[Flag::switch("help", "say what the command does and how it is used").short('h')] };

/// Where releases live and how the cluster is reached.
pub(crate) static CLUSTER: Group = Group {
    title: "Cluster",
    flags: &[
        Flag::text("namespace", "NAME", "the namespace; else $HELM_NAMESPACE, then that of the kubeconfig context")
            .short('n'),
        Flag::text("kubeconfig", "FILE", "the kubeconfig file; else $KUBECONFIG, then ~/.kube/config"),
        Flag::text("kube-context", "NAME", "the context of the kubeconfig file ($HELM_KUBECONTEXT)"),
        Flag::text("kube-apiserver", "URL", "the address of the API server ($HELM_KUBEAPISERVER)"),
        Flag::text("kube-token", "TOKEN", "the bearer token to send ($HELM_KUBETOKEN)"),
        Flag::text("kube-as-user", "NAME", "the user to act as ($HELM_KUBEASUSER)"),
        Flag::of(Kind::Array, "kube-as-group", "NAME", "a group to act as; may be repeated ($HELM_KUBEASGROUPS)"),
        Flag::text("kube-ca-file", "FILE", "the authority that signed the server's certificate ($HELM_KUBECAFILE)"),
        Flag::text("kube-tls-server-name", "NAME", "the name in the server's certificate, when it is not its host's"),
        Flag::switch(
            "kube-insecure-skip-tls-verify",
            "do not check the server's certificate, which lets anyone listen",
        ),
        Flag::of(Kind::Int, "burst-limit", "N", "how many requests may go out at once before they are slowed down")
            .or("100"),
        Flag::of(Kind::Float, "qps", "N", "requests a second after the first burst").or("0"),
    ],
};

/// The server that does the work, instead of this process.
pub(crate) static SERVER: Group = Group {
    title: "Server",
    flags: &[
        Flag::text("server", "URL", "have this `whipstaff serve` do it, instead of this process ($WHIPSTAFF_SERVER)"),
        Flag::text(
            "server-token-file",
            "FILE",
            "the file that holds the token to send; else $WHIPSTAFF_TOKEN is the token",
        ),
        Flag::text(
            "server-ca-file",
            "FILE",
            "the authority that signed the server's certificate ($WHIPSTAFF_SERVER_CA_FILE); else those of this machine",
        ),
        Flag::text(
            "server-cluster",
            "NAME",
            "the server's name of the cluster ($WHIPSTAFF_SERVER_CLUSTER); else default",
        ),
    ],
};

/// What holds everywhere.
pub(crate) static GLOBAL: Group = Group {
    title: "General",
    flags: &[
        Flag::switch("debug", "tell on standard error what is being done"),
        Flag::text("registry-config", "FILE", "where the logins of registries are kept"),
        Flag::text("repository-config", "FILE", "where the names and addresses of chart repositories are kept"),
        Flag::text("repository-cache", "DIR", "where the indexes of repositories are cached"),
        Flag::text("content-cache", "DIR", "where downloaded charts are cached"),
        Flag::text("color", "WHEN", "colours in what is printed: never, auto or always").or("auto"),
        Flag::text("colour", "WHEN", "the same").or("auto").hidden(),
        // The flags of Kubernetes' logging library, which scripts may pass; they change nothing here.
        Flag::switch("add-dir-header", "").hidden(),
        Flag::switch("alsologtostderr", "").hidden(),
        Flag::text("alsologtostderrthreshold", "", "").hidden(),
        Flag::switch("legacy-stderr-threshold-behavior", "").hidden(),
        Flag::text("log-backtrace-at", "", "").hidden(),
        Flag::text("log-dir", "", "").hidden(),
        Flag::text("log-file", "", "").hidden(),
        Flag::of(Kind::Uint, "log-file-max-size", "", "").hidden(),
        Flag::switch("logtostderr", "").hidden(),
        Flag::switch("one-output", "").hidden(),
        Flag::switch("skip-headers", "").hidden(),
        Flag::switch("skip-log-headers", "").hidden(),
        Flag::text("stderrthreshold", "", "").hidden(),
        Flag::of(Kind::Int, "v", "", "").short('v').hidden(),
        Flag::text("vmodule", "", "").hidden(),
    ],
};

/// In which format to print.
pub(crate) static OUTPUT: Group = Group {
    title: "",
    flags: &[Flag::of(Kind::Format, "output", "FORMAT", "how to print: table, json or yaml").short('o').or("table")],
};

/// Which revision.
pub(crate) static REVISION: Group = Group {
    title: "",
    flags: &[Flag::of(Kind::Int, "revision", "N", "look at this revision instead of the last").or("0")],
};

/// Where values come from.
pub(crate) static VALUES: Group = Group {
    title: "Values (later ones win, kind by kind in this order)",
    flags: &[
        Flag::of(Kind::Slice, "values", "FILE", "values from a YAML file; `-` reads standard input; may be repeated")
            .short('f'),
        Flag::of(Kind::Array, "set-json", "KEY=JSON", "a JSON value, or one whole JSON object"),
        Flag::of(Kind::Array, "set", "KEY=VALUE", "values, separated by commas: a.b=1,list[0]=x,map={y,z}"),
        Flag::of(Kind::Array, "set-string", "KEY=VALUE", "the same, but every value is a text"),
        Flag::of(Kind::Array, "set-file", "KEY=FILE", "the same, but every value is the content of a file"),
        Flag::of(Kind::Array, "set-literal", "KEY=TEXT", "one value: everything after the first `=`, as it is"),
    ],
};

/// How a registry is spoken to.
pub(crate) static REGISTRY: Group = Group {
    title: "Registry, with oci://",
    flags: &[
        Flag::text("username", "NAME", "the user at the registry"),
        Flag::text("password", "TEXT", "the password at the registry"),
        Flag::text("cert-file", "FILE", "our certificate for the registry"),
        Flag::text("key-file", "FILE", "the key of that certificate"),
        Flag::text("ca-file", "FILE", "the authority that signed the registry's certificate"),
        Flag::switch("insecure-skip-tls-verify", "do not check the registry's certificate"),
        Flag::switch("plain-http", "speak HTTP without TLS"),
    ],
};

/// Which chart, and where it comes from.
pub(crate) static CHART: Group = Group {
    title: "Chart",
    flags: &[
        Flag::text("version", "RANGE", "which version of a chart from a repository (1.2.3, ^2.0.0); else the newest"),
        Flag::switch("verify", "check the chart's provenance file before anything else"),
        Flag::text("keyring", "FILE", "the public keys to verify with; else GnuPG's own"),
        Flag::text("repo", "URL", "the chart repository to look in"),
        Flag::text("username", "NAME", "the user at the repository"),
        Flag::text("password", "TEXT", "the password at the repository"),
        Flag::text("cert-file", "FILE", "our certificate for the repository"),
        Flag::text("key-file", "FILE", "the key of that certificate"),
        Flag::text("ca-file", "FILE", "the authority that signed the repository's certificate"),
        Flag::switch("insecure-skip-tls-verify", "do not check the repository's certificate"),
        Flag::switch("plain-http", "speak HTTP without TLS"),
        Flag::switch("pass-credentials", "send user and password to every host that a repository leads to"),
    ],
};

/// What commands that put a chart in place share.
pub(crate) static RELEASE: Group = Group {
    title: "Release",
    flags: &[
        Flag::text("description", "TEXT", "a description of this revision"),
        Flag::of(Kind::Pairs, "labels", "KEY=VALUE", "labels of the release's record, separated by commas").short('l'),
        Flag::switch("devel", "take versions before 1.0 and pre-releases too (--version '>0.0.0-0')"),
        Flag::switch("dependency-update", "fetch subcharts that are missing before anything else"),
        Flag::switch("skip-schema-validation", "do not check the values against the chart's schema"),
        Flag::switch(
            "disable-openapi-validation",
            "do not check objects against what the cluster knows of their kinds",
        ),
        Flag::switch("enable-dns", "let templates look up host names"),
        Flag::switch("skip-crds", "do not install what is in crds/"),
        Flag::switch("create-namespace", "create the namespace when there is none"),
        Flag::switch("take-ownership", "take over objects that exist and belong to no release or to another"),
        Flag::switch("rollback-on-failure", "take everything back when it fails; waits as --wait does"),
        Flag::switch("atomic", "").deprecated("use --rollback-on-failure instead"),
    ],
};

/// What `install` and `template` have besides.
pub(crate) static INSTALL: Group = Group {
    title: "Name",
    flags: &[
        Flag::switch("generate-name", "make a name from the chart's; NAME is left out").short('g'),
        Flag::text("name-template", "TEMPLATE", "make the name with a template; NAME is left out"),
        Flag::switch("replace", "take over the name of a release that was deleted and kept in the history"),
        Flag::switch("server-side", "let the server merge what is applied").or("true"),
    ],
};

/// What `upgrade` and `rollback` have besides.
pub(crate) static FURTHER: Group = Group {
    title: "Revision",
    flags: &[
        Flag::text("server-side", "HOW", "let the server merge what is applied: true, false, or auto, as before")
            .or("auto"),
        Flag::switch("cleanup-on-fail", "delete what this change has created when it fails"),
        Flag::of(Kind::Int, "history-max", "N", "keep so many revisions; 0 keeps all ($HELM_MAX_HISTORY)").or("10"),
    ],
};

/// How objects are sent.
pub(crate) static SENDING: Group = Group {
    title: "Objects",
    flags: &[
        Flag::switch("no-hooks", "leave hooks out"),
        Flag::switch("force-conflicts", "win over other owners of fields when the server merges"),
        Flag::switch("force-replace", "replace objects instead of updating them"),
        Flag::switch("force", "").deprecated("use --force-replace instead"),
        Flag::switch("wait-for-jobs", "with --wait, wait until Jobs are complete too"),
    ],
};

/// What is waited for, and how long.
pub(crate) static WAIT: Group = Group {
    title: "Waiting",
    flags: &[
        Flag::of(Kind::Wait, "wait", "HOW", "wait until all is ready: watcher (when alone), hookOnly or legacy")
            .or("hookOnly")
            .alone("watcher"),
        Flag::of(Kind::Duration, "timeout", "TIME", "how long to wait for any one thing").or("5m0s"),
    ],
};

/// What only changes that are looked at have.
pub(crate) static PREVIEW: Group = Group {
    title: "Trying it out",
    flags: &[
        Flag::text("dry-run", "HOW", "change nothing: client asks no cluster where none is needed, server does")
            .or("none")
            .alone("unset"),
        Flag::switch("hide-secret", "with --dry-run, do not show the content of Secrets"),
        Flag::switch("hide-notes", "do not show the notes"),
        Flag::switch("render-subchart-notes", "show the notes of subcharts too"),
    ],
};

/// What changes manifests on their way.
pub(crate) static POST_RENDERER: Group = Group {
    title: "Post-renderer",
    flags: &[
        Flag::of(
            Kind::PostRenderer,
            "post-renderer",
            "PLUGIN",
            "a plugin that changes the manifests (none can be had yet)",
        ),
        Flag::of(Kind::Array, "post-renderer-args", "TEXT", "an argument of that plugin; may be repeated"),
    ],
};

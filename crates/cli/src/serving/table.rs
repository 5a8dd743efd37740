//! The one table of the settings of `serve`. A file, the environment, flags, help and `--print-config` are made from it.
//!
//! Rows with the same beginning of their path stand together, as they do in a file.

use super::Section;
use crate::flags::{Flag, Group, Kind};

/// What says where settings are, and is none itself.
static FILE: Group = Group {
    title: "Configuration",
    flags: &[
        Flag::text(
            "config",
            "FILE",
            "read settings from this YAML file ($WHIPSTAFF_CONFIG); variables and flags win over it",
        ),
        Flag::switch(
            "print-config",
            "print the settings as they come out of defaults, file, variables and flags, as such a file, and end",
        ),
        Flag::text("context", "NAME", "").hidden(),
    ],
};

macro_rules! table {
    ($($group:ident $title:literal { $($path:literal $flag:expr;)* })*) => {
        $(static $group: Group = Group { title: $title, flags: &[$($flag),*] };)*

        /// All settings, in the order of a file.
        pub(crate) static SECTIONS: &[Section] = &[$(Section { group: &$group, paths: &[$($path),*] }),*];

        /// The flags of `serve`.
        pub(crate) static FLAGS: &[&Group] = &[&FILE, $(&$group),*];
    };
}

// Each row: the place in a file; the flag with its name (which gives the variable's too), value, documentation and default.
table! {
    SERVING "Serving" {
        "listen" Flag::text("listen", "ADDR", "the address to listen on; loopback only, unless --auth says who may ask")
            .or("127.0.0.1:8080");
        "namespace" Flag::text(
            "namespace",
            "NAME",
            "the server's own namespace, with its API keys; else $POD_NAMESPACE, the service account's, the context's",
        )
        .short('n');
        "instance" Flag::text(
            "instance",
            "NAME",
            "a name that no other server has at the same time, such as that of a StatefulSet's pod: after a restart, changes that \
             the server was killed in are taken up at once",
        );
        "unlockAfter" Flag::text(
            "unlock-after",
            "TIME",
            "take a pending revision of Helm for dead when it is this old (24h); never by default, as Helm leaves no sign of life",
        );
        "repositoryDir" Flag::text(
            "repository-dir",
            "DIR",
            "serve the packed charts in this folder as a chart repository at /repository, to which charts can be uploaded",
        );
        "retention" Flag::of(Kind::Duration, "retention", "TIME", "how long finished operations and uploaded charts are kept")
            .or("24h");
        "grace" Flag::of(
            Kind::Duration,
            "grace",
            "TIME",
            "how long what runs may go on after the server was told to end; then it is handed over to other replicas",
        )
        .or("30s");
    }
    CLUSTER "Cluster" {
        "kubeconfig" Flag::text(
            "kubeconfig",
            "FILE",
            "the kubeconfig file; else $KUBECONFIG, ~/.kube/config, the pod's service account",
        );
        "kubeContext" Flag::text("kube-context", "NAME", "the context of the kubeconfig file");
        "sandbox" Flag::switch(
            "sandbox",
            "serve an in-process Kubernetes API instead of a cluster; it forgets everything at the end",
        );
        "sandboxListen" Flag::text(
            "sandbox-listen",
            "ADDR",
            "serve the sandbox's Kubernetes API too, for kubectl and helm (127.0.0.1:8081)",
        );
    }
    CLUSTERS "Further clusters" {
        "clusters" Flag::of(
            Kind::Slice,
            "cluster",
            "NAME[=CONTEXT]",
            "serve this context of the kubeconfig as a further cluster of this name, which is the context's when left out",
        );
        "tillers" Flag::of(
            Kind::Slice,
            "tiller",
            "NAME=HOST:PORT",
            "serve the releases of a Helm 2 Tiller as a cluster of this name",
        );
        "tillerCaFile" Flag::text("tiller-ca-file", "FILE", "the authorities that these Tillers' certificates may be from");
        "tillerClientCertFile" Flag::text("tiller-client-cert-file", "FILE", "the certificate that is shown to them");
        "tillerClientKeyFile" Flag::text("tiller-client-key-file", "FILE", "the key of that certificate");
        "allowClusterHosts" Flag::of(
            Kind::Slice,
            "allow-cluster-hosts",
            "HOST",
            "where clusters may be that are added over the API: k8s.example.com, *.example.com, 10.0.0.0/8; else anywhere with https \
             but on this machine and its link",
        );
    }
    REPOSITORIES "Repositories" {
        "allowRepositoryHosts" Flag::of(
            Kind::Slice,
            "allow-repository-hosts",
            "HOST",
            "where repositories and registries may be, and all that they lead to: charts.example.com, *.example.com, 10.0.0.0/8, \
             public; else `public`, which is anywhere but in networks of one's own",
        );
        "allowRegistries" Flag::of(
            Kind::Slice,
            "allow-registries",
            "PLACE",
            "the places in registries, such as ghcr.io/example, whose charts everybody may have installed as `oci://…` without a \
             repository; the server says there to nobody who it is",
        );
        "refreshInterval" Flag::of(
            Kind::Duration,
            "refresh-interval",
            "TIME",
            "how old what is known of a repository may be when it is used",
        )
        .or("5m");
        "cacheDir" Flag::text(
            "cache-dir",
            "FOLDER",
            "where indexes and charts are kept that were fetched; else in a temporary folder, which goes with the server",
        );
        "cacheSize" Flag::of(Kind::Size, "cache-size", "BYTES", "how much that may be; what was used longest ago goes first")
            .or("1Gi");
    }
    TILLER "A Tiller for clients of Helm 2" {
        "tiller.listen" Flag::text(
            "tiller-listen",
            "ADDR",
            "be a Tiller at this address, such as 127.0.0.1:44134, for old clients; loopback only, unless they show certificates",
        );
        "tiller.namespace" Flag::text("tiller-namespace", "NAMESPACE", "the namespace of its records").or("kube-system");
        "tiller.storage" Flag::text("tiller-storage", "KIND", "what they are kept in: configmap or secret").or("configmap");
        "tiller.historyMax" Flag::of(
            Kind::Uint,
            "tiller-history-max",
            "N",
            "how many revisions of a release it keeps; 0 keeps all",
        )
        .or("0");
        "tiller.certFile" Flag::text("tiller-cert-file", "FILE", "the certificate that it is known by");
        "tiller.keyFile" Flag::text("tiller-key-file", "FILE", "the key of that certificate");
        "tiller.clientCaFile" Flag::text(
            "tiller-client-ca-file",
            "FILE",
            "take only old clients whose certificates are from these authorities",
        );
        "tiller.insecure" Flag::switch(
            "tiller-insecure",
            "listen for old clients beyond this machine without asking for certificates: who reaches it has the server's rights",
        );
    }
    WHO "Who may ask" {
        "auth.kinds" Flag::of(
            Kind::Slice,
            "auth",
            "KIND",
            "the tokens that are taken: tokenreview (those of the cluster), apikey (`whipstaff key`), oidc; separated by commas",
        );
        "auth.tokenAudiences" Flag::of(
            Kind::Slice,
            "token-audience",
            "NAME",
            "take tokens of the cluster that are meant for this audience; else those that are meant for the cluster itself",
        );
        "auth.oidc.issuer" Flag::text("oidc-issuer", "URL", "the issuer whose tokens are taken; https, or of this machine");
        "auth.oidc.audience" Flag::text("oidc-audience", "NAME", "whom the issuer's tokens have to be meant for");
        "auth.oidc.usernameClaim" Flag::text("oidc-username-claim", "NAME", "the claim that names the user").or("sub");
        "auth.oidc.usernamePrefix" Flag::text(
            "oidc-username-prefix",
            "TEXT",
            "what stands before the user's name, `-` for nothing; else the issuer and `#`, unless the claim is `email`",
        );
        "auth.oidc.groupsClaim" Flag::text("oidc-groups-claim", "NAME", "the claim with the user's groups");
        "auth.oidc.groupsPrefix" Flag::text("oidc-groups-prefix", "TEXT", "what stands before each group");
        "auth.oidc.caFile" Flag::text(
            "oidc-ca-file",
            "FILE",
            "the authorities that the issuer's certificate may be from; else the system's",
        );
        "tls.certFile" Flag::text("tls-cert-file", "FILE", "the certificate to be known by; read again when it changes");
        "tls.keyFile" Flag::text("tls-key-file", "FILE", "the key of that certificate");
        "tls.look" Flag::of(Kind::Duration, "tls-look", "TIME", "how often these files are looked at").or("10s");
        "insecureHttp" Flag::switch(
            "insecure-http",
            "listen beyond this machine without TLS, where tokens can be read by whoever is in between",
        );
        "trustedProxies" Flag::of(
            Kind::Slice,
            "trusted-proxies",
            "NETWORK",
            "the proxies, such as 10.0.0.0/8, whose X-Forwarded-For is believed in the audit log",
        );
        "requirePreconditions" Flag::switch(
            "require-preconditions",
            "refuse changes of releases that do not say which state they are meant for (If-Match, If-None-Match)",
        );
        "openMetrics" Flag::switch("open-metrics", "show /metrics without a token");
    }
    LIMITS "Limits; a caller is a user, or an address where nobody is asked who they are" {
        "limits.chartSize" Flag::of(Kind::Size, "limit-chart-size", "BYTES", "the largest chart archive").or("32Mi");
        "limits.bodySize" Flag::of(Kind::Size, "limit-body-size", "BYTES", "the largest other body").or("16Mi");
        "limits.indexSize" Flag::of(Kind::Size, "limit-index-size", "BYTES", "the largest index of a repository").or("128Mi");
        "limits.chartsMemory" Flag::of(
            Kind::Size,
            "limit-charts-memory",
            "BYTES",
            "the memory that uploaded charts may take, unpacked; those used last stay",
        )
        .or("512Mi");
        "limits.operations" Flag::of(Kind::Uint, "limit-operations", "N", "how many finished operations are kept").or("10000");
        "limits.headerTime" Flag::of(Kind::Duration, "limit-header-time", "TIME", "how long a client may take to send its headers")
            .or("10s");
        "limits.bodyTime" Flag::of(Kind::Duration, "limit-body-time", "TIME", "how long a client may take to send its body")
            .or("1m");
        "limits.readTime" Flag::of(Kind::Duration, "limit-read-time", "TIME", "how long a read may take until its answer begins")
            .or("1m");
        "limits.planTime" Flag::of(
            Kind::Duration,
            "limit-plan-time",
            "TIME",
            "how long a request waits for the plan of its change before it answers 202",
        )
        .or("15s");
        "limits.waitTime" Flag::of(Kind::Duration, "limit-wait-time", "TIME", "the longest `Prefer: wait`").or("10m");
        "limits.streamTime" Flag::of(
            Kind::Duration,
            "limit-stream-time",
            "TIME",
            "how long an event stream of a list lasts before its client has to come back",
        )
        .or("1h");
        "limits.connections" Flag::of(Kind::Uint, "limit-connections", "N", "how many connections there may be").or("4096");
        "limits.requests" Flag::of(Kind::Uint, "limit-requests", "N", "how many requests are served at a time").or("1024");
        "limits.streams" Flag::of(Kind::Uint, "limit-streams", "N", "how many event streams may be open").or("3000");
        "limits.callerRate" Flag::of(
            Kind::Uint,
            "limit-caller-rate",
            "N",
            "how many requests a second one caller may make, in the long run",
        )
        .or("500");
        "limits.callerBurst" Flag::of(
            Kind::Uint,
            "limit-caller-burst",
            "N",
            "how many requests one caller may make at once beyond that rate",
        )
        .or("1000");
        "limits.callerRequests" Flag::of(
            Kind::Uint,
            "limit-caller-requests",
            "N",
            "how many requests of one caller are served at a time",
        )
        .or("256");
        "limits.callerStreams" Flag::of(
            Kind::Uint,
            "limit-caller-streams",
            "N",
            "how many event streams one caller may have open",
        )
        .or("2000");
    }
    TELLING "Logs and traces" {
        "log.filter" Flag::text(
            "log",
            "FILTER",
            "what is logged to standard error: a level, or levels of parts, as in `info,kube=warn,server=debug`",
        )
        .or("info,kube=warn");
        "log.format" Flag::text("log-format", "FORMAT", "how: text for people, or json, one object a line").or("text");
        "otlp.endpoint" Flag::text(
            "otlp-endpoint",
            "URL",
            "send traces of requests and operations there by OTLP over HTTP, as in http://127.0.0.1:4318; none by default",
        );
    }
}

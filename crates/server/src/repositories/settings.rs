//! Where a repository is and who the server is there: what a caller may say of it, and what of that is kept.

use std::fmt;

use api::{InputError, RepositoryBody, RepositoryKind, RepositoryTls};
use depot::{Access, Origin, Pem};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::hosts::Hosts;

/// The scheme of registries.
const OCI: &str = "oci";
/// The longest URL, user and password.
const LONGEST_URL: usize = 2_048;
const LONGEST_USER: usize = 1_024;
const LONGEST_PASSWORD: usize = 32 << 10;
/// The longest text of certificates or of a key.
const LONGEST_PEM: usize = 256 << 10;
/// The most charts that are named, and the longest name.
const MOST_CHARTS: usize = 1_000;
const LONGEST_CHART: usize = 255;

/// The settings of a repository.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) pass_credentials: bool,
    pub(crate) ca: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) insecure: bool,
    pub(crate) plain_http: bool,
    pub(crate) charts: Vec<String>,
}

/// What it holds is nobody's business.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("url", &depot::public(&self.url)).finish_non_exhaustive()
    }
}

impl Settings {
    /// Takes what a body says; what it leaves out of what is secret is taken from what is there, if that is for the same place.
    pub(crate) fn of(body: &RepositoryBody, there: Option<&Self>) -> Self {
        let nothing = RepositoryTls::default();
        let tls = body.tls.as_ref().unwrap_or(&nothing);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut made = Self {
            url: body.url.trim().to_owned(),
            username: text(&body.username),
            password: text(&body.password),
            pass_credentials: body.pass_credentials.unwrap_or(false),
            ca: text(&tls.ca),
            certificate: text(&tls.certificate),
            key: text(&tls.key),
            insecure: tls.insecure_skip_verify.unwrap_or(false),
            plain_http: body.plain_http.unwrap_or(false),
            charts: body.charts.clone(),
        };
        let Some(there) = there.filter(|there| made.tells_no_others(there)) else { return made };
        if body.password.is_none() && !made.username.is_empty() && made.username == there.username {
            made.password.clone_from(&there.password);
        }
        if tls.key.is_none() && !made.certificate.is_empty() && made.certificate == there.certificate {
            made.key.clone_from(&there.key);
        }
        made
    }

    /// Tells whether what is secret would be told to nobody who is not told it now: the place is the same, and it proves itself as it did.
    fn tells_no_others(&self, there: &Self) -> bool {
        self.origin().is_some_and(|origin| there.origin() == Some(origin))
            && (there.plain_http || !self.plain_http)
            && (there.insecure || !self.insecure)
            && (there.pass_credentials || !self.pass_credentials)
            && self.ca == there.ca
    }

    fn origin(&self) -> Option<Origin> {
        depot::origin(&self.url).ok().map(|(origin, _)| origin)
    }

    pub(crate) fn kind(&self) -> RepositoryKind {
        match self.url.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case(OCI) => RepositoryKind::Oci,
            _ => RepositoryKind::Http,
        }
    }

    /// The same as the client has it.
    pub(crate) fn access(&self) -> Access {
        let pem = |text: &str| if text.is_empty() { Pem::None } else { Pem::Text(text.to_owned()) };
        Access {
            url: self.url.clone(),
            username: self.username.clone(),
            password: self.password.clone(),
            certificate: pem(&self.certificate),
            key: pem(&self.key),
            authorities: pem(&self.ca),
            insecure: self.insecure,
            pass_everywhere: self.pass_credentials,
        }
    }

    /// All that is wrong with it.
    pub(crate) fn faults(&self, hosts: &Hosts) -> Vec<InputError> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, text: String| faults.push(InputError::body(pointer, text));
        if let Err(text) = self.check_url(hosts) {
            fault("/url", text);
        }
        let is_plain = |text: &str| !text.contains(|c: char| c.is_control());
        if self.username.len() > LONGEST_USER || self.username.contains(':') || !is_plain(&self.username) {
            fault("/username", format!("expected at most {LONGEST_USER} bytes, without `:` and control characters"));
        }
        if self.password.len() > LONGEST_PASSWORD || !is_plain(&self.password) {
            fault("/password", format!("expected at most {LONGEST_PASSWORD} bytes, without control characters"));
        }
        match (self.username.is_empty(), self.password.is_empty()) {
            (true, false) => fault("/username", "the password is whose? give the user too".to_owned()),
            (false, true) => fault(
                "/password",
                "give the password; what was kept stays only for the same user at the same scheme, host and port, reached as securely"
                    .to_owned(),
            ),
            _ => {}
        }
        for (pointer, text) in self.wrong_tls() {
            fault(pointer, text);
        }
        let is_oci = self.kind() == RepositoryKind::Oci;
        if self.plain_http && !is_oci {
            fault("/plainHttp", "only for registries (`oci://…`); write `http://…`".to_owned());
        }
        if self.plain_http && (self.insecure || !self.ca.is_empty() || !self.certificate.is_empty()) {
            fault("/plainHttp", "leave it out or `tls`: there is either TLS or none".to_owned());
        }
        if self.pass_credentials && is_oci {
            fault("/passCredentials", "not for registries, whose credentials go to their own host only".to_owned());
        }
        if !self.charts.is_empty() && !is_oci {
            fault("/charts", "only for registries (`oci://…`): an HTTP repository has an index".to_owned());
        } else if self.charts.len() > MOST_CHARTS {
            fault("/charts", format!("expected at most {MOST_CHARTS} names"));
        } else {
            for (number, name) in self.charts.iter().enumerate() {
                if name.len() > LONGEST_CHART || self.reference(name).is_none() {
                    let text = "expected the path of a chart below the URL: lower-case letters and digits, with `.`, `_`, `-` and `/` in between";
                    fault(&format!("/charts/{number}"), text.to_owned());
                }
            }
        }
        faults
    }

    /// The place of a chart in a registry.
    pub(crate) fn reference(&self, chart: &str) -> Option<depot::oci::Reference> {
        let below = self.below()?;
        let place = depot::oci::Reference::parse(&format!("{below}/{chart}")).ok()?;
        let is_place = place.tag.is_empty() && place.digest.is_empty();
        is_place.then_some(place)
    }

    /// Host and path that charts in a registry are below.
    pub(crate) fn below(&self) -> Option<&str> {
        let (scheme, rest) = self.url.split_once("://")?;
        scheme.eq_ignore_ascii_case(OCI).then(|| rest.trim_end_matches('/'))
    }

    fn check_url(&self, hosts: &Hosts) -> Result<(), String> {
        const KINDS: &str = "expected `https://…`, `http://…` or `oci://…`";
        if self.url.len() > LONGEST_URL {
            return Err(format!("expected at most {LONGEST_URL} bytes"));
        }
        let (origin, has_user) = depot::origin(&self.url).map_err(|_| KINDS.to_owned())?;
        if !matches!(origin.scheme.as_str(), "http" | "https" | OCI) {
            return Err(KINDS.to_owned());
        }
        if has_user || self.url.contains('@') {
            return Err("a URL has no user here; say `username` and `password`".to_owned());
        }
        if self.url.contains(['?', '#']) {
            return Err("expected a URL without `?` and `#`, which could hold a secret that is shown".to_owned());
        }
        if origin.scheme == OCI && self.reference("x").is_none() {
            return Err("expected `oci://host/path` without a tag or a digest".to_owned());
        }
        if !hosts.allows(&origin.host) {
            return Err(format!(
                "`{}` is not where repositories may be; who runs the server says where with `--allow-repository-hosts`",
                origin.host
            ));
        }
        Ok(())
    }

    fn wrong_tls(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        for (place, text) in [("/tls/ca", &self.ca), ("/tls/certificate", &self.certificate), ("/tls/key", &self.key)] {
            if text.len() > LONGEST_PEM {
                wrong.push((place, format!("expected at most {LONGEST_PEM} bytes")));
            }
        }
        if !wrong.is_empty() {
            return wrong;
        }
        for (place, text) in [("/tls/ca", &self.ca), ("/tls/certificate", &self.certificate)] {
            if !text.is_empty() && certificates(text).is_none() {
                wrong.push((place, "expected certificates as PEM (`-----BEGIN CERTIFICATE-----`)".to_owned()));
            }
        }
        match (self.certificate.is_empty(), self.key.is_empty()) {
            (true, false) => wrong.push(("/tls/certificate", "give the certificate of the key too".to_owned())),
            (false, true) => wrong.push(("/tls/key", "give the key of the certificate".to_owned())),
            (false, false) => wrong.extend(wrong_pair(&self.certificate, &self.key).map(|text| ("/tls/key", text))),
            (true, true) => {}
        }
        wrong
    }
}

fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    all.ok().filter(|all| !all.is_empty())
}

/// What is wrong with a key for a certificate; what is wrong with the certificate was said.
fn wrong_pair(certificate: &str, key: &str) -> Option<String> {
    let chain = certificates(certificate)?;
    let Ok(key) = PrivateKeyDer::from_pem_slice(key.as_bytes()) else {
        return Some("expected a private key as PEM (`-----BEGIN PRIVATE KEY-----`), not encrypted".to_owned());
    };
    match rustls::crypto::ring::sign::any_supported_type(&key) {
        Err(_) => Some("a key of this kind cannot be used".to_owned()),
        Ok(key) => match rustls::sign::CertifiedKey::new(chain, key).keys_match() {
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                Some("not the key of the certificate".to_owned())
            }
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(url: &str) -> RepositoryBody {
        RepositoryBody { url: url.to_owned(), ..RepositoryBody::default() }
    }

    fn pointers(body: &RepositoryBody) -> Vec<String> {
        let faults = Settings::of(body, None).faults(&Hosts::public());
        faults.into_iter().filter_map(|fault| fault.pointer).collect()
    }

    #[test]
    fn urls_are_plain_places() {
        for good in [
            "https://charts.example.com",
            "http://h.example.com:8080/a/b/",
            "oci://r.example.com",
            "oci://r.example.com/a/b",
        ] {
            assert_eq!(pointers(&body(good)), [""; 0], "{good}");
        }
        for bad in [
            "",
            "charts.example.com",
            "file:///etc",
            "ftp://h.example.com",
            "https://u@h.example.com",
            "https://u:p@h.example.com",
            "https://h.example.com/?token=1",
            "https://h.example.com/#a",
            "https://",
            "oci://r.example.com/a:1.0.0",
            "oci://r.example.com/A",
            "http://127.0.0.1/",
            "http://localhost/",
            "http://169.254.169.254/",
            "oci://10.0.0.1/a",
            "https://h.example.com/\n",
            "https://[fe80::1]/",
        ] {
            // What stands around it is taken away, so that it cannot be told from a URL.
            let wanted: &[&str] = if bad.ends_with('\n') { &[] } else { &["/url"] };
            assert_eq!(pointers(&body(bad)), wanted, "{bad}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_said() {
        let http = || body("https://h.example.com");
        let oci = || body("oci://h.example.com/a");
        let tls = |tls: RepositoryTls| Some(tls);
        let some = |text: &str| Some(text.to_owned());
        let cases: Vec<(RepositoryBody, &[&str])> = vec![
            (RepositoryBody { password: some("x"), ..http() }, &["/username"]),
            (RepositoryBody { username: some("x"), ..http() }, &["/password"]),
            (RepositoryBody { username: some("a:b"), password: some("x"), ..http() }, &["/username"]),
            (RepositoryBody { username: some("a"), password: some("x\n"), ..http() }, &["/password"]),
            (RepositoryBody { plain_http: Some(true), ..http() }, &["/plainHttp"]),
            (RepositoryBody { plain_http: Some(true), ..oci() }, &[]),
            (
                RepositoryBody {
                    plain_http: Some(true),
                    tls: tls(RepositoryTls { insecure_skip_verify: Some(true), ..RepositoryTls::default() }),
                    ..oci()
                },
                &["/plainHttp"],
            ),
            (RepositoryBody { pass_credentials: Some(true), ..oci() }, &["/passCredentials"]),
            (RepositoryBody { charts: vec!["a".into()], ..http() }, &["/charts"]),
            (
                RepositoryBody { charts: vec!["a".into(), "B".into(), "a:1".into(), "a/b".into()], ..oci() },
                &["/charts/1", "/charts/2"],
            ),
            (
                RepositoryBody { tls: tls(RepositoryTls { ca: some("x"), ..RepositoryTls::default() }), ..http() },
                &["/tls/ca"],
            ),
            (
                RepositoryBody { tls: tls(RepositoryTls { key: some("x"), ..RepositoryTls::default() }), ..http() },
                &["/tls/certificate"],
            ),
        ];
        for (body, wanted) in cases {
            assert_eq!(pointers(&body), wanted, "{body:?}");
        }
    }

    #[test]
    fn a_password_stays_only_where_it_is() {
        let there = Settings {
            url: "https://h.example.com/a".into(),
            username: "u".into(),
            password: "secret".into(),
            ..Settings::default()
        };
        let kept = |change: &dyn Fn(&mut RepositoryBody)| {
            let mut body = RepositoryBody { username: Some("u".into()), ..body("https://h.example.com/a") };
            change(&mut body);
            Settings::of(&body, Some(&there)).password
        };
        assert_eq!(kept(&|_| {}), "secret");
        assert_eq!(kept(&|body| body.url = "https://H.example.com:443/b".into()), "secret");
        let insecure = RepositoryTls { insecure_skip_verify: Some(true), ..RepositoryTls::default() };
        let changes: [&dyn Fn(&mut RepositoryBody); 8] = [
            &|body| body.url = "http://h.example.com/a".into(),
            &|body| body.url = "https://h.example.com:444/a".into(),
            &|body| body.url = "https://evil.example.com/a".into(),
            &|body| body.username = Some("v".into()),
            &|body| body.username = None,
            &|body| body.password = Some(String::new()),
            &|body| body.pass_credentials = Some(true),
            &|body| body.tls = Some(insecure.clone()),
        ];
        for (number, change) in changes.iter().enumerate() {
            assert_eq!(kept(change), "", "{number}");
        }
        assert_eq!(kept(&|body| body.password = Some("new".into())), "new");
        assert!(!format!("{there:?}").contains("secret"));
    }
}

//! What the operator decides about who may ask.

use std::fmt;

/// Which tokens are taken; none of them: there is no authentication, and only this machine is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// Whether the cluster is asked whose a token is.
    pub token_review: bool,
    /// Whom a token of the cluster must be meant for; empty: for the cluster itself.
    pub audiences: Vec<String>,
    /// Whether API keys are taken.
    pub api_keys: bool,
    /// The issuer whose tokens are taken.
    pub oidc: Option<Oidc>,
}

impl Auth {
    /// Tells whether anything is taken at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.token_review || self.api_keys || self.oidc.is_some()
    }
}

/// An issuer of OIDC tokens, in the words of kube-apiserver's flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oidc {
    /// Its address, which is also what `iss` has to say.
    pub issuer: String,
    /// What `aud` has to say.
    pub audience: String,
    /// The claim that names the user; `sub` when empty.
    pub username_claim: String,
    /// What stands before the user's name; none with `-`; when empty `ISSUER#`, and none for the claim `email`.
    pub username_prefix: String,
    /// The claim with the groups; no groups when empty.
    pub groups_claim: String,
    /// What stands before each group.
    pub groups_prefix: String,
    /// The authorities that may have signed the issuer's certificate, as PEM; the system's when empty.
    pub ca: Vec<u8>,
}

/// Why the settings cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(pub(crate) String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Oidc {
    /// Fails when tokens of such an issuer could not be trusted.
    ///
    /// # Errors
    ///
    /// When the address is not `https` and not of this machine, or the audience is missing.
    pub fn check(&self) -> Result<(), Unusable> {
        if self.audience.is_empty() {
            return Err(Unusable("OIDC needs an audience, or a token for anyone would do".to_owned()));
        }
        if super::oidc::address(&self.issuer).is_none() || self.issuer.contains(['?', '#']) {
            let text = format!("`{}` is no issuer: an address with `https`, without a query", self.issuer);
            return Err(Unusable(text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_spoken_to_in_secret() {
        let check = |issuer: &str, audience: &str| {
            Oidc { issuer: issuer.into(), audience: audience.into(), ..Oidc::default() }.check().is_ok()
        };
        for good in
            ["https://dex.example.com", "https://dex.example.com:5556/dex", "http://127.0.0.1:1", "http://localhost/x"]
        {
            assert!(check(good, "whipstaff"), "{good}");
        }
        for bad in [
            "http://dex.example.com",
            "dex",
            "",
            "https://",
            "https://a/?b",
            "ftp://localhost",
            "https://a/#b",
            "http://localhost.evil.com",
        ] {
            assert!(!check(bad, "whipstaff"), "{bad}");
        }
        assert!(!check("https://dex.example.com", ""));
    }
}

//! Who asks.

use std::sync::Arc;

use cluster::Identity;

/// Who asks, as far as that was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Caller(Option<Arc<Known>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Known {
    identity: Identity,
    by: Option<Means>,
}

/// How it was found out who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Means {
    /// The cluster knows the token.
    TokenReview,
    /// A key of this server.
    ApiKey,
    /// A token of the configured issuer.
    Oidc,
}

impl Means {
    /// Its name, as the flag `--auth` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TokenReview => "tokenreview",
            Self::ApiKey => "apikey",
            Self::Oidc => "oidc",
        }
    }
}

impl Caller {
    /// Somebody whose name is known from elsewhere, such as from the record of an operation.
    pub(crate) fn known(identity: Identity) -> Self {
        Self(Some(Arc::new(Known { identity, by: None })))
    }

    /// Somebody who has said who they are.
    pub(crate) fn authenticated(identity: Identity, by: Means) -> Self {
        Self(Some(Arc::new(Known { identity, by: Some(by) })))
    }

    /// Whom the cluster shall take for the caller; nobody in particular where there is no authentication.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.0.as_deref().map(|known| &known.identity)
    }

    /// The name that is shown.
    pub(crate) fn user(&self) -> Option<&str> {
        self.identity().map(|identity| identity.user.as_str())
    }

    /// How it was found out who asks.
    pub(crate) fn by(&self) -> Option<Means> {
        self.0.as_deref().and_then(|known| known.by)
    }
}

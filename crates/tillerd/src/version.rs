//! Which clients are spoken to, as Helm 2.17: `pkg/version/compatible.go`.

use std::task::{Context, Poll};

use chart::semver::Version;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::failure::Failure;

/// The version that the server says it is: the last of Helm 2, which takes every client that was released.
pub(crate) const VERSION: &str = "v2.17.0";

/// What clients say they are in.
const HEADER: &str = "x-helm-api-client";

/// Says whether a client of that version may speak to a server of that version.
fn is_compatible(client: &str, server: &str) -> bool {
    if client.ends_with("unreleased") || server.ends_with("unreleased") {
        return true;
    }
    let (Ok(client), Ok(server)) = (Version::parse(client), Version::parse(server)) else { return false };
    if !client.prerelease.is_empty() || !server.prerelease.is_empty() {
        return (client.major, client.minor, client.patch, &client.prerelease)
            == (server.major, server.minor, server.patch, &server.prerelease);
    }
    client.major == server.major && client.minor <= server.minor
}

/// Refuses clients that are too new, too old or do not say what they are; only the version itself is told to everybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VersionRule;

impl<S> Layer<S> for VersionRule {
    type Service = Ruled<S>;

    fn layer(&self, inner: S) -> Ruled<S> {
        Ruled(inner)
    }
}

/// A service behind the rule.
#[derive(Clone, Debug)]
pub(crate) struct Ruled<S>(S);

impl<S, B> Service<http::Request<B>> for Ruled<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = futures::future::Either<S::Future, std::future::Ready<Result<Self::Response, Self::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let client = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if request.uri().path().ends_with("/GetVersion") || is_compatible(client, VERSION) {
            return futures::future::Either::Left(self.0.call(request));
        }
        let refusal = Failure(format!("incompatible versions client[{client}] server[{VERSION}]"));
        let answer = Status::from(refusal).into_http();
        futures::future::Either::Right(std::future::ready(Ok(answer)))
    }
}

#[cfg(test)]
mod tests {
    use super::is_compatible;

    #[test]
    fn clients_of_the_same_line_and_no_newer_ones() {
        let clients =
            ["v2.17.0", "v2.17.1", "v2.18.0", "v2.16.12", "v2.9.1", "v2.0.0", "v3.0.0", "v2.17.0-rc.1", "", "x"];
        for (server, want) in [
            ("v2.17.0", [true, true, false, true, true, true, false, false, false, false]),
            ("v2.9.1", [false, false, false, false, true, true, false, false, false, false]),
            ("v2.17.0-rc.1", [false, false, false, false, false, false, false, true, false, false]),
            ("v2.17+unreleased", [true; 10]),
        ] {
            let got = clients.map(|client| is_compatible(client, server));
            assert_eq!(got, want, "{server}");
        }
        assert!(is_compatible("v2.8", "v2.17.0"));
    }
}

//! A process that dies: in one of its calls, before or after the call took effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use sandbox::{Loss, Sandbox};
use tower::ServiceExt;

/// When a server dies: in which of its calls, and which half of that is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death {
    pub(crate) call: usize,
    pub(crate) loss: Loss,
}

/// A client whose process dies: from then on nothing is sent and nothing comes back.
pub(crate) fn mortal(sandbox: &Sandbox, death: Option<Death>, calls: Arc<AtomicUsize>) -> kube::Client {
    let service = sandbox.service();
    kube::Client::new(
        tower::service_fn(move |request: Request<kube::client::Body>| {
            let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
            let service = service.clone();
            async move {
                match death {
                    Some(death) if number == death.call && death.loss == Loss::Response => {
                        let _ = service.oneshot(request).await;
                        std::future::pending().await
                    }
                    Some(death) if number >= death.call => std::future::pending().await,
                    _ => service.oneshot(request).await,
                }
            }
        }),
        "default",
    )
}

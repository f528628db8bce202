//! The address that webhooks are sent to.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use core_types::CancellationToken;
use monitoring::dashboard::{Door, Error, Limits, Tls};
use tokio::time::timeout;

use super::{Received, Webhooks};

/// The forges that we know send no more than this; GitHub's own limit is 25 MiB.
const BODY_BYTES: usize = 5 << 20;
/// As long as GitHub waits for an answer.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// An address at which webhooks are listened for: `POST /webhooks/<kind of forge>`.
///
/// It answers 202 to what makes a follower look, 200 to what came before, 401 to what is not signed with a
/// secret of ours, 404 to a kind of forge that has none, 413 to what is longer than 5 MiB.
#[derive(Debug)]
pub struct WebhookAddress {
    door: Door,
    webhooks: Arc<Webhooks>,
}

impl WebhookAddress {
    /// Listens on `address`; nothing is answered before [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// Validation for an address that other machines can reach, without `tls`; Conflict for one that is in use.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Tls>,
        webhooks: Webhooks,
    ) -> Result<Self, Error> {
        // A handful of forges sends, each a few at a time.
        let limits = Limits {
            connections: 64,
            waiting: 32,
            body_bytes: BODY_BYTES,
            request_time: REQUEST_TIME,
            ..Limits::default()
        };
        Ok(Self {
            door: Door::bind(address, limits, tls).await?,
            webhooks: Arc::new(webhooks),
        })
    }

    /// Where it listens, with the port that was free where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.door.address()
    }

    /// Serves until `stop` is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes all connections. What was answered is remembered.
    pub async fn serve(&self, stop: CancellationToken) {
        let router = Router::new()
            .route("/webhooks/{kind}", post(receive))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&self.webhooks));
        self.door.serve(router, stop).await;
    }
}

async fn receive(
    State(webhooks): State<Arc<Webhooks>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> StatusCode {
    let reading = axum::body::to_bytes(body, BODY_BYTES);
    let body: Bytes = match timeout(REQUEST_TIME, reading).await {
        Ok(Ok(body)) => body,
        // Too long, or cut off, which nobody hears of.
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let received = tokio::task::spawn_blocking(move || {
        let headers: Vec<_> = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        webhooks.receive_blocking(&kind, &headers, &body)
    });
    match received.await {
        Ok(Ok(Received::Taken)) => StatusCode::ACCEPTED,
        Ok(Ok(Received::Again)) => StatusCode::OK,
        Ok(Ok(Received::Unsigned)) => StatusCode::UNAUTHORIZED,
        Ok(Ok(Received::Unknown)) => StatusCode::NOT_FOUND,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a delivery could not be remembered");
            StatusCode::SERVICE_UNAVAILABLE
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

//! Bodies of requests, of which only so much is held at once.

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    StatusCode,
    body::{Body as _, Bytes, Incoming},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{refusal::Refusal, server::Shared};

/// The largest request: what Anthropic takes at most.
const REQUEST_BYTES: usize = 32 * 1024 * 1024;

/// What room is counted in.
const UNIT: usize = 1024;

/// As much room as these bytes take.
pub(super) fn room(n_bytes: usize) -> Semaphore {
    Semaphore::new(units(n_bytes) as usize)
}

fn units(n_bytes: usize) -> u32 {
    u32::try_from(n_bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// Reads a body when there is room for it; the room is held as long as the second value.
pub(super) async fn read(
    shared: &Shared,
    body: Incoming,
) -> Result<(Bytes, OwnedSemaphorePermit), Refusal> {
    let options = &shared.options;
    let most = REQUEST_BYTES.min(options.held_bytes);
    let too_large = || {
        let message = format!("the request is larger than {most} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
    };
    // One that does not announce its length may be as long as any.
    let announced = body.size_hint().exact().map(usize::try_from);
    let announced = announced.map_or(most, |length| length.unwrap_or(usize::MAX));
    if announced > most {
        return Err(too_large());
    }
    let room = shared.room.clone().acquire_many_owned(units(announced));
    let room = timeout(options.max_wait, room).await;
    let Ok(Ok(mut room)) = room else {
        let message = "the gateway holds as many requests as it has room for";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::new(status, "overloaded_error", message));
    };
    match timeout(options.body_time, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => {
            let bytes = body.to_bytes();
            let excess = units(announced).saturating_sub(units(bytes.len()));
            drop(room.split(excess as usize));
            Ok((bytes, room))
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => {
            let message = format!("the request did not come whole: {error}");
            Err(Refusal::invalid(message))
        }
        Err(_) => {
            let message = format!(
                "the request did not come whole within {:?}",
                options.body_time
            );
            let status = StatusCode::REQUEST_TIMEOUT;
            Err(Refusal::new(status, "invalid_request_error", message))
        }
    }
}

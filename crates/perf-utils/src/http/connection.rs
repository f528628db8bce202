//! One HTTP/1.1 connection, driven by whoever uses it.
//!
//! hyper splits a connection into a handle and a future that does its IO. That future is polled
//! here beside the request, in the caller's own task: no task is spawned, none can be left behind,
//! nothing has to be handed from task to task, and a request that is dropped ends its connection.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, response::Parts};
use http_body_util::Full;
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;

use super::{body::Collected, connect::Stream};

type Driver = http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Pin<Box<Driver>>>,
}

/// An answer that was read whole.
pub(super) struct Answer {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

/// Why there is none.
pub(super) enum Failure {
    /// The connection had ended before anything was sent, so another may be used.
    NotSent {
        request: Box<Request<Full<Bytes>>>,
        source: hyper::Error,
    },
    Broken(hyper::Error),
    TooLarge,
}

/// A context for futures that only the driver completes: it is polled here, right before them, so
/// there is nothing to be woken for.
fn unwoken() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

impl Connection {
    pub(super) async fn new(stream: Box<dyn Stream>) -> Result<Self, hyper::Error> {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
        })
    }

    fn poll_driver(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            // Dropped, it tells those who wait for an answer why there is none.
            self.driver = None;
        }
    }

    /// Says whether another request can be sent, after a look whether the server has closed it.
    pub(super) fn is_usable(&mut self) -> bool {
        self.poll_driver(&mut unwoken());
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends the request and reads the head of the answer. `on_sent` is called before the first byte
    /// may leave.
    pub(super) async fn begin(
        &mut self,
        request: Request<Full<Bytes>>,
        on_sent: impl FnOnce(),
    ) -> Result<(Parts, Incoming), Failure> {
        on_sent();
        let mut answer = pin!(self.sender.try_send_request(request));
        let answer = poll_fn(|cx| {
            if let Some(driver) = &mut self.driver
                && driver.as_mut().poll(cx).is_ready()
            {
                self.driver = None;
            }
            answer.as_mut().poll(&mut unwoken())
        });
        let answer = answer
            .await
            .map_err(|mut error| match error.take_message() {
                Some(request) => Failure::NotSent {
                    request: Box::new(request),
                    source: error.into_error(),
                },
                None => Failure::Broken(error.into_error()),
            })?;
        // In place of the waker that it was polled with last, which would be woken for nothing.
        self.poll_driver(&mut unwoken());
        Ok(answer.into_parts())
    }

    /// The next piece of a body; `None` at its end.
    pub(super) fn poll_piece(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        // Asking for a frame lets the driver read one; then it is there. Only if it is not, the
        // driver is polled so that it wakes this task.
        let mut n_driven = 0;
        loop {
            match Pin::new(&mut *body).poll_frame(&mut unwoken()) {
                Poll::Ready(Some(Ok(frame))) => {
                    n_driven = 0;
                    // Trailers say nothing that is of use here.
                    if let Ok(piece) = frame.into_data() {
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    match n_driven {
                        0 => self.poll_driver(&mut unwoken()),
                        1 => self.poll_driver(cx),
                        _ => return Poll::Pending,
                    }
                    n_driven += 1;
                }
            }
        }
    }

    /// Reads a whole body.
    pub(super) async fn read(
        &mut self,
        mut body: Incoming,
        limit: usize,
    ) -> Result<Bytes, Failure> {
        let announced = body.size_hint().lower();
        if usize::try_from(announced).map_or(true, |announced| announced > limit) {
            return Err(Failure::TooLarge);
        }
        let mut collected = Collected::Nothing;
        while let Some(piece) = poll_fn(|cx| self.poll_piece(&mut body, cx)).await {
            if !collected.add(piece.map_err(Failure::Broken)?, limit) {
                return Err(Failure::TooLarge);
            }
        }
        Ok(collected.into_bytes())
    }
}

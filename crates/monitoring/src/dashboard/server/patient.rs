//! A stream that gives up on a peer who takes too long.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream whose writes fail when the peer has not taken all that was written within a time. An
/// answer is flushed at its end and a piece of a stream of events at its own, so each has that time,
/// however little of it is taken at once. Reads wait for as long as they like: the time for a
/// request's head is hyper's.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Set from the first write after a flush until the next flush is done.
    taking: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            taking: None,
        }
    }

    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let patience = self.patience;
        let taking = self.taking.get_or_insert_with(|| Box::pin(sleep(patience)));
        if taking.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        progress
    }

    /// The same for what ends when all is taken.
    fn watch_end<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.taking = None;
            return progress;
        }
        self.watch(context, progress)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        self.watch_end(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch_end(context, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_byte_a_second_is_left() {
        let (ours, mut theirs) = duplex(1);
        let mut ours = Patient::new(ours, PATIENCE);
        let answer = async { ours.write_all(&[0; 100]).await };
        let reader = async {
            for n_taken in 0.. {
                sleep(Duration::from_secs(1)).await;
                if theirs.read_u8().await.is_err() {
                    return n_taken;
                }
            }
            0
        };
        tokio::select! {
            answer = answer => {
                let error = answer.expect_err("it took too long");
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            }
            n_taken = reader => panic!("{n_taken} bytes were taken"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_of_a_stream_has_its_own_time() {
        let (ours, mut theirs) = duplex(1);
        let mut ours = Patient::new(ours, PATIENCE);
        let mut readers = tokio::task::JoinSet::new();
        readers.spawn(async move {
            let mut bytes = Vec::new();
            while theirs.read_buf(&mut bytes).await.is_ok_and(|n| n > 0) {
                sleep(Duration::from_secs(1)).await;
            }
        });
        for _ in 0..10 {
            ours.write_all(&[0; 20]).await.expect("it is taken");
            ours.flush().await.expect("it is taken");
            // A stream may say nothing for as long as it likes.
            sleep(2 * PATIENCE).await;
        }
    }
}
